"""Reviewing: what waits, oldest first, and the one page on which a record is read, returned or confirmed."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from access import frame
from access.models import User
from access.models.duty import Duty
from access.questions import Question
from access.views import AuthenticatedHttpRequest, page_at
from records import actions, penalties, permissions
from records.exceptions import NotAllowed, Refused, WrongState
from records.forms import RemarkForm, ServiceForm, VersionForm
from records.models import Status, Violation
from records.views.violations import PAGE_SIZE, reading

REVIEWABLE = Question(lambda user: Violation.objects.reviewable_by(user).listed().order_by("submitted_at", "pk"))


@never_cache
@require_GET
def review_queue(request: AuthenticatedHttpRequest) -> HttpResponse:
    """List what this person reviews, and what waits for its service, oldest first."""
    if not frame.holds(request.user, Duty.CONFIRM_VIOLATIONS):
        raise NotAllowed(_("You do not review the records of this unit."))
    rows = REVIEWABLE.of(request.user, count=frame.of(request.user).waiting["records:review_queue"])
    page = rows.page(request.GET.get("page"), PAGE_SIZE)
    return render(request, "records/review_queue.html", {"page": page})


@never_cache
@require_GET
def review(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show the whole record to its reviewer, with the ways on."""
    violation = _visible(request.user, pk)
    permissions.check_can_review(request.user, violation)
    return _review_page(request, violation, RemarkForm(initial={"version": violation.version}))


@require_POST
def confirm(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Confirm a record as it was read."""
    violation = _visible(request.user, pk)
    permissions.check_can_review(request.user, violation)
    form = VersionForm(request.POST)
    if not form.is_valid():
        messages.warning(request, _("This form was incomplete, so nothing was confirmed. Read the record again."))
        return redirect("records:review", pk=pk)
    try:
        actions.confirm(violation, by=request.user, version=form.cleaned_data["version"])
    except WrongState as error:
        messages.warning(request, str(error))
    else:
        messages.success(
            request,
            _("Record %(number)s is confirmed. Record when the decision was served.") % {"number": violation.short_id},
        )
    return _back_to(request.user, pk)


@never_cache
@require_POST
@page_at("records:review")
def return_for_correction(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Send a record back with a remark."""
    violation = _visible(request.user, pk)
    permissions.check_can_review(request.user, violation)
    form = RemarkForm(request.POST)
    if not form.is_valid():
        return _review_page(request, violation, form)
    try:
        actions.return_for_correction(violation, by=request.user, **form.cleaned_data)
    except (Refused, WrongState) as error:
        # The remark stays in the form, which now names the version that is on the screen.
        values = request.POST.copy()
        values["version"] = str(violation.version)
        form = RemarkForm(values)
        form.is_valid()
        form.add_error(None, str(error))
        return _review_page(request, violation, form)
    messages.success(request, _("Record %(number)s is returned with your remark.") % {"number": violation.short_id})
    return redirect("records:review_queue")


def _visible(user: User, pk: uuid.UUID) -> Violation:
    found = Violation.objects.worked_on_by(user)
    return get_object_or_404(found.select_related("organ", "offence", "key", "entered_by", "reviewed_by"), pk=pk)


def _back_to(user: User, pk: uuid.UUID) -> HttpResponse:
    """The record's page, or the queue once the record has gone."""
    if Violation.objects.reviewable_by(user).filter(pk=pk).exists():
        return redirect("records:review", pk=pk)
    return redirect("records:review_queue")


def _review_page(request: AuthenticatedHttpRequest, violation: Violation, form: RemarkForm) -> HttpResponse:
    offence = violation.offence
    context = reading(violation)
    context |= {
        "form": form,
        "handlers": actions.handlers_of(violation),
        "departures": penalties.check(context["entry"].penalty, offence).departures if offence else [],
        "rule": actions.sealing_rule(timezone.localdate()),
        "service_form": ServiceForm(initial={"served_on": timezone.localdate()})
        if violation.status == Status.CONFIRMED and violation.served_on is None
        else None,
    }
    return render(request, "records/review.html", context)
