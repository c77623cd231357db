"""What the frame of every page says about this app: where to go, how much waits, and how long there is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache

from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from access import calendar
from access.duties import Duty
from access.frame import Counts, Frame
from access.models import AccessRequest, Proposal
from access.models.proposals import DECIDED_BY
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
            set(DECIDED_BY.values()),
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
    if frame.held & set(DECIDED_BY.values()):
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
