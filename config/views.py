"""The desk: what waits for this person, first what is due first; and the developers' page of components."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connection
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from access import calendar, frame
from access.actions import people
from access.models import AccessRequest, Grant, Proposal, User
from access.models.duty import Duty
from access.models.requests import Status as RequestStatus
from access.questions import Question
from access.shell import OVERDUE, Notice, agreements_ending, due, ends
from access.views import AuthenticatedHttpRequest
from audit import alarms
from config import samples
from config.database import counters_are_open
from records import upkeep
from records.models import Status, Violation

SHOWN = 6
# How long an answer about the server's counters is kept.
COUNTERS_SECONDS = 60


@dataclass(frozen=True)
class Task:
    """One line of the desk: a number, never a name (people walk past)."""

    url: str
    number: str
    what: str
    state: str
    due: Any = None


@dataclass(frozen=True)
class Tile:
    url: str
    count: int
    label: str
    tone: str = "grey"


# What is listed on the desk, first what is due first.
DECIDABLE = Question(lambda user: AccessRequest.objects.decidable_by(user).listed().order_by("due_at"))
SUBMITTED = Question(lambda user: AccessRequest.objects.filed_by(user).filter(status=RequestStatus.SUBMITTED))
RETURNED = Question(
    lambda user: (
        AccessRequest.objects.filed_by(user).filter(status=RequestStatus.RETURNED).listed().order_by("returned_at")
    )
)
OPENABLE = Question(lambda user: Grant.objects.openable_by(user).live().listed().order_by("ends_at"))
DRAFTS = Question(lambda user: Violation.objects.handled_by(user).filter(status=Status.DRAFT))
OPEN = Question(
    lambda user: (
        Violation.objects.handled_by(user)
        .filter(status__in=[Status.RETURNED, Status.DRAFT])
        .listed()
        .order_by("-status", "created_at")
    )
)
TO_REVIEW = Question(lambda user: Violation.objects.reviewable_by(user).filter(status=Status.SUBMITTED))
REVIEWABLE = Question(lambda user: Violation.objects.reviewable_by(user).listed().order_by("submitted_at"))
PROPOSED = Question(lambda user: Proposal.objects.decidable_by(user).select_related("unit").order_by("proposed_at"))


@require_GET
def desk(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Show what waits, by the duties held, in a number of queries that does not grow with the work."""
    user = request.user
    held = frame.of(user).held
    tiles: list[Tile] = []
    tasks: list[Task] = []
    wrong = alarms.open_alarms() if held & WATCHING else []
    if held & WATCHING:
        tone = "seal" if wrong else "green"
        tiles.append(Tile(reverse("audit:alarms"), len(wrong), _("alarms of the trail"), tone))
    for duty, part in PARTS.items():
        if duty in held:
            part_tiles, part_tasks = part(user)
            tiles += part_tiles
            tasks += part_tasks
    tasks.sort(key=lambda task: (task.due is None, task.due and task.due.at))
    context = {
        "alarms": wrong,
        "tiles": tiles,
        "tasks": tasks,
        "held": [duty.label for duty in Duty if duty in held],
        "warnings": warnings(user),
    }
    return render(request, "config/desk.html", context)


def warnings(user: User) -> list[Notice]:
    """Return what stands on this person's desk until somebody has done something about it."""
    found, held = people.notices(user), frame.of(user).held
    if Duty.ASSIGN_DUTIES in held:
        found += system_warnings()
    shown = [Notice("seal", text) for text in found]
    if Duty.ADMINISTER_PEOPLE in held:
        shown += agreements_ending(user, timezone.localdate(frame.of(user).now))
    return shown


