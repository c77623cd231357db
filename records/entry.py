"""What an officer enters about a violation, and everything that can be wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access import content, identifiers
from access.identifiers import AgeBand, IdentifierError, IdNumber
from records import penalties
from records.models import Offence

LONGEST_TEXT = 5000
CURRENT_LAW = "PSAPL-2025"
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
    _codes(entry, today, say)
    _dates(entry, person, today, say)
    _penalty(entry, say)
    for field in ("address", "facts", "evidence"):
        if not getattr(entry.particulars, field).strip():
            say(field, _("Fill this in; the decision must state it (PSAPL Article 115)."))
    return found


def age_notices(entry: Entry, today: date) -> list[str]:
    """Return what the person's age on the day of the act, and on that of the decision, means for the penalty.

    Article 23 (before 2026: Article 21) names no day for the age, so where the two days differ both are told.
    """
    person = entry.identity(today)
    if person is None or person.birth_date is None or entry.acted_on is None or entry.acted_on < person.birth_date:
        return []
    is_current = entry.offence is None or entry.offence.law == CURRENT_LAW
    at_act = identifiers.age_band(person.birth_date, entry.acted_on)
    notices = [str(AGE_NOTICES[at_act, is_current])] if (at_act, is_current) in AGE_NOTICES else []
    if entry.decided_on is None or entry.decided_on < entry.acted_on:
        return notices
    at_decision = identifiers.age_band(person.birth_date, entry.decided_on)
    if at_decision == at_act or {at_act, at_decision}.isdisjoint({*identifiers.MINORS, AgeBand.FROM_70}):
        return notices
    if at_decision == AgeBand.FROM_70:
        notices.append(str(AGE_NOTICES[at_decision, is_current]))
    notices.append(
        _(
            "Age on the day of the act: %(act)s; on the day of the decision: %(decision)s. The law does not say which of the two days counts for executing detention; have it checked before you submit or confirm."
        )
        % {"act": at_act.label, "decision": at_decision.label}
    )
    return notices


def year_notice(entry: Entry) -> str:
    """Say that the decision number names another year than the day of the decision; empty where they agree."""
    year = identifiers.year_of_decision(entry.particulars.decision_number)
    if year is None or entry.decided_on is None or year == entry.decided_on.year:
        return ""
    return _("The decision number names the year %(year)d, the date of the decision is %(day)s. Check both.") % {
        "year": year,
        "day": entry.decided_on.isoformat(),
    }


# By age, and whether the law in force since 2026 applies. Detention is decided all the same, and not executed.
AGE_NOTICES = {
    (AgeBand.FROM_14, True): gettext_lazy(
        "14 or 15 years old on the day of the act: the penalty is lighter or reduced (PSAPL Article 12). Detention that is decided is not executed (PSAPL Article 23(1)(1)), except where the circumstances are serious and the influence is vile, or on two or more violations within one year (PSAPL Article 23(2))."
    ),
    (AgeBand.FROM_16, True): gettext_lazy(
        "16 or 17 years old on the day of the act: the penalty is lighter or reduced (PSAPL Article 12). Detention that is decided for a first violation is not executed (PSAPL Article 23(1)(2)), except where the circumstances are serious and the influence is vile (PSAPL Article 23(2))."
    ),
    (AgeBand.FROM_70, True): gettext_lazy(
        "70 years old or over: detention that is decided is not executed (PSAPL Article 23(1)(3)), except where the circumstances are serious and the influence is vile, or on two or more violations within one year (PSAPL Article 23(2))."
    ),
    (AgeBand.FROM_14, False): gettext_lazy(
        "14 or 15 years old on the day of the act: the penalty is lighter or reduced (PSAPL before 2026, Article 12). Detention that is decided is not executed (PSAPL before 2026, Article 21)."
    ),
    (AgeBand.FROM_16, False): gettext_lazy(
        "16 or 17 years old on the day of the act: the penalty is lighter or reduced (PSAPL before 2026, Article 12). Detention that is decided for a first violation is not executed (PSAPL before 2026, Article 21)."
    ),
    (AgeBand.FROM_70, False): gettext_lazy(
        "70 years old or over: detention that is decided is not executed (PSAPL before 2026, Article 21)."
    ),
}


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


def _codes(entry: Entry, today: date, say: Say) -> None:
    checks = {"case_number": identifiers.check_case_number, "decision_number": identifiers.check_decision_number}
    for field, check in checks.items():
        try:
            check(getattr(entry.particulars, field), today)
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
        if why_not := _why_not_younger(entry.penalty, offence):
            say("offence", why_not)
        elif not entry.particulars.penalty_reason.strip():
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


def _why_not_younger(penalty: penalties.Penalty, offence: Offence) -> str:
    """Return the reason why an act of before this law is not punished by it; empty where it punishes no more."""
    names = {"citation": offence.citation}
    earlier = Offence.objects.filter(code=offence.predecessor).first() if offence.predecessor else None
    if earlier is None:
        return (
            _(
                "%(citation)s is new: the law of the day of the act did not punish this, so it is not punished (Administrative Penalty Law, Article 37). Check the date and the offence."
            )
            % names
        )
    more = penalties.heavier(penalty, penalties.from_data(offence.bands), penalties.from_data(earlier.bands))
    if more is None:
        return ""
    names["earlier"] = earlier.citation
    now, before = more
    if now.detention_days > penalties.MOST_DETENTION_DAYS or now.fine_yuan >= penalties.WITHOUT_LIMIT:
        return (
            _(
                "The penalty of %(citation)s cannot be compared with that of the law of the day of the act (Administrative Penalty Law, Article 37). Choose the offence of that law, %(earlier)s."
            )
            % names
        )
    return _(
        "%(citation)s provides more for this than the law of the day of the act: at most %(days)s days of detention and %(yuan)s yuan, against %(earlier_days)s days and %(earlier_yuan)s yuan of %(earlier)s. The law of that day applies (Administrative Penalty Law, Article 37); choose its offence."
    ) % {
        **names,
        "days": now.detention_days,
        "yuan": now.fine_yuan,
        "earlier_days": before.detention_days,
        "earlier_yuan": before.fine_yuan,
    }


def _penalty(entry: Entry, say: Say) -> None:
    for field in ("exit_order", "deportation"):
        if getattr(entry.penalty, field) and entry.particulars.document_type not in identifiers.FOREIGN_DOCUMENTS:
            say(
                field,
                _(
                    "An exit order or deportation may be added for a foreigner only (PSAPL Article 10(2)), and this document is not a foreigner's. Check the document and the penalty."
                ),
            )
    if entry.offence is None:
        return
    findings = penalties.check(entry.penalty, entry.offence)
    for error in findings.errors:
        # What is wrong with the penalty as a whole stands beside its first field.
        say(error.field or "warning", error)
    if not entry.particulars.penalty_reason.strip():
        for departure in findings.departures:
            say("penalty_reason", departure)
