"""Entering: an officer's records, the entry form, the check before submission, and what stays of a sealed record."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import Count, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from access import duties, frame, identifiers
from access.models import Organisation, User
from access.models.duty import Duty
from access.permissions import allowed
from access.questions import Answer, Question
from access.views import AuthenticatedHttpRequest
from records import actions, keyservice, penalties, permissions
from records import entry as entries
from records.entry import Entry
from records.exceptions import NotAllowed, Problems, Refused, WrongState
from records.forms import SECTIONS, EntryForm, ServiceForm, VersionForm, typed_values
from records.models import SealedRecord, Status, Violation

PAGE_SIZE = 25
VERSIONS_SHOWN = 20
# The states behind each tab; sealed records are stubs, read from another table.
TABS: dict[str, tuple[Any, list[Status]]] = {
    "drafts": (gettext_lazy("Drafts and returned"), [Status.RETURNED, Status.DRAFT]),
    "submitted": (gettext_lazy("Waiting for review"), [Status.SUBMITTED]),
    "service": (gettext_lazy("To be served"), [Status.CONFIRMED]),
    "sealed": (gettext_lazy("Sealed"), []),
}
NEXT_STEPS = {
    Status.DRAFT: gettext_lazy("Complete it and submit it"),
    Status.RETURNED: gettext_lazy("Correct it and submit it again"),
    Status.SUBMITTED: gettext_lazy("A reviewer reads it"),
    Status.CONFIRMED: gettext_lazy("Record when the decision was served"),
}


COUNTS: Question[Any] = Question(
    lambda user: Violation.objects.handled_by(user).order_by().values("status").annotate(count=Count("pk"))
)


def _handled(tab: str) -> Question[Violation]:
    def build(user: User) -> QuerySet[Violation]:
        rows = Violation.objects.handled_by(user).filter(status__in=TABS[tab][1])
        # Oldest first: what was begun or decided first is due first.
        return rows.listed().order_by("decided_on" if tab == "service" else "created_at", "pk")

    return Question(build)


HANDLED = {tab: _handled(tab) for tab in TABS if tab != "sealed"}
SEALED = Question(
    lambda user: _stubs(user).only("id", "sealed_at", "organ", "sealing_rule").order_by("-sealed_at", "pk")
)


@never_cache
@require_GET
def violations(request: AuthenticatedHttpRequest) -> HttpResponse:
    """List this person's records, a tab for each stage; nobody is named on a list."""
    user = request.user
    _check_enters(user)
    counts = {row["status"]: row["count"] for row in COUNTS.of(user)}
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else "drafts"
    count = {name: sum(counts.get(status, 0) for status in states) for name, (_title, states) in TABS.items()}
    rows: Answer[Any] = SEALED.of(user) if tab == "sealed" else HANDLED[tab].of(user, count=count[tab])
    page = rows.page(request.GET.get("page"), PAGE_SIZE)
    context = {
        "tab": tab,
        "tabs": [{"key": key, "title": title, "count": count[key]} for key, (title, _states) in TABS.items()],
        "page": page,
        "rows": [(row, "" if tab == "sealed" else NEXT_STEPS[row.status]) for row in page],
        "may_enter": allowed(permissions.check_can_enter, user, user.organisation),
    }
    return render(request, "records/violations.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
def new(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Begin a record."""
    organ = request.user.organisation
    permissions.check_can_enter(request.user, organ)
    colleagues = _colleagues(request.user, organ)
    if request.method == "GET":
        form = EntryForm(initial={"token": uuid.uuid4()}, colleagues=colleagues)
        return _entry_page(request, form, None)
    form = EntryForm(request.POST, colleagues=colleagues)
    if not form.is_valid():
        return _entry_page(request, form, None)
    try:
        violation = actions.save_draft(
            None, form.entry(), by=request.user, token=form.cleaned_data["token"] or uuid.uuid4()
        )
    except WrongState as error:
        messages.warning(request, str(error))
        return redirect("records:violations")
    return _after_saving(request, violation, form)


@never_cache
@require_http_methods(["GET", "POST"])
def edit(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Go on with a draft, or correct what was returned; ?problems=1 shows what keeps it from being submitted."""
    violation = _visible(request.user, pk)
    permissions.check_can_handle(request.user, violation)
    if not violation.is_editable:
        messages.warning(request, _("This record can no longer be changed. It shows its state below."))
        return redirect("records:violation", pk=pk)
    colleagues = _colleagues(request.user, violation.organ)
    if request.method == "GET":
        entry = actions.entry_of(violation)
        values = {**typed_values(entry), "version": violation.version}
        if "problems" not in request.GET:
            return _entry_page(request, EntryForm(initial=values, colleagues=colleagues), violation)
        form = EntryForm(values, colleagues=colleagues)
        if form.is_valid():
            form.show(entries.problems(entry, timezone.localdate()))
        return _entry_page(request, form, violation)
    form = EntryForm(request.POST, colleagues=colleagues)
    if not form.is_valid():
        return _entry_page(request, form, violation)
    try:
        violation = actions.save_draft(violation, form.entry(), by=request.user, version=form.cleaned_data["version"])
    except WrongState as error:
        return _stale(request, pk, error, colleagues)
    return _after_saving(request, violation, form)


@never_cache
@require_GET
def violation(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show a record to who works on it, its stub to the unit that entered it, and to all others nothing (Rule 3)."""
    found = _worked_on(request.user, pk)
    # Asked in either case, so that a foreign sealed record and no record cost the same queries.
    stub = _stubs(request.user).filter(pk=pk).first()
    if found is None:
        if stub is None:
            raise Http404
        return _stub_page(request, stub)
    context = {
        **reading(found),
        "versions": _versions(found),
        "handlers": actions.handlers_of(found),
        "may_edit": found.is_editable and allowed(permissions.check_can_handle, request.user, found),
        "may_review": found.status == Status.SUBMITTED and allowed(permissions.check_can_review, request.user, found),
        "service_form": _service_form(request.user, found),
        "rule": actions.sealing_rule(timezone.localdate()),
    }
    return render(request, "records/violation.html", context)


@never_cache
@require_GET
def check(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show every answer before it is submitted, with what still has to be put right."""
    violation = _visible(request.user, pk)
    permissions.check_can_handle(request.user, violation)
    if not violation.is_editable:
        messages.warning(request, _("This record can no longer be changed. It shows its state below."))
        return redirect("records:violation", pk=pk)
    context = reading(violation)
    found = entries.problems(context["entry"], timezone.localdate())
    labels = {name: declared.label for name, declared in EntryForm.base_fields.items()}
    context |= {
        "problems": [(name, labels[name], sentence) for name, sentences in found.items() for sentence in sentences],
        "departures": penalties.check(context["entry"].penalty, violation.offence).departures
        if violation.offence
        else [],
        "handlers": actions.handlers_of(violation),
        "form": VersionForm(initial={"version": violation.version}),
    }
    return render(request, "records/check.html", context)


@require_POST
def submit(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Hand a record to the reviewers."""
    violation = _visible(request.user, pk)
    permissions.check_can_handle(request.user, violation)
    form = VersionForm(request.POST)
    if not form.is_valid():
        messages.warning(
            request, _("This form was incomplete, so nothing was submitted. Read the record and submit it again.")
        )
        return redirect("records:violation", pk=pk)
    try:
        actions.submit(violation, by=request.user, version=form.cleaned_data["version"])
    except Problems:
        messages.warning(request, _("The record is not submitted yet: put right what is listed below."))
        return redirect(f"{reverse('records:edit', args=[pk])}?problems=1")
    except WrongState as error:
        messages.warning(request, str(error))
        return redirect("records:violation", pk=pk)
    messages.success(
        request, _("Record %(number)s is submitted. A reviewer reads it next.") % {"number": violation.short_id}
    )
    return redirect("records:violations")


@require_POST
def discard(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Put a draft away."""
    violation = _visible(request.user, pk)
    permissions.check_can_handle(request.user, violation)
    try:
        actions.discard(violation, by=request.user)
    except WrongState as error:
        messages.warning(request, str(error))
        return redirect("records:violation", pk=pk)
    messages.success(request, _("Draft %(number)s is discarded.") % {"number": violation.short_id})
    return redirect("records:violations")


@never_cache
@require_http_methods(["GET", "POST"])
def service(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Record when the decision was served; the record seals itself with it."""
    violation = _visible(request.user, pk)
    permissions.check_can_record_service(request.user, violation)
    reviews = allowed(permissions.check_can_review, request.user, violation)
    if violation.status != Status.CONFIRMED:
        messages.warning(request, _("Only a confirmed decision can be served. The record shows its state below."))
        return redirect("records:violation", pk=pk)
    form = ServiceForm(request.POST or None, initial={"served_on": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        try:
            actions.record_service(violation, by=request.user, served_on=form.cleaned_data["served_on"])
        except Refused as error:
            form.add_error("served_on", str(error))
        except WrongState as error:
            messages.warning(request, str(error))
            return redirect("records:review_queue" if reviews else "records:violations")
        else:
            _tell_sealed(request, violation)
            return redirect("records:review_queue" if reviews else f"{reverse('records:violations')}?tab=service")
    context = {"violation": violation, "form": form, "rule": actions.sealing_rule(timezone.localdate())}
    return render(request, "records/service.html", context)


def reading(violation: Violation) -> dict[str, Any]:
    """Return what a page needs to show a whole unsealed record; call it only for who handles or reviews it."""
    entry = actions.entry_of(violation)
    today = timezone.localdate()
    return {
        "violation": violation,
        "entry": entry,
        "particulars": entry.particulars,
        "person": entry.identity(today),
        "age_notices": entries.age_notices(entry, today),
        "year_notice": entries.year_notice(entry),
        "bands": penalties.describe(violation.offence) if violation.offence else [],
    }


def _check_enters(user: User) -> None:
    if not frame.holds(user, Duty.ENTER_VIOLATIONS):
        raise NotAllowed(_("You do not enter violations for this unit."))


def _worked_on(user: User, pk: uuid.UUID) -> Violation | None:
    found = Violation.objects.worked_on_by(user).filter(pk=pk)
    return found.select_related("organ", "offence", "key", "entered_by", "reviewed_by").first()


def _visible(user: User, pk: uuid.UUID) -> Violation:
    found = Violation.objects.worked_on_by(user)
    return get_object_or_404(found.select_related("organ", "offence", "key", "entered_by", "reviewed_by"), pk=pk)


def _stubs(user: User) -> Any:
    """Keep the sealed records of the units this person enters for."""
    units = Organisation.objects.reached_by(user, Duty.ENTER_VIOLATIONS)
    return SealedRecord.objects.filter(organ__in=units).select_related("organ", "sealing_rule")


def _colleagues(user: User, organ: Organisation) -> list[User]:
    """Return who else of the unit may be the second officer."""
    holders = duties.holders(Duty.ENTER_VIOLATIONS, organ).filter(organisation=organ)
    return list(holders.exclude(pk=user.pk).order_by("badge_number", "full_name"))


def _service_form(user: User, violation: Violation) -> ServiceForm | None:
    if violation.status != Status.CONFIRMED or violation.served_on is not None:
        return None
    if not allowed(permissions.check_can_record_service, user, violation):
        return None
    return ServiceForm(initial={"served_on": timezone.localdate()})


def _tell_sealed(request: AuthenticatedHttpRequest, violation: Violation) -> None:
    values = {"number": violation.short_id}
    if Violation.objects.filter(pk=violation.pk).exists():
        messages.success(
            request, _("The service of %(number)s is recorded. The record will be sealed by itself.") % values
        )
    else:
        messages.success(request, _("The service is recorded, and record %(number)s is sealed.") % values)


def _entry_page(
    request: AuthenticatedHttpRequest,
    form: EntryForm,
    violation: Violation | None,
    differences: list[tuple[str, str]] | None = None,
) -> HttpResponse:
    context = {
        "form": form,
        "violation": violation,
        "remark": actions.read_particulars(violation).remark if violation else "",
        "handlers": actions.handlers_of(violation) if violation else [request.user],
        "differences": differences or [],
    }
    return render(request, "records/entry.html", context)


def _after_saving(request: AuthenticatedHttpRequest, violation: Violation, form: EntryForm) -> HttpResponse:
    """Name the second officer, then go where the pressed button leads."""
    co_officer = form.cleaned_data["co_officer"]
    if co_officer is not None and not actions.handlers_of(violation).filter(pk=co_officer.pk).exists():
        try:
            actions.name_co_officer(violation, by=request.user, co_officer=co_officer)
        except WrongState as error:
            messages.warning(request, str(error))
    if "continue" not in request.POST:
        messages.success(request, _("The draft is saved."))
        return redirect("records:edit", pk=violation.pk)
    if entries.problems(form.entry(), timezone.localdate()):
        messages.warning(request, _("The draft is saved. Put right what is listed below before you submit it."))
        return redirect(f"{reverse('records:edit', args=[violation.pk])}?problems=1")
    return redirect("records:check", pk=violation.pk)


def _stale(request: AuthenticatedHttpRequest, pk: uuid.UUID, error: WrongState, colleagues: list[User]) -> HttpResponse:
    """Keep what was typed, show where the saved record differs, and let the next save go through."""
    violation = _worked_on(request.user, pk)
    if violation is None or not violation.is_editable:
        messages.warning(request, str(error))
        return redirect("records:violation", pk=pk)
    values = request.POST.copy()
    values["version"] = str(violation.version)
    form = EntryForm(values, colleagues=colleagues)
    form.is_valid()
    form.add_error(None, str(error))
    return _entry_page(request, form, violation, _differences(form, actions.entry_of(violation)))


def _differences(form: EntryForm, saved: Entry) -> list[tuple[str, str]]:
    """Return the fields that were saved with another content than was typed, and that content."""
    here, there = typed_values(form.entry()), typed_values(saved)
    found = []
    for name in (name for _title, names in SECTIONS.values() for name in names if name in there):
        if here[name] != there[name]:
            found.append((str(form.fields[name].label), _in_words(name, there[name], saved)))
    return found


def _in_words(name: str, value: Any, saved: Entry) -> str:
    if name == "offence":
        return str(saved.offence or _("empty"))
    if name == "document_type":
        return str(identifiers.DocumentType(value).label)
    if value is True:
        return _("yes")
    return str(value) or _("empty")


@dataclass(frozen=True)
class Version:
    """One saved version, as the timeline shows it."""

    at: datetime
    who: str
    what: str
    note: str = ""


def _versions(violation: Violation) -> list[Version]:
    """Return who saved which version and when, newest first."""
    fields = ("history_date", "history_user_id", "status", "served_on")
    rows = list(
        violation.history.order_by("-history_date", "-history_id").values_list(*fields, named=True)[
            : VERSIONS_SHOWN + 1
        ]
    )
    people = User.objects.in_bulk({row.history_user_id for row in rows if row.history_user_id})
    shown = []
    for row, before in zip(rows, [*rows[1:], None], strict=True):
        who = people.get(row.history_user_id)
        shown.append(Version(row.history_date, str(who or _("The system")), _what_happened(row, before)))
    return shown[:VERSIONS_SHOWN]


def _what_happened(row: Any, before: Any) -> str:
    if before is None:
        return _("Entered")
    if row.status == before.status:
        return _("Service recorded") if row.served_on != before.served_on else _("Changed")
    return {
        Status.SUBMITTED: _("Submitted for review"),
        Status.RETURNED: _("Returned for correction"),
        Status.CONFIRMED: _("Confirmed"),
        Status.DISCARDED: _("Discarded"),
    }.get(row.status, str(Status(row.status).label))


def _stub_page(request: AuthenticatedHttpRequest, stub: SealedRecord) -> HttpResponse:
    """Show what stays of a sealed record, and whether its content is still what was sealed."""
    context = {
        "stub": stub,
        "digest": bytes(stub.digest).hex(),
        # The key service makes the seal of the record again; what it cannot check now is not called intact (503).
        "is_intact": keyservice.check([stub.pk], strays=False).holds,
        "may_file": duties.has(request.user, Duty.FILE_REQUESTS, request.user.organisation),
    }
    return render(request, "records/stub.html", context)
