"""Sessions: the database holds a digest of each key, and what a session holds is signed with that digest in the salt.

Whoever reads the table can use no row of it as a cookie; whoever writes it cannot copy what another session holds into
one of their own, since the signature is of the other digest.
"""

from __future__ import annotations

import hashlib
import math
import re
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.core import signing
from django.db import IntegrityError, connection, transaction
from django.http import HttpRequest

from access.models import Session, SessionEnd, User
from access.models.sessions import DATABASE_NOW, SessionQuerySet
from access.questions import Written

# Being seen is written down at most this often; a session ends that much earlier at worst.
SEEN_EVERY_SECONDS = 30
# What our own scripts send with a request that nobody's hand made.
TIMER = "X-Timer"


def session_digest(session_key: str) -> bytes:
    """Name a session without keeping its key."""
    return hashlib.sha256(session_key.encode()).digest()


def end(sessions: SessionQuerySet) -> int:
    """End these sessions at once, and for good; return how many there were. It touches no row and waits for nobody."""
    return len(
        SessionEnd.objects.bulk_create(SessionEnd(digest=row.digest) for row in sessions.not_ended().only("digest"))
    )


def end_all(*people: User) -> int:
    """End every session of these people at once; return how many there were."""
    return end(Session.objects.filter(user__in=[person.pk for person in people]))


def is_by_hand(request: HttpRequest) -> bool:
    """Say whether somebody made this request: a timer's says so, and a browser tells what no hand has started."""
    if TIMER in request.headers:
        return False
    mode, user = request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-User")
    return mode != "navigate" or user == "?1"


BROWSERS = (
    ("Edge", r"\bEdg/(\d+)"),
    ("360", r"\b360(?:SE|EE|Browser)\b()"),
    ("QQ", r"\bQQBrowser/(\d+)"),
    ("Firefox", r"\bFirefox/(\d+)"),
    ("Chrome", r"\bChrom(?:e|ium)/(\d+)"),
    ("Safari", r"\bVersion/(\d+).*Safari/"),
)
SYSTEMS = ("Windows", "Android", "iPhone", "Mac OS X", "Kylin", "UOS", "Linux")


def browser_name(agent: str) -> str:
    """Return the few words of a browser's long name that its owner would know it by."""
    found = ((name, re.search(pattern, agent)) for name, pattern in BROWSERS)
    browser = next((f"{name} {match[1]}".strip() for name, match in found if match), "")
    system = next((name for name in SYSTEMS if name in agent), "")
    return " · ".join(filter(None, [browser, system]))


@cache
def _live() -> Written:
    """Write the statement that every page begins with: a live session by its digest."""
    digest = session_digest("").hex()
    return Written(*Session.objects.live().filter(digest=digest).query.sql_with_params(), digest)


_FIELDS = [field.attname for field in Session._meta.concrete_fields]


def _find(digest: str) -> Session | None:
    live = _live()
    with connection.cursor() as cursor:
        cursor.execute(live.sql, live.filled(digest))
        cells = cursor.fetchone()
    if cells is None:
        return None
    row: Session = Session.from_db(connection.alias, _FIELDS, cells[:-1])
    row.database_now = cells[-1]
    return row


class SessionStore(SessionBase):
    """Django's session interface over `access_session`."""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self.address = self.browser = ""
        self.is_by_hand = False
        self.row: Session | None = None
        # A cookie came with a key that opens nothing any more.
        self.is_over = False

    def belongs_to(self, request: HttpRequest) -> None:
        """Learn where the request came from, before anything is read."""
        self.address = request.META.get("REMOTE_ADDR", "")[:45]
        self.browser = browser_name(request.headers.get("User-Agent", ""))[:60]
        self.is_by_hand = is_by_hand(request)

    @property
    def seconds_left(self) -> int:
        """How long it lasts if its holder does nothing more."""
        if self.row is None:  # it has just begun
            return settings.SESSION_IDLE_SECONDS
        return max(0, math.floor((self.row.ends_at - self.row.database_now).total_seconds()))

    def load(self) -> dict[str, Any]:
        """Return what the session holds, or nothing where it has ended or was tampered with: then it begins anew."""
        row = _find(self._digest())
        held = None if row is None else self._read(row)
        if row is None or held is None:
            self.is_over = True
            self._session_key = None
            return {}
        self.row = row
        if self.is_by_hand and (row.database_now - row.last_seen_at).total_seconds() > SEEN_EVERY_SECONDS:
            self.prolong()
        return held

    def prolong(self) -> None:
        """Note that its holder is here, and where; not this time, when somebody holds the row."""
        if self.row is None:
            return
        row = Session.objects.filter(pk=self.row.pk)
        with transaction.atomic():
            if row.select_for_update(skip_locked=True).exists():
                row.update(last_seen_at=DATABASE_NOW, address=self.address, browser=self.browser)
                self.row.last_seen_at = self.row.database_now

    def exists(self, session_key: str) -> bool:
        """Say whether there is a session of this key, ended or not; the key itself is stored nowhere."""
        return Session.objects.filter(digest=session_digest(session_key).hex()).exists()

    def create(self) -> None:
        """Begin a session under a key that nobody has."""
        while True:
            self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:
        """Store what the session holds; one that was ended meanwhile raises UpdateError and does not come back."""
        if self.session_key is None:
            return self.create()
        held = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        values = {"data": signing.dumps(held, salt=self._salt(), compress=True), "user_id": held.get(SESSION_KEY)}
        if must_create:
            try:
                with transaction.atomic():
                    row = Session(digest=self._digest(), address=self.address, browser=self.browser, **values)
                    row.save(force_insert=True)
            except IntegrityError:
                raise CreateError from None
        elif not Session.objects.not_ended().filter(digest=self._digest()).update(**values):
            # It was ended meanwhile, and what has ended does not come back.
            raise UpdateError
        return None

    def delete(self, session_key: str | None = None) -> None:
        """End the session; its row stays and says when."""
        key = session_key or self.session_key
        if key is not None:
            end(Session.objects.filter(digest=session_digest(key).hex()))

    @classmethod
    def clear_expired(cls) -> None:
        """Forget the rows that are over; the application may not, and a row that somebody holds waits for the next time."""
        with connection.cursor() as cursor:
            cursor.execute(
                "select public.access_forget_sessions(%s, %s)",
                [settings.SESSION_IDLE_SECONDS, settings.SESSION_SECONDS],
            )

    def _digest(self) -> str:
        return session_digest(self.session_key or "").hex()

    def _salt(self) -> str:
        return f"access.sessions.{self._digest()}"

    def _read(self, row: Session) -> dict[str, Any] | None:
        try:
            held = signing.loads(row.data, salt=self._salt(), max_age=settings.SESSION_SECONDS)
        except signing.BadSignature:
            return None
        if not isinstance(held, dict):
            return None
        # Whose it is stands in the row as well, where it is looked for: a row that says somebody else hides from its holder.
        signed = held.get(SESSION_KEY)
        return held if signed == (row.user_id and str(row.user_id)) else None
