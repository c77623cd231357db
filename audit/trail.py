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
    POPULATION_ASKED = "POPULATION_ASKED", _("Population register asked")
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
    GRANT_MADE = "GRANT_MADE", _("Grant made")
    OPENING = "OPENING", _("Answer may be shown")
    ANSWER_SHOWN = "ANSWER_SHOWN", _("Answer shown")
    ANSWER_EXTENDED = "ANSWER_EXTENDED", _("Five minutes more for an answer")
    ANSWER_REFUSED = "ANSWER_REFUSED", _("Answer not shown")
    GRANT_REVOKED = "GRANT_REVOKED", _("Grant revoked")
    GRANT_EXPIRED = "GRANT_EXPIRED", _("Grant expired")
    SIGNED_IN = "SIGNED_IN", _("Signed in")
    SIGN_IN_FAILED = "SIGN_IN_FAILED", _("Sign-in failed")
    SIGNED_OUT = "SIGNED_OUT", _("Signed out")
    SESSION_ENDED = "SESSION_ENDED", _("Sessions ended")
    DENIED = "DENIED", _("Access denied")
    ORGANISATION_CREATED = "ORGANISATION_CREATED", _("Organisation created")
    AGREEMENT_CHANGED = "AGREEMENT_CHANGED", _("Agreement changed")
    USER_CREATED = "USER_CREATED", _("User created")
    USER_CHANGED = "USER_CHANGED", _("User changed")
    PASSWORD_CHANGED = "PASSWORD_CHANGED", _("Password changed")
    PASSWORD_REHASHED = "PASSWORD_REHASHED", _("Password stored anew")
    FACTOR_ADDED = "FACTOR_ADDED", _("Second factor added")
    FACTOR_CHANGED = "FACTOR_CHANGED", _("Second factor changed")
    FACTOR_REMOVED = "FACTOR_REMOVED", _("Second factor removed")
    RECOVERY_CODE_USED = "RECOVERY_CODE_USED", _("Recovery code used")
    USER_DISABLED = "USER_DISABLED", _("User disabled")
    USER_ENABLED = "USER_ENABLED", _("User enabled")
    DUTY_GIVEN = "DUTY_GIVEN", _("Duty given")
    DUTY_WITHDRAWN = "DUTY_WITHDRAWN", _("Duty withdrawn")
    CHANGE_PROPOSED = "CHANGE_PROPOSED", _("Change proposed")
    CHANGE_ENACTED = "CHANGE_ENACTED", _("Change put in force")
    CHANGE_TURNED_DOWN = "CHANGE_TURNED_DOWN", _("Change turned down")
    CHANGE_WITHDRAWN = "CHANGE_WITHDRAWN", _("Proposal withdrawn")
    ENROLMENT_CODE_MADE = "ENROLMENT_CODE_MADE", _("One-time code made")
    ENROLLED = "ENROLLED", _("Password chosen with a code")
    ENROLMENT_FAILED = "ENROLMENT_FAILED", _("One-time code not right")
    CATALOGUE_LOADED = "CATALOGUE_LOADED", _("Catalogue loaded")
    TRAIL_VERIFIED = "TRAIL_VERIFIED", _("Trail verified")
    TRAIL_ALARM = "TRAIL_ALARM", _("Alarm of the trail")
    ALARM_SENT = "ALARM_SENT", _("Alarm sent")
    ALARM_CLOSED = "ALARM_CLOSED", _("Alarm closed")
    TRAIL_EXPORTED = "TRAIL_EXPORTED", _("Events saved as a table")
    SCHEMA_ACCEPTED = "SCHEMA_ACCEPTED", _("Structure of the database accepted")
    RECONCILED = "RECONCILED", _("Restored database reconciled")


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
    nonces = {name: secrets.token_bytes(32) for name in texts or {}}
    digests = [bytes.fromhex(text_digest(nonce, (texts or {})[name])) for name, nonce in nonces.items()]
    target_type, target_id = _target(on)
    values = [
        EventType(kind).value,
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
