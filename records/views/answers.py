"""Answers: the grants that name a person, the undertaking, the pause before sealed records, and the answer itself."""

from __future__ import annotations

import math
import uuid
from datetime import datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db.models import BooleanField, Case, Count, ExpressionWrapper, F, Q, QuerySet, When
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from access import permissions, population, reading, scope
from access.actions import opening
from access.actions.requests import Person, key_of, read_person
from access.models import Grant, RequestSubject, Undertaking, UndertakingText, User
from access.models.requests import DATABASE_NOW, LIVE
from access.permissions import allowed
from access.questions import Question
from access.views import AuthenticatedHttpRequest, page_at, session_key
from records import disclosure
from records.exceptions import NothingToShow, Refused, WrongState
from records.forms import OpenForm, UndertakingForm

PAGE_SIZE = 25


def _in_order(user: User) -> QuerySet[Grant]:
    is_open = ExpressionWrapper(LIVE, output_field=BooleanField())
    grants = Grant.objects.openable_by(user).listed().with_database_time().with_openings().with_revocation()
    return grants.annotate(is_open=is_open, closes_at=Case(When(is_open=True, then=F("ends_at")))).order_by(
        "-is_open", "closes_at", "-ends_at", "pk"
    )


GRANTS = Question(_in_order)
GRANT = Question(
    lambda user: (
        Grant.objects.openable_by(user)
        .select_related(
            "access_request__organisation",
            "access_request__receiving_organ",
            "access_request__basis",
            "access_request__case_purpose",
            "basis",
            "case_purpose",
        )
        .with_database_time()
        .with_openings()
    )
)
# A person who was asked about, with the grant that answers.
SUBJECT = Question(
    lambda user: (
        RequestSubject.objects.filter(
            access_request__grant__in=Grant.objects.openable_by(user), round=F("access_request__grant__round")
        )
        .select_related(
            "access_request__organisation", "access_request__grant__basis", "access_request__grant__case_purpose"
        )
        .annotate(database_now=DATABASE_NOW)
    )
)


@never_cache
@require_GET
def answers(request: AuthenticatedHttpRequest) -> HttpResponse:
    """List the grants that name this person, live ones first and of these the one that ends soonest."""
    page = GRANTS.of(request.user).page(request.GET.get("page"), PAGE_SIZE)
    revoking = reading.revoking_organs(page)
    for row in page:
        row.revoked_by = revoking.get(row.revoked_by_id)  # type: ignore[attr-defined]
    return render(request, "records/answers.html", {"page": page})


