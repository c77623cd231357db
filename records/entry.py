"""What an officer enters about a violation, and everything that can be wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from access import content, identifiers
from access.identifiers import AgeBand, IdentifierError, IdNumber
from records import penalties
from records.models import Offence

LONGEST_TEXT = 5000
# Of the particulars' encrypted content. The key service reads `name`, `document_type` and `number` in every version.
CONTENT_VERSION = 1
Say = Callable[[str, object], None]


@dataclass(frozen=True)
class Particulars:
    """What identifies or tells; kept as ciphertext only, from the first save."""

    name: str = ""
    document_type: str = identifiers.DocumentType.RESIDENT_ID.value
    number: str = ""
    address: str = ""
    facts: str = ""
    evidence: str = ""
    case_number: str = ""
    decision_number: str = ""
    penalty_reason: str = ""
    remark: str = ""

    def to_bytes(self) -> bytes:
        """Return the content as it is encrypted: it carries its version, since what is sealed can never be migrated."""
        return content.written(CONTENT_VERSION, asdict(self))

    @classmethod
    def from_bytes(cls, data: bytes) -> Particulars:
        """Read content of any version; raises ContentUnknown for one that this program does not know."""
        return content.read(data, READERS)


def _read_version_1(values: dict[str, Any]) -> Particulars:
    return Particulars(**content.known(Particulars, values))


# One reader for each version ever written; an old one is never changed (access/content.py).
READERS: content.Readers[Particulars] = {1: _read_version_1}


@dataclass(frozen=True)
class Entry:
    """One violation as entered: index columns and particulars together."""

    particulars: Particulars
    offence: Offence | None = None
    acted_on: date | None = None
    decided_on: date | None = None
    penalty: penalties.Penalty = penalties.Penalty()

    def identity(self, today: date) -> IdNumber | None:
        """Return the person's number if it is a possible one."""
        try:
            return identifiers.parse_id_number(self.particulars.number, today, self.particulars.document_type)
        except IdentifierError:
            return None


def problems(entry: Entry, today: date) -> dict[str, list[str]]:
    """Return one or more sentences for each field that keeps this entry from being submitted; empty when it may be."""
    found: dict[str, list[str]] = {}

    def say(field: str, sentence: object) -> None:
        found.setdefault(field, []).append(str(sentence))

    person = _person(entry, today, say)
    _codes(entry, say)
    _dates(entry, person, today, say)
    _penalty(entry, say)
    for field in ("address", "facts", "evidence"):
        if not getattr(entry.particulars, field).strip():
            say(field, _("Fill this in; the decision must state it (PSAPL Article 115)."))
    return found


def _person(entry: Entry, today: date, say: Say) -> IdNumber | None:
    try:
        identifiers.check_name(entry.particulars.name)
    except IdentifierError as error:
        say("name", error)
    try:
        return identifiers.parse_id_number(entry.particulars.number, today, entry.particulars.document_type)
    except IdentifierError as error:
        say("number", error)
        return None


def _codes(entry: Entry, say: Say) -> None:
    checks = {"case_number": identifiers.check_case_number, "decision_number": identifiers.check_decision_number}
    for field, check in checks.items():
        try:
            check(getattr(entry.particulars, field))
        except IdentifierError as error:
            say(field, error)


def _dates(entry: Entry, person: IdNumber | None, today: date, say: Say) -> None:
    offence, acted_on, decided_on = entry.offence, entry.acted_on, entry.decided_on
    if offence is None:
        say("offence", _("Choose the offence from the catalogue."))
    if acted_on is None:
        say("acted_on", _("Give the date of the act."))
    elif acted_on > today:
        say("acted_on", _("The date of the act is in the future; check it."))
    elif person and person.birth_date and acted_on < person.birth_date:
        say("acted_on", _("The date of the act is before the person's date of birth; check both."))
    elif person and person.birth_date and identifiers.age_band(person.birth_date, acted_on) == AgeBand.UNDER_14:
        say(
            "acted_on",
            _("The person was under 14 on that day and is not punished (PSAPL Article 12); check both dates."),
        )
    elif offence:
        _law_of_the_day(entry, offence, acted_on, say)
    if decided_on is None:
        say("decided_on", _("Give the date of the decision."))
    elif decided_on > today:
        say("decided_on", _("The date of the decision is in the future; check it."))
    elif acted_on and decided_on < acted_on:
        say("decided_on", _("The decision cannot be earlier than the act; check both dates."))


def _law_of_the_day(entry: Entry, offence: Offence, acted_on: date, say: Say) -> None:
    """The law of the day of the act applies, the new law where it punishes less (Administrative Penalty Law, Article 37)."""
    if acted_on >= offence.valid_from and (offence.valid_until is None or acted_on <= offence.valid_until):
        return
    if acted_on < offence.valid_from and entry.decided_on is not None and entry.decided_on >= offence.valid_from:
        if not entry.particulars.penalty_reason.strip():
            say(
                "penalty_reason",
                _(
                    "%(citation)s is younger than the act. It applies only where its penalty is lighter than that of the law of the day of the act (Administrative Penalty Law, Article 37); say why it is."
                )
                % {"citation": offence.citation},
            )
        return
    say(
        "offence",
        _("%(citation)s was not in force on %(day)s, the date of the act. Choose the offence of the law of that day.")
        % {"citation": offence.citation, "day": acted_on.isoformat()},
    )


def _penalty(entry: Entry, say: Say) -> None:
    if entry.offence is None:
        return
    findings = penalties.check(entry.penalty, entry.offence)
    for error in findings.errors:
        # What is wrong with the penalty as a whole stands beside its first field.
        say(error.field or "warning", error)
    if not entry.particulars.penalty_reason.strip():
        for departure in findings.departures:
            say("penalty_reason", departure)
