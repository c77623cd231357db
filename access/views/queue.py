"""Deciding: the queue in deadline order, the review of one request, and the end of a grant."""

from __future__ import annotations

import uuid
from types import SimpleNamespace
from typing import Any

from django.contrib import messages
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from access import calendar, frame, law, permissions, scope, typed
from access.actions import decisions
from access.actions import identity as identities
from access.actions.requests import key_of, read_person
from access.exceptions import NotAllowed, Refused, WrongState
from access.forms import DecisionForm, IdentityForm, ReasonForm
from access.models import AccessRequest, Decision, Grant, User
from access.models.duty import Duty
from access.models.law import Rung
from access.models.requests import Outcome, Status
from access.questions import Question
from access.shell import OVERDUE, due_of
from access.views import AuthenticatedHttpRequest, page_at, session_key
from access.views.identity import Asked, ask
from access.views.requests import detail_page, facts_of, people_counted, timeline, with_law
from audit.middleware import carried

PAGE = 20
# What the page that asks who is deciding sends beside the decision: a proof, or the wish to go back.
PROOF, BACK = "proof", "back"


def _in_order(user: User) -> QuerySet[AccessRequest]:
    cast = (
        Decision.objects.filter(access_request=OuterRef("pk"), round=OuterRef("round"))
        .order_by()
        .values("access_request")
        .annotate(cast=Count("pk"))
        .values("cast")
    )
    waiting = AccessRequest.objects.decidable_by(user).listed()
    return waiting.annotate(votes=Coalesce(Subquery(cast), 0), people=people_counted()).order_by(
        "due_at", "submitted_at"
    )


def _voted_by(user: User) -> QuerySet[AccessRequest]:
    own = Decision.objects.filter(access_request=OuterRef("pk"), decider=user).order_by("-decided_at")
    voted = AccessRequest.objects.in_queues_of(user).listed()
    voted = voted.annotate(
        own_outcome=Subquery(own.values("outcome")[:1]), own_vote_at=Subquery(own.values("decided_at")[:1])
    )
    return voted.filter(own_vote_at__isnull=False).annotate(people=people_counted()).order_by("-own_vote_at")


WAITING, VOTED = Question(_in_order), Question(_voted_by)
WAITING_IDS: Question[Any] = Question(lambda user: _in_order(user).values("pk"))


@require_GET
def queue(request: AuthenticatedHttpRequest) -> HttpResponse:
    """List what waits for this person's vote, first what is due first; or what they voted on, newest first."""
    user = request.user
    if not frame.holds(user, Duty.DECIDE_REQUESTS):
        raise NotAllowed(_("You do not decide requests."))
    is_decided = request.GET.get("tab") == "decided"
    waiting = frame.of(user).waiting["access:queue"]
    now = frame.of(user).now
    today = timezone.localdate(now)
    working = calendar.load(today)
    rows = VOTED.of(user) if is_decided else WAITING.of(user, count=waiting)
    page = rows.page(request.GET.get("page"), PAGE)
    said = dict(Outcome.choices)
    context = {
        "is_decided": is_decided,
        "page": page,
        "rows": [
            SimpleNamespace(
                access_request=row,
                due=due_of(row, now, working),
                # How many are missing, and never who voted or how (both are blind until the last vote).
                missing=row.approvals_needed - getattr(row, "votes", 0),
                vote=said.get(getattr(row, "own_outcome", ""), ""),
            )
            for row in page
        ],
        "waiting": waiting,
        "overdue": OVERDUE.of(user).count(),
        "missing_years": working.missing_years(today, max([today, *(timezone.localdate(row.due_at) for row in page)]))
        if not is_decided
        else [],
    }
    return render(request, "access/queue.html", context)