@never_cache
@require_GET
def grant(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Say what may be seen of whom, until when; of an ended grant, why nothing may be seen any more."""
    return _grant_page(request, GRANT.of(request.user).get_or_404(pk))


@never_cache
@require_POST
@page_at("records:grant")
def undertaking(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Sign the undertaking of confidentiality."""
    found = GRANT.of(request.user).get_or_404(pk)
    form = UndertakingForm(request.POST)
    if not form.is_valid():
        return _grant_page(request, found, form)
    try:
        opening.sign_undertaking(found, by=request.user, **form.cleaned_data)
    except (Refused, WrongState) as error:
        form.add_error("signed_name", str(error))
        return _grant_page(request, found, form)
    except NothingToShow:
        return redirect("records:grant", pk=pk)
    messages.success(request, _("You have signed the undertaking. You may open the answer now."))
    return redirect("records:grant", pk=pk)


@never_cache
@require_http_methods(["GET", "POST"])
def open_answer(request: AuthenticatedHttpRequest, pk: uuid.UUID, subject_id: uuid.UUID) -> HttpResponse:
    """Pause before sealed records (GET), then open the answer about one person (POST); nothing of it is kept."""
    subject = SUBJECT.of(request.user).get_or_404(subject_id)
    found = subject.access_request.grant
    if found.pk != pk:
        raise Http404
    now: datetime = subject.database_now  # type: ignore[attr-defined]
    form = OpenForm(request.POST)
    if request.method == "GET" or not form.is_valid():
        return _interruption(request, found, subject, now)
    try:
        answer = disclosure.open_answer(
            found,
            subject,
            by=request.user,
            session_key=session_key(request),
            token=form.cleaned_data["token"],
        )
    except NothingToShow:
        raise Http404 from None
    except (Refused, WrongState) as error:
        messages.warning(request, str(error))
        return redirect("records:grant", pk=pk)
    # Plain rendering, inside this view and after the commit: nothing is streamed or deferred.
    context = {
        "answer": answer,
        "grant": found,
        "subject": subject,
        "person": _person(found, subject),
        "said": population.said_of(subject, is_granted=True),
        "address": request.META.get("REMOTE_ADDR", ""),
        # Without a script the page leaves by itself too when its time is over; a script leaves with the clock it shows.
        "seconds_left": math.ceil((answer.viewable_until - answer.now).total_seconds()),
        "scope": scope.of_grant(found),
    }
    response = render(request, "records/answer.html", context)
    # Where neither a script nor the page's own refresh works, it leaves when its grant ends.
    most = math.ceil((found.ends_at - answer.now).total_seconds())
    response["Refresh"] = f"{most}; url={reverse('records:grant', args=[found.pk])}?viewing=over"
    return response


@never_cache
@require_POST
def extend(request: AuthenticatedHttpRequest, opening_id: uuid.UUID) -> JsonResponse:
    """Give an open answer five minutes more; say how long it may stand, and nothing to whoever is not its reader."""
    return JsonResponse({"left": opening.extend(opening_id, by=request.user)})


@never_cache
@login_not_required
@require_GET
def standing(request: HttpRequest, opening_id: uuid.UUID) -> JsonResponse:
    """Tell a page whether its answer may still stand, and how long: nothing to whoever is not its reader any more."""
    by = request.user.pk if request.user.is_authenticated else None
    return JsonResponse({"left": opening.seconds_standing(opening_id, by=by) if by else 0})


def _grant_page(request: AuthenticatedHttpRequest, found: Grant, form: UndertakingForm | None = None) -> HttpResponse:
    now = found.database_now
    if not found.is_live(now):
        ended = {"grant": found, "revocation": reading.revocation_of(found)}
        return render(request, "records/grant_ended.html", ended)
    key = key_of(found.access_request)
    subjects = found.access_request.subjects.filter(round=found.round).order_by("position")
    subjects = subjects.annotate(times_opened=Count("opening", filter=Q(opening__grant=found)))
    signed = Undertaking.objects.select_related("text").filter(grant=found, user=request.user).first()
    text = signed.text if signed else UndertakingText.objects.to_sign(request.user)
    context = {
        "grant": found,
        "form": form or UndertakingForm(),
        "text": text,
        "promises": text.promises(found.access_request.number),
        "now": now,
        "people": [(subject, read_person(key, subject), found.openings - subject.times_opened) for subject in subjects],
        "signed": signed,
        "agreement_holds": allowed(
            permissions.check_agreement_holds, request.user.organisation, timezone.localdate(now)
        ),
        "narrowings": scope.narrowings(found),
        "narrowed_by": reading.narrowing_organs(found, to=request.user),
        "viewing_is_over": request.GET.get("viewing") == "over",
        "scope": scope.of_grant(found),
    }
    return render(request, "records/grant.html", context)


def _interruption(
    request: AuthenticatedHttpRequest, found: Grant, subject: RequestSubject, now: datetime
) -> HttpResponse:
    if not found.is_live(now):
        return redirect("records:grant", pk=found.pk)
    if not Undertaking.objects.filter(grant=found, user=request.user).exists():
        messages.warning(request, _("Sign the confidentiality undertaking first."))
        return redirect("records:grant", pk=found.pk)
    left = found.openings_left_for(subject)
    if not left:
        return redirect("records:grant", pk=found.pk)
    context = {
        "grant": found,
        "subject": subject,
        "person": _person(found, subject),
        "form": OpenForm.new(),
        "left": left,
        "is_fresh": opening.identity_is_fresh(request.user, session_key(request), found),
        "now": now,
        "scope": scope.of_grant(found),
    }
    return render(request, "records/interruption.html", context)


def _person(found: Grant, subject: RequestSubject) -> Person:
    return read_person(key_of(found.access_request), subject)
