"""A scope in words, the same on every page: what an answer covers, how often it is opened for each person, how long.

It only words. What may be asked and given is `law.py`'s to say and the database's to judge: `access_narrower`,
`access_widest_window`, and for what a decision gives less than was asked `access_narrowed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from access import law
from access.catalogue import category_title
from access.exceptions import Refused
from access.models import AccessRequest, CasePurpose, Grant, LegalBasis, Organisation
from access.models.law import RecordFilter, Rung
from access.models.requests import Part

# What each level of detail means for one person.
LEVELS: dict[str, Promise] = {
    Rung.PRESENCE.value: gettext_lazy(
        "One word for each person: whether there is a record of the kinds that the basis covers."
    ),
    Rung.ABSTRACT.value: gettext_lazy(
        "For each record also its kind, the days of decision and service, the unit that entered it and the penalty, but not what happened."
    ),
    Rung.FULL.value: gettext_lazy(
        "For each record also the person's particulars, the facts, the evidence and the numbers of case and decision."
    ),
}


@dataclass(frozen=True)
class Scope:
    """What an answer covers, or would cover: of a basis, a request, a vote or a grant."""

    rung: str
    categories: Sequence[str]
    record_filter: str
    least_records: int
    openings: int
    hours: int
    # None where it cannot be counted yet.
    window: law.Window | None = None
    window_months: int | None = None
    is_of_one_decision: bool = False
    decision_on: date | None = None
    is_of_same_kind: bool = False
    adult_acts_only: bool = False
    waits_for_purpose: bool = False

    @property
    def sentences(self) -> list[str]:
        """Return one sentence for each side of the scope, always in this order."""
        said = [
            _("The answer says at most: %(level)s.") % {"level": self.level},
            self.kinds,
            self.threshold,
            self.one_decision,
            self.period if not self.is_of_one_decision or self.has_bounds else "",
            _("What a person did under 18 is not answered.") if self.adult_acts_only else "",
            _("The case purpose that is chosen narrows this further.") if self.waits_for_purpose else "",
            ngettext(
                "It may be opened %(openings)d time for each person.",
                "It may be opened %(openings)d times for each person.",
                self.openings,
            )
            % {"openings": self.openings},
            ngettext(
                "It may be opened for %(hours)d hour from the approval on.",
                "It may be opened for %(hours)d hours from the approval on.",
                self.hours,
            )
            % {"hours": self.hours},
        ]
        return [sentence for sentence in said if sentence]

    @property
    def level(self) -> str:
        """How much of a record is told."""
        return str(Rung(self.rung).label)

    @property
    def kinds(self) -> str:
        """Which kinds of offence it covers, in a sentence."""
        if self.is_of_same_kind and not self.categories:
            return _("It covers records of the same kind as the new act.")
        return _("It covers: %(kinds)s.") % {"kinds": category_titles(self.categories)}

    @property
    def threshold(self) -> str:
        """Say what there must be before anything is answered; nothing where one record of any penalty is enough."""
        number = {"number": self.least_records}
        if self.record_filter == RecordFilter.ANY:
            if self.least_records < 2:
                return ""
            return _("It answers only if there are %(number)d records or more; fewer look like none.") % number
        if self.least_records < 2:
            return _("It answers only for records of administrative detention.")
        return (
            _(
                "It answers only if there are %(number)d records of administrative detention or more; fewer look like none."
            )
            % number
        )

    @property
    def one_decision(self) -> str:
        """That it is about one decision only, in a sentence; nothing where it is not."""
        if not self.is_of_one_decision:
            return ""
        if self.decision_on is None:
            return _("It is about the decision under review only, whose date is not given yet.")
        return _("It is about the decision under review only, of %(day)s.") % {"day": self.decision_on.isoformat()}

    @property
    def has_bounds(self) -> bool:
        """Say whether it is limited in time."""
        return self.window is None or bool(self.window.first or self.window.last)

    @property
    def period(self) -> str:
        """Which penalties it covers in time, in a sentence."""
        if self.window is None:
            months = self.window_months or 0
            if not months:
                return _("It covers penalties that took effect until the new act, whose day is not given yet.")
            return ngettext(
                "It reaches back %(months)d month from the new act, whose day is not given yet.",
                "It reaches back %(months)d months from the new act, whose day is not given yet.",
                months,
            ) % {"months": months}
        first, last = self.window.first, self.window.last
        if first and last and first > last:
            # What an older draft holds: no form takes it, and no vote gives it.
            return _("It covers nothing: the period that is asked for begins after the new act of %(day)s.") % {
                "day": last.isoformat()
            }
        if first and last:
            days = {"first": first.isoformat(), "last": last.isoformat()}
            return _("It covers penalties that took effect from %(first)s to %(last)s.") % days
        if first:
            return _("It covers penalties that took effect since %(day)s.") % {"day": first.isoformat()}
        if last:
            return _("It covers penalties that took effect until %(day)s.") % {"day": last.isoformat()}
        return _("It has no limit in time.")

    @property
    def steps(self) -> list[str]:
        """How the period was counted."""
        return self.window.steps if self.window else []


@dataclass(frozen=True)
class Narrowing:
    """One side on which less was given than was asked, in words."""

    what: str
    asked: str
    given: str


def of_basis(basis: LegalBasis, organisation: Organisation, today: date) -> Scope:
    """Return the widest scope that a basis could ever give this organisation."""
    return Scope(
        rung=basis.highest_rung,
        categories=basis.categories,
        record_filter=basis.record_filter,
        least_records=basis.filter_count,
        openings=basis.grant_openings,
        hours=basis.grant_hours,
        window=law.window(basis.look_back_months, None, act_on=None, today=today),
        adult_acts_only=law.adult_acts_only(organisation),
        waits_for_purpose=basis.needs_case_purpose,
    )


def of_purpose(purpose: CasePurpose) -> list[str]:
    """Say how a case purpose limits an answer, before anything is known of the case."""
    limits = Scope(
        rung=Rung.PRESENCE,
        categories=[] if purpose.same_kind else purpose.categories,
        record_filter=RecordFilter.ANY,
        least_records=purpose.minimum_count,
        openings=0,
        hours=0,
        window=None if purpose.counts_from_act else law.Window(),
        window_months=purpose.window_months,
        is_of_one_decision=purpose.names_decision,
        is_of_same_kind=purpose.same_kind,
    )
    said = [
        limits.kinds,
        limits.threshold,
        limits.one_decision or limits.period,
        _("It is the law of acts since %(day)s.") % {"day": purpose.acts_from.isoformat()} if purpose.acts_from else "",
        _("It is the law of acts until %(day)s.") % {"day": purpose.acts_until.isoformat()}
        if purpose.acts_until
        else "",
        _("It is about people who were %(ages)s on the day of the new act.")
        % {"ages": law.bands_in_words(purpose.age_bands)}
        if purpose.age_bands
        else "",
        _("The request has to say since when.") if purpose.case_bound else "",
        _("The answer says at most: %(level)s.") % {"level": Rung(purpose.highest_rung).label},
    ]
    return [sentence for sentence in said if sentence]


def of_request(access_request: AccessRequest, today: date) -> Scope:
    """Return what a request asks for; of a decided one, what it asked for on the day of the decision."""
    basis, purpose = access_request.basis, access_request.case_purpose
    if access_request.decided_at is not None:
        today = timezone.localdate(access_request.decided_at)
    try:
        window = law.window_of(access_request, today)
    except Refused:
        window = None
    return Scope(
        rung=access_request.asked_rung,
        categories=law.categories_of(access_request),
        record_filter=basis.record_filter,
        least_records=law.least_records(basis, purpose),
        openings=basis.grant_openings,
        hours=basis.grant_hours,
        window=window,
        window_months=purpose.window_months if purpose else None,
        is_of_one_decision=bool(purpose and purpose.names_decision),
        decision_on=access_request.decision_on,
        is_of_same_kind=bool(purpose and purpose.same_kind),
        adult_acts_only=law.adult_acts_only(access_request.organisation),
        waits_for_purpose=basis.needs_case_purpose and purpose is None,
    )


def narrowed_to(asked: Scope, *, rung: str, hours: int, openings: int, window_from: date | None) -> Scope:
    """Return what an approval of what was asked would give."""
    window = replace(asked.window, first=window_from, steps=[]) if asked.window else None
    return replace(asked, rung=rung, hours=hours, openings=openings, window=window)


def of_grant(grant: Grant) -> Scope:
    """Return what a grant gives, as it was frozen."""
    return Scope(
        rung=grant.rung,
        categories=grant.categories,
        record_filter=grant.record_filter,
        least_records=grant.filter_count,
        openings=grant.openings,
        hours=(grant.ends_at - grant.starts_at) // timedelta(hours=1),
        window=law.Window(grant.window_from, grant.window_until),
        is_of_one_decision=grant.decision_on is not None,
        decision_on=grant.decision_on,
        adult_acts_only=grant.adult_acts_only,
    )


def narrowings(grant: Grant) -> list[Narrowing]:
    """Return on which sides the grant gives less than was asked, as the database judged when it made the grant."""
    asked, given = of_request(grant.access_request, timezone.localdate(grant.starts_at)), of_grant(grant)
    sides = {
        Part.LEVEL: (asked.level, given.level),
        Part.PERIOD: (asked.period, given.period),
        Part.OPENINGS: (str(asked.openings), str(given.openings)),
        Part.HOURS: (str(asked.hours), str(given.hours)),
    }
    return [Narrowing(str(part.label), *sides[part]) for part in Part if part in grant.narrowed]


def category_titles(codes: Sequence[str]) -> str:
    """Name categories in the reader's language; Chinese titles hold enumeration commas of their own."""
    separator = ", " if (get_language() or "").startswith("en") else "；"
    return separator.join(category_title(code) for code in codes)
