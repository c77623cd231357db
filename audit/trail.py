"""Writing the trail: the only code that inserts an event (Rules 2 and 9)."""

import datetime
import hashlib
import re
import secrets
import uuid
from typing import Any, Protocol

import rfc8785
from django.db import DatabaseError, connection, models
from django.db.transaction import TransactionManagementError
from django.utils.translation import gettext_lazy as _

from audit.exceptions import TrailUnavailable

# What may stand in the log for ever: opaque ids and codes, never words.
CODE = re.compile(r"[\x21-\x7e]{0,200}")
ID_NUMBER = re.compile(r"\d{6}(18|19|20)\d{2}(0[1-9]|1[0-2])([0-2]\d|3[01])\d{3}[\dXx]")


class Actor(Protocol):
    """What the trail needs of a user."""

    pk: Any

    @property
    def unit_code(self) -> str: ...


class EventType(models.TextChoices):
    """Every kind of event."""

    VIOLATION_DRAFTED = "VIOLATION_DRAFTED", _("Violation drafted")
    VIOLATION_EDITED = "VIOLATION_EDITED", _("Violation edited")
    VIOLATION_DISCARDED = "VIOLATION_DISCARDED", _("Violation discarded")
    VIOLATION_SUBMITTED = "VIOLATION_SUBMITTED", _("Violation submitted")
    VIOLATION_RETURNED = "VIOLATION_RETURNED", _("Violation returned")
    VIOLATION_CONFIRMED = "VIOLATION_CONFIRMED", _("Violation confirmed")
    DECISION_SERVED = "DECISION_SERVED", _("Decision served")
    VIOLATION_SEALED = "VIOLATION_SEALED", _("Violation sealed")
    REQUEST_DRAFTED = "REQUEST_DRAFTED", _("Request drafted")
    REQUEST_EDITED = "REQUEST_EDITED", _("Request edited")
    REQUEST_SUBMITTED = "REQUEST_SUBMITTED", _("Request submitted")
    REQUEST_WITHDRAWN = "REQUEST_WITHDRAWN", _("Request withdrawn")
    REQUEST_RETURNED = "REQUEST_RETURNED", _("Request returned")
    REQUEST_VOTED = "REQUEST_VOTED", _("Vote on a request")
    REQUEST_APPROVED = "REQUEST_APPROVED", _("Request approved")
    REQUEST_REFUSED = "REQUEST_REFUSED", _("Request refused")
    REQUEST_LAPSED = "REQUEST_LAPSED", _("Request lapsed")
    UNDERTAKING_SIGNED = "UNDERTAKING_SIGNED", _("Undertaking signed")
    IDENTITY_CONFIRMED = "IDENTITY_CONFIRMED", _("Identity confirmed")
    IDENTITY_NOT_CONFIRMED = "IDENTITY_NOT_CONFIRMED", _("Identity not confirmed")
    DISCLOSED = "DISCLOSED", _("Answer opened")
    GRANT_REVOKED = "GRANT_REVOKED", _("Grant revoked")
    GRANT_EXPIRED = "GRANT_EXPIRED", _("Grant expired")
    SIGNED_IN = "SIGNED_IN", _("Signed in")
    SIGN_IN_FAILED = "SIGN_IN_FAILED", _("Sign-in failed")
    SIGNED_OUT = "SIGNED_OUT", _("Signed out")
    DENIED = "DENIED", _("Access denied")
    ORGANISATION_CREATED = "ORGANISATION_CREATED", _("Organisation created")
    AGREEMENT_CHANGED = "AGREEMENT_CHANGED", _("Agreement changed")
    USER_CREATED = "USER_CREATED", _("User created")
    USER_DISABLED = "USER_DISABLED", _("User disabled")
    USER_ENABLED = "USER_ENABLED", _("User enabled")
    DUTY_GIVEN = "DUTY_GIVEN", _("Duty given")
    DUTY_WITHDRAWN = "DUTY_WITHDRAWN", _("Duty withdrawn")
    CATALOGUE_LOADED = "CATALOGUE_LOADED", _("Catalogue loaded")
    TRAIL_VERIFIED = "TRAIL_VERIFIED", _("Trail verified")
    TRAIL_ALARM = "TRAIL_ALARM", _("Alarm of the trail")


def write(
    kind: EventType,
    *,
    by: Actor | None,
    on: models.Model | tuple[str, str] | None,
    texts: dict[str, str] | None = None,
    **detail: Any,
) -> uuid.UUID:
    """Insert one event into the transaction that is open, and return its id; it is committed with that transaction.

    `detail` holds numbers, truth values and codes. Free text goes into `texts`: only its digest with a nonce is
    logged. Raises TrailUnavailable when the event cannot be inserted, whatever the reason.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("trail.write needs a transaction: the act and its event commit together.")
    event_id = uuid.uuid4()
    nonces = {name: secrets.token_bytes(32) for name in texts or {}}
    target_type, target_id = _target(on)
    head, tail = rfc8785.dumps(
        {
            "actor": {"id": str(by.pk) if by else None, "unit": by.unit_code if by else None},
            "at": "@",
            "detail": {name: _plain(name, value) for name, value in detail.items()},
            "id": str(event_id),
            "kind": EventType(kind).value,
            "target": {"id": target_id, "type": target_type},
            "texts": {name: text_digest(nonces[name], text) for name, text in (texts or {}).items()},
            "v": 1,
        }
    ).split(b'"at":"@"', 1)
    try:
        with connection.cursor() as cursor:
            # The database puts its own clock into the canonical bytes, in the same round trip.
            cursor.execute(
                """
                INSERT INTO audit_event (id, canonical)
                SELECT %s, %s::bytea || convert_to(
                    to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'UTF8'
                ) || %s::bytea
                """,
                [event_id, head + b'"at":"', b'"' + tail],
            )
            if nonces:
                cursor.execute(
                    "INSERT INTO audit_nonce (event_id, name, nonce) SELECT %s, * FROM unnest(%s::text[], %s::bytea[])",
                    [event_id, list(nonces), list(nonces.values())],
                )
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
