"""Events as sentences that people read, in the reader's language.

They are read from what was logged, and only where that cannot be read from the columns; whatever stands there, a page
that shows it opens.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit import kinds, reading
from audit.kinds import Said
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
    EventType.REQUEST_RETURNED: gettext_lazy("With the vote of %(who)s, %(target)s went back for correction."),
    EventType.REQUEST_VOTED: gettext_lazy("%(who)s voted on %(target)s."),
    EventType.REQUEST_APPROVED: gettext_lazy("With the vote of %(who)s, %(target)s was approved: no vote is missing."),
    EventType.REQUEST_REFUSED: gettext_lazy("With the vote of %(who)s, %(target)s was refused: no vote is missing."),
    EventType.REQUEST_LAPSED: gettext_lazy("%(who)s let %(target)s lapse, because nobody corrected it in time."),
    EventType.UNDERTAKING_SIGNED: gettext_lazy("%(who)s signed the confidentiality undertaking for %(target)s."),
    EventType.IDENTITY_CONFIRMED: gettext_lazy("%(who)s confirmed their identity again, for one act."),
    EventType.IDENTITY_NOT_CONFIRMED: gettext_lazy("%(who)s could not confirm their identity for an act."),
    EventType.GRANT_MADE: gettext_lazy(
        "The approval became %(target)s, with the vote of %(who)s: this is what may be opened."
    ),
    EventType.OPENING: gettext_lazy("%(who)s opened the answer under %(target)s: it was counted and may be shown."),
    EventType.ANSWER_SHOWN: gettext_lazy("What was opened under %(target)s stood on the screen of %(who)s."),
    EventType.ANSWER_EXTENDED: gettext_lazy("%(who)s took five minutes more to read the answer under %(target)s."),
    EventType.ANSWER_REFUSED: gettext_lazy("What was opened under %(target)s was not shown to %(who)s."),
    EventType.GRANT_REVOKED: gettext_lazy("%(who)s revoked %(target)s."),
    EventType.GRANT_EXPIRED: gettext_lazy("Time has ended %(target)s."),
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
    EventType.ALARM_SENT: gettext_lazy("%(who)s sent %(target)s to those who have to know."),
    EventType.ALARM_CLOSED: gettext_lazy("%(who)s closed %(target)s with a finding."),
    EventType.TRAIL_EXPORTED: gettext_lazy("%(who)s saved events as a table."),
    EventType.SCHEMA_ACCEPTED: gettext_lazy("%(who)s accepted how the database is built now."),
    EventType.RECONCILED: gettext_lazy("%(who)s reconciled a restored database with the trail and began a new log."),
}
# Where one kind of act has several ends, the detail that says which, and the sentence for each.
ENDS: dict[str, tuple[str, dict[Any, Any]]] = {
    EventType.REQUEST_VOTED: (
        "outcome",
        {
            "APPROVE": gettext_lazy("%(who)s voted to approve %(target)s."),
            "REFUSE": gettext_lazy("%(who)s voted to refuse %(target)s."),
            "RETURN": gettext_lazy("%(who)s voted to return %(target)s for correction."),
        },
    ),
    EventType.TRAIL_VERIFIED: (
        "holds",
        {
            True: gettext_lazy("%(who)s verified the trail: it holds."),
            False: gettext_lazy("%(who)s verified the trail: it does not hold."),
        },
    ),
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
    "audit.event": gettext_lazy("the alarm of event %(id)s"),
}
# Named like the app that owns them names them.
NAMED: dict[str | None, Any] = {"access.organisation": "%(name)s", "url": gettext_lazy("the page of request %(name)s")}
# People know requests by their number, so an event that names it is read with it.
NUMBERED: dict[str | None, Any] = {
    "access.accessrequest": gettext_lazy("request %(number)s"),
    "access.grant": gettext_lazy("the grant of request %(number)s"),
}
DETAILS = {
    "rung": gettext_lazy("Level of detail"),
    "basis": gettext_lazy("Legal basis"),
    "purpose": gettext_lazy("Purpose"),
    "offence": gettext_lazy("Offence"),
    "categories": gettext_lazy("Categories"),
    "rule": gettext_lazy("Sealing rule"),
    "hours": gettext_lazy("Hours"),
    "openings": gettext_lazy("Openings of each person"),
    "people": gettext_lazy("Persons asked about"),
    "receiving": gettext_lazy("Deciding organ"),
    "outcome": gettext_lazy("Outcome"),
    "narrowed": gettext_lazy("Less than asked in"),
    "asked_from": gettext_lazy("Asked for since"),
    "asked_hours": gettext_lazy("Hours asked for"),
    "asked_openings": gettext_lazy("Openings asked for"),
    "asked_rung": gettext_lazy("Level of detail asked for"),
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
    "rows": gettext_lazy("Rows"),
    "of_kind": gettext_lazy("Act"),
    "of_group": gettext_lazy("Group"),
    "first": gettext_lazy("From"),
    "last": gettext_lazy("Until"),
    "ways": gettext_lazy("Sent by"),
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
    "things",
    "version",
    "vote",
    "waiting",
}
# Details of one kind that mean something else there, and details that are codes of another sort than their name.
LABELS: dict[tuple[str | None, str], Any] = {(EventType.GRANT_EXPIRED, "openings"): gettext_lazy("Openings made")}
SORTS = {
    "at": "unit",
    "receiving": "unit",
    "of_kind": "kind",
    "of_group": "group",
    "grant": "access.grant",
    "request": "access.accessrequest",
}
# Details that name the request that an act was for, where its target is somebody.
FOR_REQUEST = ("request", "grant")
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
    "GET": gettext_lazy("looking at it"),
    "POST": gettext_lazy("sending a form"),
    "webauthn": gettext_lazy("security key"),
    "totp": gettext_lazy("authenticator app"),
    "recovery_codes": gettext_lazy("recovery code"),
    "password": gettext_lazy("password"),
}


# The pages of this app and of the frame around all, by their titles.
PAGES = {
    "audit:events": gettext_lazy("Audit trail"),
    "audit:event": gettext_lazy("Event"),
    "audit:export": gettext_lazy("Save events as a table"),
    "audit:alarms": gettext_lazy("Alarms of the trail"),
    "audit:alarm": gettext_lazy("Close an alarm"),
    "audit:verification": gettext_lazy("Verification of the trail"),
    "audit:accept": gettext_lazy("Accept how the database is built"),
    "desk": gettext_lazy("Desk"),
    "set_language": gettext_lazy("Choose the language"),
    "account_login": gettext_lazy("Sign in"),
    "account_logout": gettext_lazy("Sign out"),
    "account_inactive": gettext_lazy("Account disabled"),
    "account_signup": gettext_lazy("Sign up"),
    "mfa_authenticate": gettext_lazy("Second factor"),
    "unnamed": gettext_lazy("a page of the system"),
}


def acts(codes: set[str]) -> dict[str, str]:
    """Return these kinds of events in words."""
    return {code: str(EventType(code).label) for code in codes if code in EventType.values}


def pages(codes: set[str]) -> dict[str, str]:
    """Return the titles of these pages."""
    return {code: str(PAGES[code]) for code in codes if code in PAGES}


@dataclass(frozen=True)
class Line:
    """An event in words: the sentence, and what else is worth knowing as (label, value)."""

    event: Event
    text: str
    details: list[tuple[str, str]]
    # What tells this act from others of its kind ("opening 2 of 3, person 1").
    remark: str = ""
    # The number of the request that it is about.
    number: str = ""


class _Names:
    """How the codes and people of these events read: one question for each sort of them, however many there are."""

    def __init__(self, said: list[Said]) -> None:
        self._people = _people(said)
        codes: dict[str, set[str]] = defaultdict(set)
        for one in said:
            if one.unit:
                codes["unit"].add(one.unit)
            if one.target_type and one.target_id and one.target_type != _user_type():
                codes[one.target_type].add(one.target_id)
            for name, value in one.detail.items():
                values = value[:MOST_DETAILS] if isinstance(value, list) else [value]
                codes[SORTS.get(name, name)] |= {text for text in values if isinstance(text, str)}
        self._words = {sort: kinds.words(sort, found) for sort, found in codes.items()}

    def person(self, identifier: str) -> str:
        user = self._people.get(identifier)
        if user is None:
            return _("user %(id)s") % {"id": short(identifier)}
        return _("%(name)s (%(badge)s)") % {"name": user.full_name, "badge": user.badge_number or user.username}

    def named(self, sort: str | None, code: str) -> str | None:
        return self._words.get(sort or "", {}).get(code)

    def unit(self, code: str | None) -> str:
        return (self.named("unit", code) or code) if code else "-"

    def value(self, name: str, value: Any) -> str:
        if name in PEOPLE and _is_uuid(value):
            return self.person(value)
        if isinstance(value, list):
            return _(", ").join(self._word(name, item) for item in value[:MOST_DETAILS]) or "-"
        return self._word(name, value)

    def _word(self, name: str, value: Any) -> str:
        """Return one value in words; what no event of ours holds (a list in a list, an object) is three dots."""
        if value is True:
            return _("yes")
        if value is False:
            return _("no")
        if value is None:
            return "-"
        if not isinstance(value, str | int | float):
            return "…"
        if not isinstance(value, str):
            return str(value)
        return self.named(SORTS.get(name, name), value) or str(VALUES.get(value, short(value)))


def describe(events: Iterable[Event]) -> list[Line]:
    """Return one line for each event; people and codes are looked up in as many queries for many as for few."""
    pairs = [(event, _read(event)) for event in events]
    said = [one for _event, one in pairs]
    names, remarks = _Names(said), kinds.remarks(said)
    return [
        Line(
            event,
            _sentence(one) % {"who": _who(one, names), "target": _target(one, names)},
            [(_label(one, name), names.value(name, value)) for name, value in _worth_reading(one)],
            remarks.get(one.id, ""),
            _number(one, names) or "",
        )
        for event, one in pairs
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


def _read(event: Event) -> Said:
    read = reading.content(event.canonical)
    if "kind" not in read:  # altered bytes: verification says so, the page must still open
        return Said(event.pk, event.kind, event.actor, event.unit, event.target_type, event.target_id, {})
    detail = reading.part(read, "detail")
    return Said(
        event.pk,
        kind=reading.text(read, "kind"),
        actor=reading.text(read, "actor", "id"),
        unit=reading.text(read, "actor", "unit"),
        target_type=reading.text(read, "target", "type"),
        target_id=reading.text(read, "target", "id"),
        detail=detail if isinstance(detail, dict) else {},
    )


def _worth_reading(said: Said) -> list[tuple[str, Any]]:
    quiet = QUIET_DETAILS | {"number", *([ENDS[said.kind][0]] if _end(said) else [])}  # type: ignore[index]
    if said.kind == EventType.REQUEST_VOTED and said.detail.get("outcome") != "APPROVE":
        quiet |= {"hours", "openings"}  # only an approval has a scope
    if not said.detail.get("narrowed"):  # what was asked is worth a place where less was given
        quiet |= {name for name in said.detail if name.startswith("asked_")}
    worth = [(name, value) for name, value in said.detail.items() if name not in quiet and value not in ("", None, [])]
    return worth[:MOST_DETAILS]


def _people(said: Iterable[Said]) -> dict[str, Any]:
    ids = set()
    for one in said:
        ids |= {one.actor, one.target_id if one.target_type == _user_type() else None}
        ids |= {value for name, value in one.detail.items() if name in PEOPLE and isinstance(value, str)}
    users = get_user_model()._base_manager.filter(pk__in=[one for one in ids if _is_uuid(one)])
    return {str(user.pk): user for user in users.only("pk", "full_name", "badge_number", "username")}


def _user_type() -> str:
    return get_user_model()._meta.label_lower


def _end(said: Said) -> Any:
    """Return the sentence for the end that this act had, where its kind has several."""
    name, ends = ENDS.get(said.kind or "", ("", {}))
    end = said.detail.get(name)
    return ends.get(end) if isinstance(end, str | bool) else None


def _sentence(said: Said) -> str:
    if said.detail.get("narrowed") and said.kind in IN_PART:
        return str(IN_PART[said.kind])
    return str(_end(said) or SENTENCES.get(said.kind or "", gettext_lazy("%(who)s: an act of an unknown kind.")))


def _who(said: Said, names: _Names) -> str:
    if said.actor is None:
        if said.kind in {EventType.SIGN_IN_FAILED, EventType.DENIED}:
            return _("Somebody who is not signed in")
        return _("The system")
    return _("%(person)s of %(unit)s") % {"person": names.person(said.actor), "unit": names.unit(said.unit)}


def _number(said: Said, names: _Names) -> str | None:
    """Return the number of the request that an event is about: it says so itself, or names the request or its grant."""
    if number := said.code("number"):
        return number
    if said.target_id and said.target_type in NUMBERED:
        return names.named(said.target_type, said.target_id)
    codes = ((SORTS[name], said.code(name)) for name in FOR_REQUEST)
    return next((number for sort, code in codes if code and (number := names.named(sort, code))), None)


def _target(said: Said, names: _Names) -> str:
    if said.target_id is None:
        return _("a page of the system") if said.kind == EventType.DENIED else _("something not named")
    if said.target_type == _user_type():
        return names.person(said.target_id)
    if said.target_type in NUMBERED and (number := _number(said, names)):
        return str(NUMBERED[said.target_type]) % {"number": number}
    if said.target_type in NAMED and (name := names.named(said.target_type, said.target_id)):
        return str(NAMED[said.target_type]) % {"name": name}
    return str(TARGETS.get(said.target_type, gettext_lazy("object %(id)s"))) % {"id": short(said.target_id)}


def _label(said: Said, name: str) -> str:
    return str(LABELS.get((said.kind, name)) or DETAILS.get(name, name.replace("_", " ")))


def _is_uuid(text: Any) -> bool:
    try:
        return isinstance(text, str) and bool(uuid.UUID(text))
    except ValueError:
        return False
