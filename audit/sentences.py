"""Events as sentences that people read, in the reader's language.

They are read from what was logged, and only where that cannot be read from the columns; whatever stands there, a page
that shows it opens.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit import reading
from audit.models import Event
from audit.trail import EventType

SENTENCES: dict[str, Any] = {
    EventType.VIOLATION_DRAFTED: gettext_lazy("%(who)s began to enter %(target)s."),
    EventType.VIOLATION_EDITED: gettext_lazy("%(who)s changed the draft of %(target)s."),
    EventType.VIOLATION_DISCARDED: gettext_lazy("%(who)s discarded the draft of %(target)s."),
    EventType.VIOLATION_SUBMITTED: gettext_lazy("%(who)s submitted %(target)s for review."),
    EventType.VIOLATION_RETURNED: gettext_lazy("%(who)s returned %(target)s with a remark."),
    EventType.VIOLATION_CONFIRMED: gettext_lazy("%(who)s confirmed %(target)s."),
    EventType.DECISION_SERVED: gettext_lazy("%(who)s recorded that the decision on %(target)s was served."),
    EventType.VIOLATION_SEALED: gettext_lazy("%(who)s sealed %(target)s."),
    EventType.REQUEST_DRAFTED: gettext_lazy("%(who)s began %(target)s."),
    EventType.REQUEST_EDITED: gettext_lazy("%(who)s changed %(target)s."),
    EventType.REQUEST_SUBMITTED: gettext_lazy("%(who)s submitted %(target)s."),
    EventType.REQUEST_WITHDRAWN: gettext_lazy("%(who)s withdrew %(target)s."),
    EventType.REQUEST_RETURNED: gettext_lazy("%(who)s returned %(target)s for correction."),
    EventType.REQUEST_VOTED: gettext_lazy("%(who)s voted on %(target)s."),
    EventType.REQUEST_APPROVED: gettext_lazy("%(who)s approved %(target)s."),
    EventType.REQUEST_REFUSED: gettext_lazy("%(who)s refused %(target)s."),
    EventType.REQUEST_LAPSED: gettext_lazy("%(who)s let %(target)s lapse, because nobody corrected it in time."),
    EventType.UNDERTAKING_SIGNED: gettext_lazy("%(who)s signed the confidentiality undertaking for %(target)s."),
    EventType.IDENTITY_CONFIRMED: gettext_lazy("%(who)s confirmed their identity again, for one act."),
    EventType.IDENTITY_NOT_CONFIRMED: gettext_lazy("%(who)s could not confirm their identity for an act."),
    EventType.GRANT_MADE: gettext_lazy("The vote of %(who)s made %(target)s."),
    EventType.OPENING: gettext_lazy("%(who)s opened the answer under %(target)s: it may be shown."),
    EventType.ANSWER_SHOWN: gettext_lazy("The answer under %(target)s was shown to %(who)s."),
    EventType.ANSWER_REFUSED: gettext_lazy("The answer under %(target)s was not shown to %(who)s."),
    EventType.GRANT_REVOKED: gettext_lazy("%(who)s revoked %(target)s."),
    EventType.GRANT_EXPIRED: gettext_lazy("%(who)s recorded that %(target)s has ended."),
    EventType.SIGNED_IN: gettext_lazy("%(who)s signed in."),
    EventType.SIGN_IN_FAILED: gettext_lazy("%(who)s tried to sign in and failed."),
    EventType.SIGNED_OUT: gettext_lazy("%(who)s signed out."),
    EventType.SESSION_ENDED: gettext_lazy("%(who)s ended their own sessions elsewhere."),
    EventType.DENIED: gettext_lazy("%(who)s was refused access to %(target)s."),
    EventType.ORGANISATION_CREATED: gettext_lazy("%(who)s created %(target)s."),
    EventType.AGREEMENT_CHANGED: gettext_lazy("%(who)s changed the agreement of %(target)s."),
    EventType.USER_CREATED: gettext_lazy("%(who)s created the account of %(target)s."),
    EventType.USER_CHANGED: gettext_lazy("%(who)s changed the entry of %(target)s."),
    EventType.PASSWORD_CHANGED: gettext_lazy("%(who)s changed the password of %(target)s."),
    EventType.PASSWORD_REHASHED: gettext_lazy(
        "The password of %(target)s was stored anew at a sign-in; it is the same."
    ),
    EventType.FACTOR_ADDED: gettext_lazy("A second factor was added for %(target)s."),
    EventType.FACTOR_CHANGED: gettext_lazy("A second factor of %(target)s was changed."),
    EventType.FACTOR_REMOVED: gettext_lazy("A second factor of %(target)s was removed."),
    EventType.RECOVERY_CODE_USED: gettext_lazy("A recovery code of %(target)s was used up."),
    EventType.USER_DISABLED: gettext_lazy("%(who)s disabled the account of %(target)s."),
    EventType.USER_ENABLED: gettext_lazy("%(who)s enabled the account of %(target)s."),
    EventType.DUTY_GIVEN: gettext_lazy("%(who)s gave a duty to %(target)s."),
    EventType.DUTY_WITHDRAWN: gettext_lazy("%(who)s withdrew a duty from %(target)s."),
    EventType.CHANGE_PROPOSED: gettext_lazy("%(who)s proposed %(target)s."),
    EventType.CHANGE_ENACTED: gettext_lazy("%(who)s put %(target)s in force."),
    EventType.CHANGE_TURNED_DOWN: gettext_lazy("%(who)s turned %(target)s down."),
    EventType.CHANGE_WITHDRAWN: gettext_lazy("%(who)s withdrew %(target)s."),
    EventType.ENROLMENT_CODE_MADE: gettext_lazy("%(who)s made a one-time code for %(target)s."),
    EventType.ENROLLED: gettext_lazy("%(who)s chose a password with a one-time code."),
    EventType.ENROLMENT_FAILED: gettext_lazy("Somebody entered a one-time code that is not right for %(target)s."),
    EventType.CATALOGUE_LOADED: gettext_lazy("%(who)s loaded the catalogue of law."),
    EventType.TRAIL_VERIFIED: gettext_lazy("%(who)s verified the trail."),
    EventType.TRAIL_ALARM: gettext_lazy("%(who)s raised an alarm about the trail."),
    EventType.SCHEMA_ACCEPTED: gettext_lazy("%(who)s accepted how the database is built now."),
    EventType.RECONCILED: gettext_lazy("%(who)s reconciled a restored database with the trail and began a new log."),
}
# Where an event says on which sides less was given than was asked, the sentence says it too.
IN_PART: dict[str, Any] = {
    EventType.REQUEST_VOTED: gettext_lazy("%(who)s voted to approve %(target)s in part."),
    EventType.REQUEST_APPROVED: gettext_lazy("%(who)s approved %(target)s in part."),
    EventType.GRANT_MADE: gettext_lazy("The vote of %(who)s made %(target)s, which gives less than was asked."),
}
TARGETS: dict[str | None, Any] = {
    "records.violation": gettext_lazy("violation %(id)s"),
    "records.sealing": gettext_lazy("several violations at once (%(id)s)"),
    "access.accessrequest": gettext_lazy("request %(id)s"),
    "access.grant": gettext_lazy("grant %(id)s"),
    "access.organisation": gettext_lazy("organisation %(id)s"),
    "access.user": gettext_lazy("user %(id)s"),
    "access.proposal": gettext_lazy("proposal %(id)s"),
    "url": gettext_lazy("the page of %(id)s"),
}
# People know requests by their number, so an event that names it is read with it.
NUMBERED: dict[str | None, Any] = {
    "access.accessrequest": gettext_lazy("request %(number)s"),
    "access.grant": gettext_lazy("the grant of request %(number)s"),
}
DETAILS = {
    "rung": gettext_lazy("Rung"),
    "basis": gettext_lazy("Legal basis"),
    "purpose": gettext_lazy("Purpose"),
    "offence": gettext_lazy("Offence"),
    "categories": gettext_lazy("Categories"),
    "rule": gettext_lazy("Sealing rule"),
    "hours": gettext_lazy("Hours"),
    "openings": gettext_lazy("Openings"),
    "people": gettext_lazy("Persons asked about"),
    "receiving": gettext_lazy("Deciding organ"),
    "outcome": gettext_lazy("Outcome"),
    "narrowed": gettext_lazy("Less than asked in"),
    "asked_from": gettext_lazy("Asked for since"),
    "asked_hours": gettext_lazy("Hours asked for"),
    "asked_openings": gettext_lazy("Openings asked for"),
    "asked_rung": gettext_lazy("Rung asked for"),
    "duty": gettext_lazy("Duty"),
    "at": gettext_lazy("At the unit"),
    "unit": gettext_lazy("Unit"),
    "unit_kind": gettext_lazy("Kind of unit"),
    "code": gettext_lazy("Code"),
    "served_on": gettext_lazy("Served on"),
    "ends_on": gettext_lazy("Ends on"),
    "person": gettext_lazy("Person"),
    "proposed_by": gettext_lazy("Proposed by"),
    "factors": gettext_lazy("Second factors removed"),
    "co_officer": gettext_lazy("Second officer"),
    "type": gettext_lazy("Kind"),
    "act": gettext_lazy("For"),
    "change": gettext_lazy("Change"),
    "proof": gettext_lazy("Proved by"),
    "unavailable": gettext_lazy("Because something was unavailable"),
    "window_from": gettext_lazy("Only since"),
    "window_until": gettext_lazy("Only until"),
    "decision_on": gettext_lazy("Decision of"),
    "adult_acts_only": gettext_lazy("Acts as an adult only"),
    "view": gettext_lazy("Page"),
    "method": gettext_lazy("Method"),
    "reason": gettext_lazy("Reason"),
    "holds": gettext_lazy("Holds"),
    "sessions": gettext_lazy("Sessions"),
    "size": gettext_lazy("Events in the log"),
    "faults": gettext_lazy("Faults"),
}
# What tells a reader nothing on a line; the page of the event shows all that was logged.
QUIET_DETAILS = {
    "basis_version",
    "checkpoints",
    "confirmation",
    "decision",
    "digest",
    "enrolment",
    "event",
    "factor",
    "fault_events",
    "fault_indexes",
    "fault_kinds",
    "grant",
    "letter",
    "opening",
    "payload",
    "proposal",
    "records",
    "request",
    "round",
    "rule_version",
    "fault_rows",
    "has_witness",
    "signed_size",
    "subject",
    "text_version",
    "version",
    "vote",
    "waiting",
}
# Details that name somebody.
PEOPLE = {"person", "proposed_by"}
# Of one event, on one line.
MOST_DETAILS = 40
VALUES: dict[str, Any] = {
    "PRESENCE": gettext_lazy("presence only"),
    "ABSTRACT": gettext_lazy("abstract"),
    "FULL": gettext_lazy("full particulars"),
    "APPROVE": gettext_lazy("approve"),
    "REFUSE": gettext_lazy("refuse"),
    "RETURN": gettext_lazy("return for correction"),
    "LEVEL": gettext_lazy("level of detail"),
    "PERIOD": gettext_lazy("period"),
    "OPENINGS": gettext_lazy("openings for each person"),
    "HOURS": gettext_lazy("hours"),
    "GRANT": gettext_lazy("openings of one grant"),
    "VOTE": gettext_lazy("one vote"),
    "PROPOSAL": gettext_lazy("putting one proposal in force"),
    "CHANGE": gettext_lazy("one change of a factor"),
    "webauthn": gettext_lazy("security key"),
    "totp": gettext_lazy("authenticator app"),
    "recovery_codes": gettext_lazy("recovery code"),
    "password": gettext_lazy("password"),
}


@dataclass(frozen=True)
class Line:
    """An event in words: the sentence, and what else is worth knowing as (label, value)."""

    event: Event
    text: str
    details: list[tuple[str, str]]


@dataclass(frozen=True)
class _Said:
    """What an event says, each part a text or nothing."""

    event: Event
    kind: str | None
    actor: str | None
    unit: str | None
    target_type: str | None
    target_id: str | None
    detail: dict[str, Any]

    @property
    def number(self) -> str | None:
        number = self.detail.get("number")
        return number if isinstance(number, str) else None


def describe(events: Iterable[Event]) -> list[Line]:
    """Return one line for each event; people are looked up in one query for all."""
    said = [_read(event) for event in events]
    people = _people(said)
    return [
        Line(
            one.event,
            _sentence(one) % {"who": _who(one, people), "target": _target(one, people)},
            [
                (_label(name), _person(value, people) if name in PEOPLE and _is_uuid(value) else _value(value))
                for name, value in _worth_reading(one.detail)
            ],
        )
        for one in said
    ]


def kind(event: Event) -> str:
    """Return the kind of an event in words."""
    said = _read(event).kind or ""
    return str(EventType(said).label) if said in EventType.values else said


def is_listed_as_it_is(event: Event) -> bool:
    """Say whether the columns that lists filter by are what the event says."""
    said = _read(event)
    listed = (event.kind, event.actor, event.unit, event.target_type, event.target_id)
    return (said.kind, said.actor, said.unit, said.target_type, said.target_id) == listed


def short(identifier: str) -> str:
    """Return the beginning of a long id, enough to recognise it on a page."""
    return identifier[:8] if len(identifier) == 36 else identifier


def _read(event: Event) -> _Said:
    read = reading.content(event.canonical)
    if "kind" not in read:  # altered bytes: verification says so, the page must still open
        return _Said(event, event.kind, event.actor, event.unit, event.target_type, event.target_id, {})
    detail = reading.part(read, "detail")
    return _Said(
        event,
        kind=reading.text(read, "kind"),
        actor=reading.text(read, "actor", "id"),
        unit=reading.text(read, "actor", "unit"),
        target_type=reading.text(read, "target", "type"),
        target_id=reading.text(read, "target", "id"),
        detail=detail if isinstance(detail, dict) else {},
    )


def _worth_reading(detail: dict[str, Any]) -> list[tuple[str, Any]]:
    worth = [
        (name, value)
        for name, value in detail.items()
        if name not in QUIET_DETAILS
        # What was asked is worth a place where less was given.
        and (detail.get("narrowed") or not name.startswith("asked_"))
        and name != "number"
        and value not in ("", None, [])
    ]
    return worth[:MOST_DETAILS]


def _people(said: Iterable[_Said]) -> dict[str, Any]:
    ids = set()
    for one in said:
        ids |= {one.actor, one.target_id if one.target_type == _user_type() else None}
        ids |= {value for name, value in one.detail.items() if name in PEOPLE and isinstance(value, str)}
    users = get_user_model()._base_manager.filter(pk__in=[one for one in ids if _is_uuid(one)])
    return {str(user.pk): user for user in users.only("pk", "full_name", "badge_number")}


def _user_type() -> str:
    return get_user_model()._meta.label_lower


def _sentence(said: _Said) -> str:
    if said.detail.get("narrowed") and said.kind in IN_PART:
        return str(IN_PART[said.kind])
    return str(SENTENCES.get(said.kind or "", gettext_lazy("%(who)s: an act of an unknown kind.")))


def _who(said: _Said, people: dict[str, Any]) -> str:
    if said.actor is None:
        if said.kind in {EventType.SIGN_IN_FAILED, EventType.DENIED}:
            return _("Somebody who is not signed in")
        return _("The system")
    return _("%(person)s of %(unit)s") % {"person": _person(said.actor, people), "unit": said.unit or "-"}


def _person(identifier: str, people: dict[str, Any]) -> str:
    user = people.get(identifier)
    if user is None:
        return _("user %(id)s") % {"id": short(identifier)}
    if not user.badge_number:
        return user.full_name
    return _("%(name)s (%(badge)s)") % {"name": user.full_name, "badge": user.badge_number}


def _target(said: _Said, people: dict[str, Any]) -> str:
    if said.target_id is None:
        return _("a page of the system") if said.kind == EventType.DENIED else _("something not named")
    if said.target_type == _user_type():
        return _person(said.target_id, people)
    if said.number and said.target_type in NUMBERED:
        return str(NUMBERED[said.target_type]) % {"number": said.number}
    return str(TARGETS.get(said.target_type, gettext_lazy("object %(id)s"))) % {"id": short(said.target_id)}


def _label(name: str) -> str:
    return str(DETAILS.get(name, name.replace("_", " ")))


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_word(item) for item in value[:MOST_DETAILS]) or "-"
    return _word(value)


def _word(value: Any) -> str:
    """Return one value in words; what no event of ours holds (a list in a list, an object) is three dots."""
    if value is True:
        return _("yes")
    if value is False:
        return _("no")
    if value is None:
        return "-"
    if not isinstance(value, str | int | float):
        return "…"
    return str(VALUES.get(value, short(str(value)))) if isinstance(value, str) else str(value)


def _is_uuid(text: Any) -> bool:
    try:
        return isinstance(text, str) and bool(uuid.UUID(text))
    except ValueError:
        return False
