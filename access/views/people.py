"""People and units for who administers them, duties for who assigns them; for everybody else there are no such pages."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from access import database, duties, frame
from access.actions import people as actions
from access.codes import Code
from access.exceptions import NotAllowed, Refused, WrongState
from access.models import Organisation, OrganisationUserObjectPermission, User
from access.models.duty import DANGEROUS, Duty
from access.people_forms import AgreementForm, DutyForm, NewCodeForm, PersonForm, WithdrawForm
from access.questions import Question
from access.views import AuthenticatedHttpRequest, page_at

PAGE = 25


def _people_of(user: User, duty: Duty) -> QuerySet[User]:
    """Keep the people of the units that this duty of theirs reaches."""
    reached = User.objects.filter(organisation__in=Organisation.objects.reached_by(user, duty))
    return reached.select_related("organisation").order_by("organisation__path", "username")


ADMINISTERED = Question(lambda user: _people_of(user, Duty.ADMINISTER_PEOPLE))
ASSIGNED = Question(lambda user: _people_of(user, Duty.ASSIGN_DUTIES).filter(is_active=True))


# People and agreements, for who administers them
@require_GET
def people(request: AuthenticatedHttpRequest) -> HttpResponse:
    """List the people of the units that this person administers; it says nothing of their duties."""
    _check_holds(request.user, Duty.ADMINISTER_PEOPLE)
    page = ADMINISTERED.of(request.user).page(request.GET.get("page"), PAGE)
    return render(request, "access/people.html", {"page": page})


@require_http_methods(["GET", "POST"])
def person_new(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Enter a person, who holds no duty until one is given by somebody else; the answer shows their code, once."""
    units = _units_of(request.user, Duty.ADMINISTER_PEOPLE).filter(is_active=True)
    form = PersonForm(request.POST or None, organisations=units)
    if request.method == "POST" and form.is_valid():
        try:
            user, code = actions.create_user(by=request.user, **form.cleaned_data)
        except IntegrityError:  # somebody else took the name or the number between the check and now
            form = PersonForm(request.POST, organisations=units)
            if form.is_valid():
                form.add_error(None, _("Something changed while you were writing, so nothing was done. Send it again."))
        except (NotAllowed, Refused, WrongState) as error:
            form.add_error(None, str(error))
        else:
            return hand_over(request, user, code)
    if request.method == "POST" and (person := _entered_a_moment_ago(request, form)):
        # A reload of the page with the code: the person is there, and the code was shown once.
        messages.warning(
            request,
            _("%(person)s was entered already, and the code was shown once. If it is lost, make a new one.")
            % {"person": person},
        )
        return redirect("access:people")
    return render(request, "access/people_new.html", {"form": form})


def _entered_a_moment_ago(request: AuthenticatedHttpRequest, form: PersonForm) -> User | None:
    """Return whom this very form entered before, if they have not enrolled yet."""
    values = {name: form[name].value() or "" for name in ("username", "full_name", "badge_number")}
    if any("\0" in value for value in values.values()):  # no row holds one, and the database does not take one
        return None
    values = {name: value.strip() for name, value in values.items()}
    people = User.objects.filter(organisation__in=_units_of(request.user, Duty.ADMINISTER_PEOPLE))
    person = people.filter(**values, created_at__gt=timezone.now() - timedelta(hours=1)).first()
    return person if person is not None and not person.has_usable_password() else None


@require_http_methods(["GET", "POST"])
def person_code(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Make a new code for somebody who lost a password or a second factor; the answer shows it, once."""
    person = _person_of(request.user, pk, Duty.ADMINISTER_PEOPLE)
    takes_two = database.needs_two(person)
    form = NewCodeForm(request.POST or None, takes_two=takes_two)
    if request.method == "POST" and form.is_valid():
        try:
            code = actions.renew_code(person, by=request.user, **form.cleaned_data)
        except (NotAllowed, Refused, WrongState) as error:
            form.add_error(None, str(error))
        else:
            return hand_over(request, person, code)
    context = {"form": form, "person": person, "takes_two": takes_two}
    return render(request, "access/people_new_code.html", context)


def hand_over(request: AuthenticatedHttpRequest, person: User, code: Code) -> HttpResponse:
    """Show a code in the answer to the POST that made it: nothing keeps it, and no other page has it."""
    context = {"person": person, "code": code, "address": request.build_absolute_uri(reverse("access:enrol"))}
    return render(request, "access/people_code.html", context)


@require_POST
def person_disable(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Shut a person out now, sessions included."""
    user = _person_of(request.user, pk, Duty.ADMINISTER_PEOPLE)
    try:
        actions.disable_user(user, by=request.user)
    except (NotAllowed, Refused, WrongState) as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, _("%(person)s is shut out; every session has ended.") % {"person": user})
    return redirect("access:people")


