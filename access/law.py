"""Which legal bases and case purposes apply today, and why not; and what they let an answer reach (Rule 11).

Nothing here reads or writes a row: the functions take what was read, and forms, actions, pages and tests ask them all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from access import identifiers
from access.catalogue import kinds_of_acts
from access.exceptions import Refused
from access.identifiers import IdNumber
from access.models import AccessRequest, CasePurpose, LegalBasis, Organisation
from access.models.law import Gate, Rung, Standing
from access.models.people import POLICE_KINDS, OrganisationKind

EVERY_OFFENCE = "*"
# What a case purpose may need, with the sentence that asks for it.
NEEDED: dict[str, Promise] = {
    "act_on": gettext_lazy("Give the day of the new act."),
    "asked_from": gettext_lazy(
        "Say since when: this case purpose is about the time of the case and never a whole life."
    ),
    "act_kind": gettext_lazy("Choose the kind of the new act."),
    "decision_number": gettext_lazy("Give the number of the decision under review."),
    "decision_on": gettext_lazy("Give the date of the decision under review."),
}


def why_not_basis(basis: LegalBasis, organisation: Organisation, today: date, *, newest: LegalBasis) -> str:
    """Return the reason, with the citation, why this kind of organisation cannot ask under a basis; empty when it can.

    `newest` is the newest version of it that has begun, here and below: whatever that one says, older ones are over.
    """
    names = {"basis": basis.title, "citation": basis.citation, "kind": organisation.get_kind_display()}
    if newest.version > basis.version:
        return _superseded(basis, newest)
    if not _in_force(basis, today):
        return _("“%(basis)s” (%(citation)s) is not in force today. Choose another legal basis.") % names
    if basis.standing == Standing.POLICE_INTERNAL and organisation.kind in POLICE_KINDS:
        return ""
    if basis.standing != Standing.ENABLED:
        return basis.standing_reason
    if organisation.kind not in basis.organisation_kinds and basis.gate == Gate.STATE_ORGAN_CASE:
        # The law itself lets other units ask, only not under this limb of it.
        return (
            _(
                "“%(basis)s” (%(citation)s) is only for state organs that handle a case, and your unit is none (%(kind)s). Choose a legal basis that applies to your unit."
            )
            % names
        )
    if organisation.kind not in basis.organisation_kinds:
        return (
            _(
                "%(citation)s does not let this kind of unit ask (%(kind)s). Choose a legal basis that applies to your unit."
            )
            % names
        )
    return ""


def why_not_purpose(purpose: CasePurpose, organisation: Organisation, today: date, *, newest: CasePurpose) -> str:
    """Return the reason why this kind of organisation cannot ask for a purpose; empty when it can."""
    names = {"purpose": purpose.title, "citation": purpose.citation}
    if newest.version > purpose.version:
        return _superseded(purpose, newest)
    if purpose.standing != Standing.ENABLED:
        return purpose.standing_reason
    if not _in_force(purpose, today):
        return _("“%(purpose)s” (%(citation)s) is not in force today. Choose another purpose.") % names
    if organisation.kind not in purpose.organisation_kinds:
        return (
            _("“%(purpose)s” (%(citation)s) is not a case purpose of your kind of unit. Choose another purpose.")
            % names
        )
    return ""


def _superseded(row: LegalBasis | CasePurpose, newest: LegalBasis | CasePurpose) -> str:
    return _(
        "A newer version of “%(title)s” (%(citation)s) has been in force since %(day)s. A request under the older one is not approved any more: it is returned, and whoever wrote it opens it for a change, checks it and submits it under the newer one."
    ) % {"title": row.title, "citation": row.citation, "day": newest.valid_from.isoformat()}


def _in_force(row: LegalBasis | CasePurpose, today: date) -> bool:
    return row.valid_from <= today and (row.valid_until is None or today <= row.valid_until)


def purposes_for(
    rows: Iterable[CasePurpose], organisation: Organisation, today: date
) -> tuple[list[CasePurpose], list[tuple[CasePurpose, str]]]:
    """Return the newest versions that this organisation may ask for, and those of its kind that wait, with the reason."""
    newest: dict[str, CasePurpose] = {}
    for purpose in sorted(rows, key=lambda row: (row.code, -row.version)):
        if purpose.valid_from <= today:
            newest.setdefault(purpose.code, purpose)
    usable, closed = [], []
    for purpose in newest.values():
        reason = why_not_purpose(purpose, organisation, today, newest=purpose)
        if not reason:
            usable.append(purpose)
        elif organisation.kind in purpose.organisation_kinds:
            closed.append((purpose, reason))
    return usable, closed


def missing_for_purpose(access_request: AccessRequest, decision_number: str) -> list[str]:
    """Return a sentence for each thing that the case purpose of a request needs and that is not given yet."""
    purpose = access_request.case_purpose
    if purpose is None:
        return []
    is_missing = {
        "act_on": purpose.counts_from_act and access_request.act_on is None,
        "asked_from": purpose.case_bound and access_request.asked_from is None,
        # A whole section of the law is no kind: the database refuses it as well.
        "act_kind": purpose.same_kind and access_request.act_kind not in kinds_of_acts(),
        "decision_number": purpose.names_decision and not decision_number.strip(),
        "decision_on": purpose.names_decision and access_request.decision_on is None,
    }
    return [str(sentence) for name, sentence in NEEDED.items() if is_missing[name]]


def why_not_act(purpose: CasePurpose | None, act_on: date | None) -> str:
    """Return the reason why the text of a purpose is not the law of an act of this day; empty where it is."""
    if purpose is None or act_on is None:
        return ""
    names = {"purpose": purpose.title, "citation": purpose.citation}
    if purpose.acts_from is not None and act_on < purpose.acts_from:
        return _(
            "“%(purpose)s” (%(citation)s) is the law of acts since %(day)s; this act was earlier. Choose the purpose of the law of that day."
        ) % {**names, "day": purpose.acts_from.isoformat()}
    if purpose.acts_until is not None and act_on > purpose.acts_until:
        return _(
            "“%(purpose)s” (%(citation)s) is the law of acts until %(day)s; this act was later. Choose the purpose of the law of that day."
        ) % {**names, "day": purpose.acts_until.isoformat()}
    return ""


def why_not_age(purpose: CasePurpose | None, act_on: date | None, number: IdNumber) -> str:
    """Return the reason why the text of a purpose is not about this person; empty where it is.

    A document that says no date of birth proves no age: closed, since nobody else in this procedure could say it (Rule 12).
    """
    if purpose is None or act_on is None or not purpose.age_bands:
        return ""
    names = {"citation": purpose.citation, "ages": bands_in_words(purpose.age_bands)}
    if number.birth_date is None:
        return (
            _(
                "%(citation)s is about people of certain ages (%(ages)s), and this document does not say when the person was born. Ask with a document that does, or choose another purpose."
            )
            % names
        )
    if number.birth_date > act_on or identifiers.age_band(number.birth_date, act_on) not in purpose.age_bands:
        return (
            _(
                "%(citation)s is about people who were %(ages)s on the day of the new act; this person was not. Choose another purpose."
            )
            % names
        )
    return ""


def bands_in_words(bands: Iterable[str]) -> str:
    """Name the ages that a purpose is about."""
    return _(", or ").join(str(identifiers.AgeBand(band).label) for band in bands)


def highest_rung(basis: LegalBasis, purpose: CasePurpose | None) -> Rung:
    """Return the most that an answer may say (Rules 7 and 11)."""
    allowed = Rung.up_to(basis.highest_rung)
    return [rung for rung in allowed if purpose is None or rung in Rung.up_to(purpose.highest_rung)][-1]


def why_not_rung(basis: LegalBasis, purpose: CasePurpose | None, rung: str) -> str:
    """Return the reason why an answer may not say so much, or so little; empty where it may."""
    if purpose is not None and purpose.names_decision and rung != Rung.FULL:
        return _(
            "Which decision is under review shows its number, which only the particulars hold: with less, the answer would be about every decision of that day. Choose “%(level)s”."
        ) % {"level": Rung.FULL.label}
    highest = highest_rung(basis, purpose)
    if rung in Rung.up_to(highest):
        return ""
    return _("This purpose is served by less: the answer says at most “%(level)s”. Choose that, or less.") % {
        "level": highest.label
    }


def keep_what_is_asked(access_request: AccessRequest) -> None:
    """Take away what a case purpose that was chosen before asked for; the database refuses to submit what is left over."""
    purpose = access_request.case_purpose
    if not (purpose and purpose.counts_from_act):
        access_request.act_on = None
    if not (purpose and purpose.same_kind):
        access_request.act_kind = ""
    if not (purpose and purpose.names_decision):
        access_request.decision_on = None


# What an answer may reach -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Window:
    """The days on which an earlier penalty may have taken effect, both included, and how they were counted."""

    first: date | None = None
    last: date | None = None
    steps: list[str] = field(default_factory=list)


def window_of(access_request: AccessRequest, today: date) -> Window:
    """Return what basis, purpose and request together let an answer reach."""
    return window(
        access_request.basis.look_back_months,
        access_request.case_purpose.window_months if access_request.case_purpose else None,
        earlier_only=bool(access_request.case_purpose and access_request.case_purpose.counts_from_act),
        act_on=access_request.act_on,
        asked_from=access_request.asked_from,
        today=today,
    )


def window(
    look_back_months: int | None,
    window_months: int | None,
    *,
    earlier_only: bool = False,
    act_on: date | None,
    asked_from: date | None = None,
    today: date,
) -> Window:
    """Count the window of a case purpose back from the day of the new act, that of a basis from today.

    A text that asks for an earlier penalty leaves out what took effect after the act, be there a window or not. Without the
    day of the act neither can be counted, and Refused says so (Rule 12).
    """
    bounds, steps, last = [], [], None
    if window_months is not None or earlier_only:
        if act_on is None:
            raise Refused(str(NEEDED["act_on"]))
        last = act_on
    if earlier_only and window_months is None and act_on is not None:
        steps.append(
            _("The case purpose speaks of earlier penalties: those that took effect until the new act of %(act)s.")
            % {"act": act_on.isoformat()}
        )
    if window_months is not None and act_on is not None:
        first = earliest(act_on, window_months)
        bounds.append(first)
        steps.append(
            ngettext(
                "The case purpose reaches back %(months)d month from the new act of %(act)s: penalties that took effect from %(first)s to %(act)s.",
                "The case purpose reaches back %(months)d months from the new act of %(act)s: penalties that took effect from %(first)s to %(act)s.",
                window_months,
            )
            % {"months": window_months, "act": act_on.isoformat(), "first": first.isoformat()}
        )
    if look_back_months is not None:
        first = earliest(today, look_back_months)
        bounds.append(first)
        steps.append(
            ngettext(
                "The legal basis reaches back %(months)d month from today: penalties that took effect since %(first)s.",
                "The legal basis reaches back %(months)d months from today: penalties that took effect since %(first)s.",
                look_back_months,
            )
            % {"months": look_back_months, "first": first.isoformat()}
        )
    if asked_from is not None:
        bounds.append(asked_from)
        steps.append(_("The request asks for records since %(day)s only.") % {"day": asked_from.isoformat()})
    return Window(max(bounds, default=None), last, steps)


def earliest(day: date, months: int) -> date:
    """Return the first day from which `day` is within so many months, that number included (Article 143).

    Where the month has no such day (29 February), the last day of it would already be a day too early.
    """
    first = day - relativedelta(months=months)
    return first if first.day == day.day else first + timedelta(days=1)


def categories_of(access_request: AccessRequest) -> list[str]:
    """Return the categories that basis and purpose both cover; of the same kind means the one the request names."""
    purpose = access_request.case_purpose
    covered = list(access_request.basis.categories)
    if purpose is not None:
        covered = narrower(covered, purpose.categories)
        if purpose.same_kind:
            covered = narrower(covered, [access_request.act_kind] if access_request.act_kind else [])
    return covered


def narrower(one: list[str], other: list[str]) -> list[str]:
    """Return the categories in both lists, where * stands for every category (Rule 11)."""
    if EVERY_OFFENCE in one:
        return list(other)
    if EVERY_OFFENCE in other:
        return list(one)
    return sorted(set(one) & set(other))


def least_records(basis: LegalBasis, purpose: CasePurpose | None) -> int:
    """Return how many records there must be before any is shown."""
    return max(basis.filter_count, purpose.minimum_count if purpose else 1)


def adult_acts_only(organisation: Organisation) -> bool:
    """Say whether records of acts under 18 stay closed to this organ.

    Article 59(2) of the Law on the Prevention of Juvenile Delinquency opens them to judicial organs that need them for
    a case; whether a supervision organ is one waits for legal review.
    """
    return organisation.kind == OrganisationKind.SUPERVISION_ORGAN
