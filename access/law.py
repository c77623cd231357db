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

from access.exceptions import Refused
from access.models import AccessRequest, CasePurpose, LegalBasis, Organisation
from access.models.law import Standing
from access.models.people import POLICE_KINDS, OrganisationKind

EVERY_OFFENCE = "*"
# What a case purpose may need, with the sentence that asks for it.
NEEDED: dict[str, Promise] = {
    "act_on": gettext_lazy("Give the day of the new act."),
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
        "act_kind": purpose.same_kind and not access_request.act_kind,
        "decision_number": purpose.names_decision and not decision_number.strip(),
        "decision_on": purpose.names_decision and access_request.decision_on is None,
    }
    return [str(sentence) for name, sentence in NEEDED.items() if is_missing[name]]


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
        act_on=access_request.act_on,
        asked_from=access_request.asked_from,
        today=today,
    )


def window(
    look_back_months: int | None,
    window_months: int | None,
    *,
    act_on: date | None,
    asked_from: date | None = None,
    today: date,
) -> Window:
    """Count the window of a case purpose back from the day of the new act, that of a basis from today.

    The text asks for an earlier penalty: what took effect after the act is outside. Without the day of the act such a
    window cannot be counted, and Refused says so (Rule 12).
    """
    bounds, steps, last = [], [], None
    if window_months is not None:
        if act_on is None:
            raise Refused(str(NEEDED["act_on"]))
        first, last = earliest(act_on, window_months), act_on
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
