"""What the frame of every page says about this app: where to go, how much waits, and how long there is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache

from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from access import calendar
from access.frame import Counts, Frame
from access.models import AccessRequest, Organisation, Proposal, User
from access.models.duty import Duty
from access.models.proposals import DECIDERS
from access.models.requests import DATABASE_NOW, Status
from access.questions import Question


@dataclass(frozen=True)
class NavItem:
    """One entry of the side navigation; `key` is what follows `g` on the keyboard."""

    url_name: str
    label: str | Promise
    icon: str
    key: str = ""
    badge: int = 0
    url: str = ""
    current: bool = False


PAGES = {
    Duty.FILE_REQUESTS: NavItem("access:requests", _("My requests"), "file-search"),
    Duty.DECIDE_REQUESTS: NavItem("access:queue", _("Approval queue"), "gavel", key="q"),
    Duty.ADMINISTER_PEOPLE: NavItem("access:people", _("People"), "users"),
    Duty.ASSIGN_DUTIES: NavItem("access:duties", _("Duties"), "user-cog"),
}
PROPOSALS = NavItem("access:proposals", _("Proposals"), "clipboard-check")

OVERDUE = Question(lambda user: AccessRequest.objects.decidable_by(user).filter(due_at__lte=DATABASE_NOW))
# What waits on them, counted with the frame of the page.
Counts.announce(
    {
        "access:requests": (
            {Duty.FILE_REQUESTS},
            Question(lambda user: AccessRequest.objects.filed_by(user).filter(status=Status.RETURNED)),
        ),
        "access:queue": ({Duty.DECIDE_REQUESTS}, Question(lambda user: AccessRequest.objects.decidable_by(user))),
        "access:proposals": (
            set(DECIDERS),
            Question(lambda user: Proposal.objects.decidable_by(user)),
        ),
    }
)


@cache
def address(name: str) -> str:
    """Return the address of a page that needs no number; it is the same as long as the process lives."""
    return reverse(name)


def navigation(frame: Frame) -> list[NavItem]:
    """Return this person's pages of this app with what waits on them."""
    pages = pages_for(frame, PAGES)
    if frame.held & DECIDERS:
        waiting = frame.waiting.get(PROPOSALS.url_name, 0)
        pages.append(replace(PROPOSALS, url=address(PROPOSALS.url_name), badge=waiting))
    return pages


def pages_for(frame: Frame, pages: dict[Duty, NavItem]) -> list[NavItem]:
    """Return the pages of the duties held, each with its address and the number that waits there."""
    return [
        replace(page, url=address(page.url_name), badge=frame.waiting.get(page.url_name, 0))
        for duty, page in pages.items()
        if duty in frame.held
    ]


# From how many days before an agreement ends both sides are told, and from when on in red.
AGREEMENT_WARNS, AGREEMENT_PRESSES = 60, 7
AGREEMENTS_SHOWN = 10
# Who can have a year's working days loaded; to everybody else they are said beside a deadline that depends on them.
LOADERS = frozenset({Duty.MAINTAIN_LAW, Duty.ASSIGN_DUTIES})


@dataclass(frozen=True)
class Notice:
    """What stands above a page, for whom it concerns, until it is done."""

    tone: str
    text: str


def notices(frame: Frame, user: User) -> list[Notice]:
    """Return what this person should know on every page and can do something about."""
    found = []
    if frame.year_without_calendar is not None and LOADERS & frame.held:
        text = gettext(
            "The working days of %(year)s are not confirmed yet. Deadlines in that year count Monday to Friday until they are loaded."
        )
        found.append(Notice("amber", text % {"year": frame.year_without_calendar}))
    if Duty.FILE_REQUESTS in frame.held:
        today = timezone.localdate(frame.now)
        if _warns(user.organisation, today):
            found.append(_agreement(user.organisation, today, _to_themselves))
    return found


def agreements_ending(user: User, today: date) -> list[Notice]:
    """Return the agreements of the units that this person administers people of which end soon, the first ones first."""
    reached = Organisation.objects.reached_by(user, Duty.ADMINISTER_PEOPLE).filter(
        is_active=True, agreement_ends_on__lte=today + timedelta(days=AGREEMENT_WARNS)
    )
    ending = [unit for unit in reached.order_by("agreement_ends_on", "path") if _warns(unit, today)]
    return [_agreement(unit, today, _to_who_renews) for unit in ending[:AGREEMENTS_SHOWN]]