@require_POST
def person_enable(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Let a disabled person in again."""
    user = _person_of(request.user, pk, Duty.ADMINISTER_PEOPLE)
    actions.enable_user(user, by=request.user)
    messages.success(request, _("%(person)s may sign in again, with the same duties as before.") % {"person": user})
    return redirect("access:people")


@require_GET
def units(request: AuthenticatedHttpRequest) -> HttpResponse:
    """List the units that this person administers, with the end of each agreement."""
    rows = _units_of(request.user, Duty.ADMINISTER_PEOPLE).order_by("path")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return render(request, "access/people_units.html", {"page": page, "today": timezone.localdate()})


@require_http_methods(["GET", "POST"])
def unit_agreement(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Set the last day of an outside unit's agreement."""
    outside = _units_of(request.user, Duty.ADMINISTER_PEOPLE).filter(agreement_ends_on__isnull=False)
    unit = get_object_or_404(outside, pk=pk)
    form = AgreementForm(request.POST or None, initial={"ends_on": unit.agreement_ends_on})
    if request.method == "POST" and form.is_valid():
        try:
            actions.change_agreement(unit, by=request.user, ends_on=form.cleaned_data["ends_on"])
        except Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(
                request,
                _("The agreement with %(unit)s ends on %(day)s.") % {"unit": unit, "day": form.cleaned_data["ends_on"]},
            )
            return redirect("access:units")
    return render(request, "access/people_agreement.html", {"form": form, "unit": unit})


# Duties, for who assigns them
@require_GET
def duties_held(request: AuthenticatedHttpRequest) -> HttpResponse:
    """List the people of the units where this person assigns duties, with the duties they hold."""
    _check_holds(request.user, Duty.ASSIGN_DUTIES)
    page = ASSIGNED.of(request.user).page(request.GET.get("page"), PAGE)
    held = duties.held_by_each(page.object_list)
    context = {"page": page, "rows": [(person, _summary(held.get(person.pk, []))) for person in page]}
    return render(request, "access/duties.html", context)


@require_GET
def person_duties(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show one person's duties, with the form that gives another."""
    return _person_page(request, _person_of(request.user, pk, Duty.ASSIGN_DUTIES))


@require_POST
@page_at("access:person_duties")
def duty_give(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Give a duty, or propose it where it takes two people."""
    person = _person_of(request.user, pk, Duty.ASSIGN_DUTIES)
    form = DutyForm(request.POST, organisations=_units_of(request.user, Duty.ASSIGN_DUTIES).order_by("path"))
    if form.is_valid():
        duty, unit = Duty(form.cleaned_data["duty"]), form.cleaned_data["organisation"]
        try:
            proposal = actions.give_duty(
                person, duty, unit, by=request.user, reason=form.cleaned_data.get("reason", "")
            )
        except (NotAllowed, Refused, WrongState) as error:
            form.add_error(None, str(error))
        else:
            words = {"duty": duty.label, "unit": unit}
            if proposal:
                messages.success(
                    request,
                    _("Proposed: %(duty)s, %(unit)s. Somebody else who assigns duties puts it in force.") % words,
                )
            else:
                messages.success(request, _("The duty is given: %(duty)s, %(unit)s.") % words)
            return redirect("access:person_duties", pk=pk)
    return _person_page(request, person, form)


@require_POST
def duty_withdraw(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Take a duty away; the button that was pressed says which, and where."""
    person = _person_of(request.user, pk, Duty.ASSIGN_DUTIES)
    form = WithdrawForm(request.POST, organisations=_units_of(request.user, Duty.ASSIGN_DUTIES))
    if not form.is_valid():
        raise Http404
    duty, unit = Duty(form.cleaned_data["duty"]), form.cleaned_data["organisation"]
    try:
        actions.withdraw_duty(person, duty, unit, by=request.user)
    except (NotAllowed, Refused, WrongState) as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, _("The duty is withdrawn: %(duty)s, %(unit)s.") % {"duty": duty.label, "unit": unit})
    return redirect("access:person_duties", pk=pk)


def _person_page(request: AuthenticatedHttpRequest, person: User, form: DutyForm | None = None) -> HttpResponse:
    units = _units_of(request.user, Duty.ASSIGN_DUTIES).order_by("path")
    reached = set(units.values_list("pk", flat=True))
    rows = OrganisationUserObjectPermission.objects.filter(user=person, user__is_active=True).select_related(
        "permission", "content_object", "given_by", "consented_by"
    )
    context = {
        "person": person,
        "held": [
            (Duty(row.permission.codename), row, row.content_object_id in reached)
            for row in rows.order_by("content_object__path")
        ],
        "dangerous": [duty.label for duty in Duty if duty in DANGEROUS],
        "form": form or DutyForm(organisations=units),
        "is_self": person.pk == request.user.pk,
    }
    return render(request, "access/duties_person.html", context)


def _units_of(user: User, duty: Duty) -> QuerySet[Organisation]:
    """Return the units that this duty of theirs reaches; without the duty, the page does not exist."""
    _check_holds(user, duty)
    return Organisation.objects.reached_by(user, duty)


def _check_holds(user: User, duty: Duty) -> None:
    if not frame.holds(user, duty):
        raise Http404


def _person_of(user: User, pk: uuid.UUID, duty: Duty) -> User:
    return get_object_or_404(_people_of(user, duty), pk=pk)


def _summary(held: list[tuple[Duty, Organisation]]) -> list[tuple[str, list[Organisation]]]:
    """Group a person's duties, so that one who holds one everywhere takes one line."""
    grouped: dict[Duty, list[Organisation]] = {}
    for duty, unit in held:
        grouped.setdefault(duty, []).append(unit)
    return [(str(duty.label), units) for duty, units in grouped.items()]