def system_warnings() -> list[str]:
    """Return what the security administrator has to know about the database under this system."""
    warnings = upkeep.sentences()
    if _counters(int(time.monotonic() // COUNTERS_SECONDS)):
        warnings.append(
            _(
                "PostgreSQL's counters are open: any role of the database server can tell from them how many sealed records a disclosure has read. A superuser closes them with “manage.py prepare_database”."
            )
        )
    return warnings


@lru_cache(maxsize=1)
def _counters(_minute: int) -> bool:
    # Only a superuser changes it, and asking reads every function of the server.
    return counters_are_open(connection)


def _counted(user: User, page: str) -> int:
    """Return how much waits on a page, as the frame around the desk has counted it."""
    return frame.of(user).waiting[page]


def _deciding(user: User) -> tuple[list[Tile], list[Task]]:
    now = frame.of(user).now
    working = calendar.load(timezone.localdate(now))
    overdue = OVERDUE.of(user).count()
    url = reverse("access:queue")
    tiles = [
        Tile(url, _counted(user, "access:queue"), _("to decide"), "blue"),
        Tile(url, overdue, _("overdue"), "seal" if overdue else "grey"),
    ]
    tasks = [
        Task(
            url=reverse("access:review", args=[row.pk]),
            number=row.number,
            what=f"{row.organisation} · {row.basis.title}",
            state=_("Waits for your decision"),
            due=row.due_at and due(row.due_at, now, working),
        )
        for row in DECIDABLE.of(user)[:SHOWN]
    ]
    return tiles, tasks


def _filing(user: User) -> tuple[list[Tile], list[Task]]:
    now = frame.of(user).now
    live = OPENABLE.of(user)
    tiles = [
        Tile(
            reverse("access:requests"),
            SUBMITTED.of(user).count(),
            _("waiting for a decision"),
            "blue",
        ),
        Tile(reverse("access:requests"), _counted(user, "access:requests"), _("returned to you"), "amber"),
        Tile(reverse("records:answers"), live.count(), _("answers you may open"), "green"),
    ]
    tasks = [
        Task(
            reverse("access:request", args=[row.pk]),
            row.number,
            row.basis.title,
            _("Returned: correct it and submit it again"),
        )
        for row in RETURNED.of(user)[:SHOWN]
    ] + [
        Task(
            reverse("records:grant", args=[grant.pk]),
            grant.access_request.number,
            grant.basis.title,
            _("Approved in part: open the answer before it ends")
            if grant.narrowed
            else _("Approved: open the answer before it ends"),
            ends(grant.ends_at, now),
        )
        for grant in live[:SHOWN]
    ]
    return tiles, tasks


def _entering(user: User) -> tuple[list[Tile], list[Task]]:
    url = reverse("records:violations")
    tiles = [
        Tile(url, DRAFTS.of(user).count(), _("drafts"), "grey"),
        Tile(url, _counted(user, "records:violations"), _("returned to you"), "amber"),
    ]
    tasks = [
        Task(
            reverse("records:violation", args=[row.pk]),
            row.short_id,
            str(row.offence or _("offence not chosen yet")),
            str(row.get_status_display()),
        )
        for row in OPEN.of(user)[:SHOWN]
    ]
    return tiles, tasks


def _reviewing(user: User) -> tuple[list[Tile], list[Task]]:
    to_review = TO_REVIEW.of(user).count()
    url = reverse("records:review_queue")
    tiles = [
        Tile(url, to_review, _("to review"), "blue"),
        Tile(url, _counted(user, "records:review_queue") - to_review, _("to be served"), "amber"),
    ]
    states = {Status.SUBMITTED: _("Waits for your review"), Status.CONFIRMED: _("Record the service of the decision")}
    tasks = [
        Task(reverse("records:review", args=[row.pk]), row.short_id, str(row.offence), states[Status(row.status)])
        for row in REVIEWABLE.of(user)[:SHOWN]
    ]
    return tiles, tasks


def _second_person(user: User) -> tuple[list[Tile], list[Task]]:
    url = reverse("access:proposals")
    tasks = [
        Task(
            reverse("access:proposal", args=[row.pk]),
            str(row),
            str(row.unit or ""),
            _("Waits for you as its second person"),
        )
        for row in PROPOSED.of(user)[:SHOWN]
    ]
    return [Tile(url, _counted(user, "access:proposals"), _("proposals to decide"), "blue")], tasks


# They have to know when something is wrong with the trail.
WATCHING = {Duty.OVERSEE, Duty.ASSIGN_DUTIES}
PARTS = {
    Duty.DECIDE_REQUESTS: _deciding,
    Duty.FILE_REQUESTS: _filing,
    Duty.CONFIRM_VIOLATIONS: _reviewing,
    Duty.ENTER_VIOLATIONS: _entering,
    # Nobody holds both of these.
    Duty.ADMINISTER_PEOPLE: _second_person,
    Duty.ASSIGN_DUTIES: _second_person,
}


@require_GET
def components(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Show every component, so that a change of the style sheet can be looked at in one place."""
    return render(request, "config/components.html", samples.context())