def _warns(unit: Organisation, today: date) -> bool:
    ends_on = unit.agreement_ends_on
    return not unit.is_police and ends_on is not None and (ends_on - today).days <= AGREEMENT_WARNS


def _to_themselves(days: int) -> str:
    if days < 0:
        return gettext(
            "The agreement with your unit has ended, so it cannot file or open requests. Ask the public security organ to renew it."
        )
    return ngettext(
        "The agreement with your unit ends in %(days)d day, on %(day)s. After that it can neither file requests nor open answers; ask the public security organ to renew it.",
        "The agreement with your unit ends in %(days)d days, on %(day)s. After that it can neither file requests nor open answers; ask the public security organ to renew it.",
        days,
    )


def _to_who_renews(days: int) -> str:
    if days < 0:
        return gettext("The agreement with %(unit)s ended on %(day)s: it can neither file requests nor open answers.")
    return ngettext(
        "The agreement with %(unit)s ends in %(days)d day, on %(day)s.",
        "The agreement with %(unit)s ends in %(days)d days, on %(day)s.",
        days,
    )


def _agreement(unit: Organisation, today: date, words: Callable[[int], str]) -> Notice:
    """Say when an agreement ends, in red in the last week and after it; the last day counts as one on which it holds."""
    ends_on = unit.agreement_ends_on
    assert ends_on is not None  # noqa: S101 - tells the type
    days = (ends_on - today).days
    text = words(days) % {"unit": unit, "days": days, "day": f"{ends_on:%Y-%m-%d}"}
    return Notice("seal" if days <= AGREEMENT_PRESSES else "amber", text)


@dataclass(frozen=True)
class Due:
    """A deadline as a tag: red when it is over, amber today, green before."""

    tone: str
    label: str
    at: datetime


def due(due_at: datetime, now: datetime | None = None, working: calendar.Calendar | None = None) -> Due:
    """Say how much time is left in the reader's words; lists hand in the calendar, so that it is read once."""
    now = now or timezone.now()
    today = now.astimezone(calendar.ZONE).date()
    last_day = due_at.astimezone(calendar.ZONE).date()
    if due_at <= now:
        return Due("seal", _overdue(now - due_at), due_at)
    if last_day == today:
        return Due("amber", _left_today(due_at - now), due_at)
    working = working or calendar.load()
    days = sum(working.is_working(today + timedelta(days=n)) for n in range(1, (last_day - today).days + 1))
    return Due(
        "green", ngettext("%(days)d working day left", "%(days)d working days left", days) % {"days": days}, due_at
    )


def ends(ends_at: datetime, now: datetime) -> Due:
    """Say how much time is left until something ends that ends by the clock, on working days or not."""
    left = ends_at - now
    if left <= timedelta():
        return Due("grey", gettext("ended"), ends_at)
    if left < timedelta(days=1):
        return Due("amber", _left_today(left), ends_at)
    return Due("green", ngettext("%(days)d day left", "%(days)d days left", left.days) % {"days": left.days}, ends_at)


def due_of(
    access_request: AccessRequest, now: datetime | None = None, working: calendar.Calendar | None = None
) -> Due | None:
    """Return the deadline of a request that waits for a decision; for all others no clock runs."""
    if access_request.status != Status.SUBMITTED or access_request.due_at is None:
        return None
    return due(access_request.due_at, now, working)


def _overdue(over: timedelta) -> str:
    if over.days:
        return ngettext("%(days)d day overdue", "%(days)d days overdue", over.days) % {"days": over.days}
    hours = over.seconds // 3600
    if hours:
        return ngettext("%(hours)d hour overdue", "%(hours)d hours overdue", hours) % {"hours": hours}
    return gettext("just overdue")


def _left_today(left: timedelta) -> str:
    hours, minutes = left.seconds // 3600, left.seconds // 60 % 60
    if hours:
        return ngettext("%(hours)d hour left", "%(hours)d hours left", hours) % {"hours": hours}
    return ngettext("%(minutes)d minute left", "%(minutes)d minutes left", minutes) % {"minutes": minutes}
