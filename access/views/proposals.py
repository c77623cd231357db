"""What waits for a second person: read with the difference it makes, put in force or turned down."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from access import database, duties, frame, refusals
from access.actions import proposals as actions
from access.database import Act
from access.exceptions import Refused, WrongState
from access.models import Proposal
from access.models.proposals import DECIDERS, ProposalState
from access.people_forms import TurnDownForm
from access.views import AuthenticatedHttpRequest, page_at, session_key
from access.views.identity import Asked, ask
from access.views.people import hand_over

PAGE = 25


@require_GET
def proposals(request: AuthenticatedHttpRequest) -> HttpResponse:
    """List what this person may decide, or what they proposed and what is decided; others have no such page."""
    if not DECIDERS & frame.of(request.user).held:
        raise Http404
    is_other = request.GET.get("tab") == "other"
    waiting = Proposal.objects.decidable_by(request.user)
    rows = Proposal.objects.visible_to(request.user).exclude(pk__in=waiting.values("pk")) if is_other else waiting
    rows = rows.select_related("person__organisation", "unit", "proposed_by", "decided_by")
    page = Paginator(rows.order_by("-proposed_at" if is_other else "proposed_at"), PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "page": page,
        "rows": [(proposal, proposal.words()) for proposal in page],
        "is_other": is_other,
        "waiting": frame.of(request.user).waiting["access:proposals"],
    }
    return render(request, "access/proposals.html", context)


@require_GET
def proposal(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show one proposal with the difference it makes."""
    return _page(request, _visible(request, pk))


@sensitive_post_parameters("password", "code", "credential")
@require_POST
@page_at("access:proposal")
def enact(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Put it in force, as whoever has just proved who they are; of a code, the answer shows the second half, once."""
    chosen = _visible(request, pk)
    try:
        refusals.check(database.proposal_refusal(chosen, by=request.user), *chosen.rules.refusals)
        asked = ask(request, Act.proposal(chosen))
        if not asked.is_proved:
            return _page(request, chosen, asked=asked)
        code = actions.enact(chosen, by=request.user, session_key=session_key(request))
    except (Refused, WrongState) as error:
        messages.warning(request, str(error))
        return redirect("access:proposal", pk=pk)
    if code is not None and chosen.person is not None:
        return hand_over(request, chosen.person, code)
    messages.success(request, _("In force: %(what)s.") % {"what": chosen.words()})
    return redirect("access:proposals")


@require_POST
@page_at("access:proposal")
def turn_down(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Turn it down with a reason; whoever proposed it takes it back."""
    chosen = _visible(request, pk)
    is_own = chosen.proposed_by_id == request.user.pk
    form = TurnDownForm(request.POST, is_own=is_own)
    if not form.is_valid():
        return _page(request, chosen, form)
    try:
        actions.turn_down(chosen, by=request.user, reason=form.cleaned_data["reason"])
    except (Refused, WrongState) as error:
        messages.warning(request, str(error))
        return redirect("access:proposal", pk=pk)
    words = {"what": chosen.words()}
    messages.success(request, (_("Withdrawn: %(what)s.") if is_own else _("Turned down: %(what)s.")) % words)
    return redirect("access:proposals")


def _visible(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> Proposal:
    rows = Proposal.objects.visible_to(request.user)
    return get_object_or_404(
        rows.select_related("person__organisation", "unit", "proposed_by__organisation", "decided_by"), pk=pk
    )


def _page(
    request: AuthenticatedHttpRequest,
    proposal: Proposal,
    form: TurnDownForm | None = None,
    asked: Asked | None = None,
) -> HttpResponse:
    is_own = proposal.proposed_by_id == request.user.pk
    context: dict[str, Any] = {
        "proposal": proposal,
        "what": proposal.words(),
        "is_open": proposal.state == ProposalState.PROPOSED,
        "is_own": is_own,
        "form": form or TurnDownForm(is_own=is_own),
    }
    if proposal.duty and proposal.person is not None:
        context |= {"duty": proposal.duty, "held": duties.held_by(proposal.person)}
    if context["is_open"] and not is_own:
        refusal = database.proposal_refusal(proposal, by=request.user)
        context["why_not"] = refusals.sentence(refusal, *proposal.rules.refusals)
        if not refusal:
            asked = asked or ask(request, Act.proposal(proposal), is_sent=False)
            context["proof"] = asked.context
    return render(request, "access/proposal.html", context, status=asked.status if asked else 200)
