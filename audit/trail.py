"""Writing the trail: the only code that inserts an event (Rules 2 and 9)."""

import datetime
import hashlib
import json
import re
import secrets
import uuid
from typing import Any, Protocol

from django.db import DatabaseError, connection, models
from django.db.transaction import TransactionManagementError

from audit import kinds
from audit.exceptions import TrailUnavailable
from audit.kinds import Kind

# What may stand in the log for ever: opaque ids and codes, never words.
CODE = re.compile(r"[\x21-\x7e]{0,200}")
ID_NUMBER = re.compile(r"\d{6}(18|19|20)\d{2}(0[1-9]|1[0-2])([0-2]\d|3[01])\d{3}[\dXx]")


class Actor(Protocol):
    """What the trail needs of a user."""

    pk: Any

    @property
    def unit_code(self) -> str:
        """The code of the unit that the actor acts for."""


def write(
    kind: Kind,
    *,
    by: Actor | None,
    on: models.Model | tuple[str, str] | None,
    texts: dict[str, str] | None = None,
    **detail: Any,
) -> uuid.UUID:
    """Insert one event into the transaction that is open, and return its id; it is committed with that transaction.

    `detail` holds numbers, truth values and codes. Free text goes into `texts`: only its digest with a nonce is
    logged. Raises TrailUnavailable when the event cannot be inserted, whatever the reason, and ValueError for a kind that
    no app registered.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("trail.write needs a transaction: the act and its event commit together.")
    nonces = {name: secrets.token_bytes(32) for name in texts or {}}
    digests = [bytes.fromhex(text_digest(nonce, (texts or {})[name])) for name, nonce in nonces.items()]
    target_type, target_id = _target(on)
    values = [
        str(_known(kind)),
        by.pk if by else None,
        by.unit_code if by else None,
        target_type,
        target_id,
        json.dumps({name: _plain(name, value) for name, value in detail.items()}),
        list(nonces),
        list(nonces.values()),
        digests,
    ]
    try:
        with connection.cursor() as cursor:
            # The database builds the canonical bytes, with its own clock, and refuses what is not a code.
            cursor.execute(
                "select public.audit_write(%s, %s, %s, %s, %s, %s::jsonb, %s::text[], %s::bytea[], %s::bytea[])", values
            )
            event_id: uuid.UUID = cursor.fetchone()[0]
    except DatabaseError as error:
        # Rule 2. The database's message may carry values, so it is not passed on.
        raise TrailUnavailable(f"The event {kind} cannot be written ({type(error).__name__}).") from None
    return event_id


def text_digest(nonce: bytes, text: str) -> str:
    """Return what the log holds of a free text: enough to prove it, nothing to guess it from."""
    return hashlib.sha256(nonce + text.encode()).hexdigest()


def database_now() -> datetime.datetime:
    """Return the time by the database's clock, the only one that decides."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def _known(kind: str) -> Kind:
    if (known := kinds.kind_of(kind)) is None:
        raise ValueError(f"No app registered the kind of event {kind}.")
    return known


def _target(on: models.Model | tuple[str, str] | None) -> tuple[str | None, str | None]:
    if on is None:
        return None, None
    if isinstance(on, models.Model):
        return on._meta.label_lower, str(on.pk)
    target_type, target_id = on
    return str(target_type), str(target_id)


def _plain(name: str, value: Any) -> Any:
    """Return the value as JSON may hold it, or refuse it: words and ID numbers never enter the log."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        items = [_plain(name, item) for item in value]
        return sorted(items) if isinstance(value, set | frozenset) else items
    if isinstance(value, uuid.UUID | datetime.date | datetime.datetime):
        value = value.isoformat() if isinstance(value, datetime.date) else str(value)
    if isinstance(value, str) and CODE.fullmatch(value) and not ID_NUMBER.fullmatch(value):
        return str(value)
    raise TypeError(f"The detail {name} is neither a number nor a code; free text belongs in texts.")