@require_GET
def review(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show a request with everything that its decider has to weigh."""
    access_request = _submitted(request, pk)
    return _review_page(request, access_request, _form(access_request))


@sensitive_post_parameters("password", "code", "credential")
@require_POST
@page_at("access:review")
def decide(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Cast this person's vote once they have proved who they are for it; everything that was typed stays meanwhile."""
    access_request = _submitted(request, pk)
    permissions.check_can_decide(request.user, access_request)
    form = _form(access_request, request.POST)
    if not form.is_valid() or BACK in request.POST:
        return _review_page(request, access_request, form)
    if form.cleaned_data["version"] == access_request.version:  # an older page is refused below, without asking
        asked = _confirmed(request, access_request, form)
        if not asked.is_proved:
            return _confirm_page(request, access_request, form, asked)
    try:
        decided = _vote(access_request, form, by=request.user, session_key=session_key(request))
    except Refused as error:
        form.add_error(None, str(error))
        return _review_page(request, _submitted(request, pk), form)
    except WrongState as error:
        return _review_page(request, *_read_again(request, pk, str(error)))
    messages.success(request, _said(decided))
    return redirect("access:queue")


def _confirmed(request: AuthenticatedHttpRequest, access_request: AccessRequest, form: DecisionForm) -> Asked:
    act = form.act(access_request)
    if identities.is_confirmed(request.user, session_key(request), act):
        return Asked(True, IdentityForm(strongest="password", is_change=False), {})
    return ask(request, act, is_sent=PROOF in request.POST)


def _confirm_page(
    request: AuthenticatedHttpRequest, access_request: AccessRequest, form: DecisionForm, asked: Asked
) -> HttpResponse:
    """Ask who is deciding; the page carries the decision, and leads back to it."""
    context = {
        **asked.context,
        "access_request": access_request,
        "outcome": dict(form.OUTCOMES)[form.cleaned_data["outcome"]],
        "scope": _allowed(access_request, form),
        "carried": [pair for pair in carried(request) if pair[0] not in (PROOF, BACK, typed.WRITER)],
        "proof": PROOF,
        "back_name": BACK,
    }
    return render(request, "access/decide_confirm.html", context, status=asked.status)


def _allowed(access_request: AccessRequest, form: DecisionForm) -> scope.Scope | None:
    """Return what this vote would give; nothing where it gives nothing."""
    if form.cleaned_data["outcome"] not in (form.APPROVE, form.NARROWER):
        return None
    return scope.narrowed_to(scope.of_request(access_request, timezone.localdate()), **vars(form.scope()))


def _read_again(request: AuthenticatedHttpRequest, pk: uuid.UUID, why: str) -> tuple[AccessRequest, DecisionForm]:
    """Return the request as it is now with a form about it: the reason stays, the checklist has to be answered again."""
    access_request = _submitted(request, pk)
    values = request.POST.copy()
    values["version"] = str(access_request.version)
    form = _form(access_request, values)
    for point in form.points:
        values.pop(point.html_name, None)
    form.is_valid()
    for point in form.points:  # they were answered, about what the request was
        form.errors.pop(point.html_name, None)
    form.add_error(None, why)
    return access_request, form


def _vote(access_request: AccessRequest, form: DecisionForm, *, by: User, session_key: str) -> AccessRequest:
    outcome, version, review = form.cleaned_data["outcome"], form.cleaned_data["version"], form.review()
    if outcome == form.REFUSE:
        return decisions.refuse(access_request, by=by, session_key=session_key, version=version, review=review)
    if outcome == form.RETURN:
        return decisions.return_for_correction(
            access_request, by=by, session_key=session_key, version=version, review=review
        )
    return decisions.approve(
        access_request, by=by, session_key=session_key, version=version, review=review, scope=form.scope()
    )


def _said(decided: AccessRequest) -> str:
    in_part = decided.status == Status.APPROVED and decided.is_narrowed
    sentences = {
        Status.APPROVED: _("%(number)s is approved in part; the requester may open the narrower answer now.")
        if in_part
        else _("%(number)s is approved; the requester may open the answer now."),
        Status.REFUSED: _("%(number)s is refused; the requester reads your reason."),
        Status.RETURNED: _("%(number)s is returned for correction; its clock stands still."),
        Status.SUBMITTED: _("You have voted on %(number)s; a second person from another unit decides."),
    }
    return sentences[Status(decided.status)] % {"number": decided.number}


def _form(access_request: AccessRequest, data: Any = None) -> DecisionForm:
    window = _window(access_request)
    key = key_of(access_request)
    # Read by whoever decides, and by nobody before them.
    people = {
        decisions.point_of(subject): read_person(key, subject).name for subject in decisions.to_compare(access_request)
    }
    return DecisionForm(
        data,
        access_request=access_request,
        earliest=window.first if window else None,
        latest=window.last if window else None,
        people=people,
        why_not_approve=_why_not_approve(access_request),
    )


def _why_not_approve(access_request: AccessRequest) -> str:
    """Return why the law does not carry the request any more, so that it can be returned or refused and not approved."""
    if access_request.status != Status.SUBMITTED:
        return ""
    return permissions.why_not_law(access_request, timezone.localdate())


def _window(access_request: AccessRequest) -> law.Window | None:
    """Return what an answer may reach; None where nobody decides now, and what was returned may lack anything."""
    if access_request.status != Status.SUBMITTED:
        return None
    return law.window_of(access_request, timezone.localdate())


def _review_page(request: AuthenticatedHttpRequest, access_request: AccessRequest, form: DecisionForm) -> HttpResponse:
    user = request.user
    votes = decisions.visible_decisions(access_request, to=user)
    grant = Grant.objects.filter(access_request=access_request).first()
    why_not = _why_not_decide(user, access_request)
    context = {
        **facts_of(access_request, user),
        **_neighbours(user, access_request),
        "due": due_of(access_request),
        "items": timeline(access_request, votes, grant, to=user),
        "why_not": why_not,
        # What was typed stays even when somebody else decided meanwhile.
        "shows_form": not why_not or form.is_bound,
        "form": form,
        "previews": [(rung.label, scope.LEVELS[rung]) for rung in Rung.up_to(access_request.asked_rung)],
    }
    return render(request, "access/review.html", context)


def _why_not_decide(user: User, access_request: AccessRequest) -> str:
    if access_request.status != Status.SUBMITTED:
        return _("This request does not wait for a decision: it is “%(state)s”.") % {
            "state": access_request.get_status_display()
        }
    try:
        permissions.check_can_decide(user, access_request)
    except NotAllowed as reason:
        return str(reason)
    return ""


def _neighbours(user: User, access_request: AccessRequest) -> dict[str, Any]:
    """Return the place of a request in this person's queue, with the ones before and after it."""
    queue = [row["pk"] for row in WAITING_IDS.of(user)]
    if access_request.pk not in queue:
        return {"place": None, "total": len(queue), "previous": None, "next": queue[0] if queue else None}
    place = queue.index(access_request.pk)
    return {
        "place": place + 1,
        "total": len(queue),
        "previous": queue[place - 1] if place else None,
        "next": queue[place + 1] if place + 1 < len(queue) else None,
    }


@require_POST
def revoke(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """End a grant at once, with a reason."""
    visible = AccessRequest.objects.visible_to(request.user)
    grant = get_object_or_404(Grant.objects.filter(access_request__in=visible), pk=pk)
    access_request = get_object_or_404(with_law(visible), pk=grant.access_request_id)
    permissions.check_can_revoke(request.user, grant)
    request.page = reverse("access:request", args=[access_request.pk])  # type: ignore[attr-defined]
    form = ReasonForm(request.POST, prefix="revoke")
    if not form.is_valid():
        return detail_page(request, access_request, form)
    try:
        decisions.revoke(grant, by=request.user, reason=form.cleaned_data["reason"])
    except (Refused, WrongState) as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, _("The permission is revoked; nothing can be opened with it any more."))
    return redirect("access:request", pk=access_request.pk)


def _submitted(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> AccessRequest:
    """Return the submitted request if it exists for this person; 404 otherwise."""
    visible = AccessRequest.objects.visible_to(request.user).filter(submitted_at__isnull=False)
    return get_object_or_404(with_law(visible), pk=pk)
