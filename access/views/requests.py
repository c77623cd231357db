"""Asking: the list, the form, the check before submitting, and the page of one request."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.cache import cache
from django.db.models import Case, Count, OuterRef, QuerySet, Subquery, When
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from access import calendar, frame, law, permissions, population, reading, scope, typed
from access.actions import decisions
from access.actions import requests as actions
from access.actions.requests import Particulars
from access.exceptions import NotAllowed, Refused, WrongState
from access.forms import MOST_PEOPLE, BasisForm, DeclarationForm, ReasonForm, RequestForm, VersionForm
from access.identifiers import IdentifierError
from access.models import AccessRequest, CasePurpose, Decision, Grant, LegalBasis, RequestSubject, User
from access.models.duty import Duty
from access.models.law import Gate, Rung
from access.models.requests import EDITABLE, AccessRequestQuerySet, Outcome, PopulationAnswer, Status
from access.questions import Question
from access.shell import due_of
from access.uploads import takes_a_file
from access.views import AuthenticatedHttpRequest, page_at

PAGE = 20
OPEN = [Status.DRAFT, Status.SUBMITTED, Status.RETURNED]
DECIDED = [Status.APPROVED, Status.REFUSED]
# How long sending one form again still means the same draft.
TOKEN_SECONDS = 8 * 60 * 60


# The list -----------------------------------------------------------------------------------------------------------


def people_counted() -> Subquery:
    """Count the people of the newest submission in the query of the list."""
    counted = (
        RequestSubject.objects.filter(access_request=OuterRef("pk"), round=OuterRef("round"))
        .order_by()
        .values("access_request")
        .annotate(counted=Count("pk"))
        .values("counted")
    )
    return Subquery(counted)


def _filed_by(user: User) -> QuerySet[AccessRequest]:
    # How many people a draft names stands inside.
    mine = AccessRequest.objects.filed_by(user).listed("particulars", "wrapped_key", "returned_at")
    return mine.annotate(people=people_counted())


# What is still to be sent: first what came back, since it lapses, then drafts; then what waits, by its deadline.
PLACE = Case(When(status=Status.RETURNED, then=0), When(status=Status.DRAFT, then=1), default=2)


def _ended(user: User) -> QuerySet[AccessRequest]:
    last = AccessRequest.history.model.objects.filter(id=OuterRef("pk")).order_by("-history_id")
    ended = _filed_by(user).exclude(status__in=OPEN + DECIDED)
    return ended.annotate(ended_at=Subquery(last.values("history_date")[:1])).order_by("-ended_at")


FILED = {
    "open": Question(
        lambda user: _filed_by(user).filter(status__in=OPEN).order_by(PLACE, "returned_at", "due_at", "-created_at")
    ),
    "decided": Question(lambda user: _filed_by(user).filter(status__in=DECIDED).order_by("-decided_at")),
    "ended": Question(_ended),
}


@require_GET
def requests(request: AuthenticatedHttpRequest) -> HttpResponse:
    """List this person's own requests: numbers, bases and deadlines, and never a name."""
    user = request.user
    tabs = {"open": _("Open"), "decided": _("Decided"), "ended": _("Withdrawn or lapsed")}
    chosen = request.GET.get("tab", "open")
    chosen = chosen if chosen in tabs else "open"
    page = FILED[chosen].of(user).page(request.GET.get("page"), PAGE)
    now = frame.of(user).now
    today = timezone.localdate(now)
    working = calendar.load(today)
    counted = [timezone.localdate(row.due_at) for row in page if row.status == Status.SUBMITTED and row.due_at]
    why_not = _why_not_file(user)
    revoking = reading.revoking_organs(page)
    context = {
        "tabs": [{"code": code, "label": label, "current": code == chosen} for code, label in tabs.items()],
        "tab": chosen,
        "page": page,
        "rows": [
            SimpleNamespace(
                access_request=row,
                people=getattr(row, "people", 0)
                if row.status not in EDITABLE
                else len(actions.read_particulars(row).people),
                due=due_of(row, now, working),
                lapses_at=_lapses_at(row),
                revoked_by=revoking.get(row.revoked_by_id),
            )
            for row in page
        ],
        "missing_years": working.missing_years(today, max(counted)) if counted else [],
        "may_file": not why_not,
        "why_not": why_not if frame.holds(user, Duty.FILE_REQUESTS) else "",
    }
    return render(request, "access/requests.html", context)


def _why_not_file(user: User) -> str:
    try:
        permissions.check_can_file(user, timezone.localdate())
    except NotAllowed as reason:
        return str(reason)
    return ""


def _lapses_at(access_request: AccessRequest) -> datetime | None:
    if access_request.status != Status.RETURNED or access_request.returned_at is None:
        return None
    return access_request.returned_at + timedelta(days=settings.RETURNED_LAPSES_DAYS)


# Writing ------------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def choose_basis(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Show what this unit may ask under, and why not under the rest; choosing saves nothing yet."""
    permissions.check_can_file(request.user, timezone.localdate())
    usable, closed = _bases(request.user)
    reasons = {basis.code: reason for basis, reason in closed}
    form = BasisForm(request.POST or None, codes=[*(basis.code for basis in usable), *reasons])
    if request.method == "POST" and form.is_valid():
        code = form.cleaned_data["basis"]
        if code not in reasons:
            return redirect("access:request_begin", code=code)
        form.add_error("basis", reasons[code])
    return _basis_page(request, form, usable, closed)


def _bases(user: User) -> tuple[list[LegalBasis], list[tuple[LegalBasis, str]]]:
    """Return what this person may ask under, and the rest with the reasons, first what names their kind of unit."""
    usable, closed = permissions.applicable_bases(user.organisation, timezone.localdate())
    closed.sort(key=lambda row: (user.organisation.kind not in row[0].organisation_kinds, row[0].code))
    return usable, closed


def _basis_page(
    request: AuthenticatedHttpRequest, form: BasisForm, usable: list[LegalBasis], closed: list[tuple[LegalBasis, str]]
) -> HttpResponse:
    options = {option.data["value"]: option for option in form["basis"]}
    unit, today = request.user.organisation, timezone.localdate()
    context = {
        "form": form,
        "cards": [(options[basis.code], basis, scope.of_basis(basis, unit, today)) for basis in usable],
        "closed": closed,
    }
    return render(request, "access/request_basis.html", context)


@takes_a_file
@require_http_methods(["GET", "POST"])
def begin(request: AuthenticatedHttpRequest, code: str) -> HttpResponse:
    """Show an empty form under one legal basis; nothing is saved before the first POST."""
    permissions.check_can_file(request.user, timezone.localdate())
    usable, closed = _bases(request.user)
    basis = next((basis for basis in usable if basis.code == code), None)
    if basis is None:
        reason = next((reason for basis, reason in closed if basis.code == code), None)
        if reason is None:
            raise Http404
        form = BasisForm({"basis": code}, codes=[code, *(basis.code for basis in usable)])
        form.add_error("basis", reason)
        return _basis_page(request, form, usable, closed)
    return _write(request, basis, None)


@takes_a_file
@require_http_methods(["GET", "POST"])
def edit(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Change a draft, or a request that came back for correction."""
    access_request = _visible(request, pk)
    permissions.check_can_edit(request.user, access_request)
    if not access_request.is_editable and request.method == "GET":
        return redirect("access:request", pk=pk)
    # What is written is written under the law of today.
    today = timezone.localdate()
    access_request.basis = permissions.newest_begun(access_request.basis, today)
    if access_request.case_purpose is not None:
        access_request.case_purpose = permissions.newest_begun(access_request.case_purpose, today)
    return _write(request, access_request.basis, access_request)


def _write(request: AuthenticatedHttpRequest, basis: LegalBasis, access_request: AccessRequest | None) -> HttpResponse:
    """Show the form, grow it by a row, or save it; whatever goes wrong, what was typed stays on the page."""
    letter = _letter_of(access_request)
    purposes, closed = law.purposes_for(CasePurpose.objects.all(), request.user.organisation, timezone.localdate())
    shape: dict[str, Any] = {
        "basis": basis,
        "organisation": request.user.organisation,
        "purposes": purposes,
        "has_letter": letter is not None,
    }
    posted, action = request.POST, request.POST.get("action", "save")
    if request.method == "GET":
        shown = typed.shown()
        rows = _number(shown.get("rows")) if shown is not None else _row_count(access_request)
        form = RequestForm(initial=_initial(access_request), **shape, row_count=rows)
    elif action == "add_row":
        form = RequestForm(initial=posted.dict(), **shape, row_count=_number(posted.get("rows")) + 1)
    else:
        form = RequestForm(
            posted, request.FILES, **shape, row_count=_number(posted.get("rows")), is_final=action == "continue"
        )
        if form.is_valid() and (saved := _save(request, form, basis, purposes, access_request)):
            return redirect("access:request_check" if action == "continue" else "access:request_edit", pk=saved.pk)
    context = {
        "form": form,
        "access_request": access_request,
        "basis": basis,
        "purposes": purposes if basis.needs_case_purpose else [],
        "closed_purposes": closed if basis.needs_case_purpose else [],
        "letter": letter,
        "lost_letter": bool(request.FILES) and (action == "add_row" or form.loses_a_letter),
        "may_add": form.row_count < MOST_PEOPLE,
        "is_dirty": request.method == "POST" or typed.shown() is not None,
        "remark": _newest_remark(access_request),
        "scope": scope.of_request(access_request, timezone.localdate())
        if access_request
        else scope.of_basis(basis, request.user.organisation, timezone.localdate()),
        **_deadline(basis),
    }
    return render(request, "access/request_form.html", context)


def _save(
    request: AuthenticatedHttpRequest,
    form: RequestForm,
    basis: LegalBasis,
    purposes: list[CasePurpose],
    access_request: AccessRequest | None,
) -> AccessRequest | None:
    """Save what the form holds and return the request; None, with the reason in the form, when it was not saved."""
    values = form.cleaned_data
    version = values["version"]
    key = f"draft-of-form:{request.user.pk}:{values['token']}"
    if access_request is None and values["token"] and not cache.add(key, "", TOKEN_SECONDS):
        # The same form was sent before: it goes on with the draft that it made then.
        drafts = AccessRequest.objects.filed_by(request.user).filter(pk__in=filter(None, [cache.get(key)]))
        access_request, version = drafts.first(), 1
        if access_request is None:
            form.add_error(None, _("This form is being saved already. Wait a moment and look at your requests."))
            return None
    is_new = access_request is None
    try:
        saved = actions.save_draft(
            access_request,
            form.particulars(),
            by=request.user,
            basis=basis,
            case_purpose=next((purpose for purpose in purposes if purpose.code == values.get("case_purpose")), None),
            asked_rung=values["asked_rung"] or Rung.PRESENCE,
            asked_from=values["asked_from"],
            act_on=values["act_on"],
            act_kind=values["act_kind"] or "",
            decision_on=values["decision_on"],
            version=version,
        )
    except (Refused, WrongState) as error:
        form.add_error(None, str(error))
        if is_new:
            cache.delete(key)
        return None
    if is_new and values["token"]:
        cache.set(key, str(saved.pk), TOKEN_SECONDS)
    letter = values["letter"]
    try:
        if letter:
            actions.attach_letter(
                saved,
                by=request.user,
                version=saved.version,
                name=letter.name,
                media_type=letter.media_type,
                content=letter.read(),
            )
    except (Refused, WrongState) as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, _("The draft is saved."))
    return saved


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 5 else 1


def _row_count(access_request: AccessRequest | None) -> int:
    return len(actions.read_particulars(access_request).people) if access_request else 1


def _initial(access_request: AccessRequest | None) -> dict[str, Any]:
    if access_request is None:
        return {"token": uuid.uuid4(), "asked_rung": Rung.PRESENCE}
    particulars = actions.read_particulars(access_request)
    initial = {
        "version": access_request.version,
        "case_purpose": access_request.case_purpose.code if access_request.case_purpose else "",
        "case_number": particulars.case_number,
        "reason": particulars.reason,
        "scope_of_use": particulars.scope_of_use,
        "asked_rung": access_request.asked_rung,
        "asked_from": access_request.asked_from,
        "act_on": access_request.act_on,
        "act_kind": access_request.act_kind,
        "decision_number": particulars.decision_number,
        "decision_on": access_request.decision_on,
    }
    for row, person in enumerate(particulars.people, 1):
        initial |= {f"{name}_{row}": value for name, value in asdict(person).items()}
    return initial


def _deadline(basis: LegalBasis) -> dict[str, Any]:
    """Return the deadline of a submission now, with the days that are counted."""
    working, now = calendar.load(), timezone.now()
    steps = working.steps(now, basis.decision_working_days)
    return {
        "steps": steps,
        "deadline": working.add_working_days(now, basis.decision_working_days),
        "missing_years": working.missing_years(timezone.localdate(), steps[-1]),
    }


# Submitting ---------------------------------------------------------------------------------------------------------


@require_GET
def check(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show everything once more before it is submitted, and what is missing."""
    access_request = _visible(request, pk)
    permissions.check_can_edit(request.user, access_request)
    if not access_request.is_editable:
        return redirect("access:request", pk=pk)
    return _check_page(request, access_request, DeclarationForm(initial={"version": access_request.version}))


def _check_page(
    request: AuthenticatedHttpRequest,
    access_request: AccessRequest,
    form: DeclarationForm,
    differing: Sequence[int] = (),
) -> HttpResponse:
    """Show what will be submitted; beside whose numbers the population register has other names, it says so."""
    facts = facts_of(access_request, request.user)
    for place in differing:
        facts["people"][place - 1].said = population.SAID[PopulationAnswer.DIFFERS]
        facts["people"][
            place - 1
        ].correct = f"{reverse('access:request_edit', args=[access_request.pk])}#id_name_{place}"
    context = {
        **facts,
        "asks_population": population.is_connected(),
        "form": form,
        "missing": missing_with_links(access_request, facts["particulars"]),
        "why_not": permissions.why_not_law(access_request, timezone.localdate()),
        **_deadline(access_request.basis),
    }
    return render(request, "access/request_check.html", context)


def missing_with_links(access_request: AccessRequest, particulars: Particulars) -> list[tuple[str, str]]:
    """Return each sentence about a missing part with the address where it can be added."""
    fields = {
        _("Name at least one person."): "id_name_1",
        _("Give the reason for the query."): "id_reason",
        _("Say how the answer will be used, and by whom."): "id_scope_of_use",
        _("Choose the case purpose."): "id_case_purpose",
        _("Give the case number; a state organ asks for a case."): "id_case_number",
        _("Attach the official letter."): "id_letter",
        **{str(sentence): f"id_{name}" for name, sentence in law.NEEDED.items()},
    }
    form = reverse("access:request_edit", args=[access_request.pk])
    missing = [
        (sentence, f"{form}#{fields.get(sentence, 'main')}")
        for sentence in actions.missing_parts(access_request, particulars)
    ]
    for row, person in enumerate(particulars.people, 1):
        if not person.name or not person.number:
            sentence = _("Give name and number of person %(row)d; both are needed.") % {"row": row}
            missing.append((sentence, f"{form}#id_{'number' if person.name else 'name'}_{row}"))
    return missing


@require_POST
@page_at("access:request_check")
def submit(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Submit a request as it was last read."""
    access_request = _visible(request, pk)
    permissions.check_can_edit(request.user, access_request)
    form = DeclarationForm(request.POST, names_differ="insists" in request.POST)
    if not access_request.is_editable:
        messages.warning(request, _("This request was submitted before; nothing was changed."))
        return redirect("access:request", pk=pk)
    if not form.is_valid():
        return _check_page(request, access_request, form)
    missing = missing_with_links(access_request, actions.read_particulars(access_request))
    values = form.cleaned_data
    try:
        if missing:
            raise Refused(missing[0][0])
        actions.submit(access_request, by=request.user, version=values["version"], insists=values["insists"])
    except population.NamesDiffer as error:
        form = DeclarationForm(request.POST, names_differ=True)
        form.add_error(None, str(error))
        return _check_page(request, access_request, form, error.places)
    except (Refused, IdentifierError) as error:
        form.add_error(None, str(error))
        return _check_page(request, access_request, form)
    except WrongState as error:
        messages.warning(request, str(error))
        return redirect("access:request_check", pk=pk)
    messages.success(request, _("The request is submitted."))
    return redirect("access:receipt", pk=pk)


@require_GET
def receipt(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Say what was received and what happens next; never whether a record exists (Rule 3)."""
    submitted = AccessRequest.objects.filed_by(request.user).filter(submitted_at__isnull=False)
    access_request = get_object_or_404(with_law(submitted), pk=pk)
    context = {"access_request": access_request, "people": access_request.current_subjects.count()}
    return render(request, "access/request_receipt.html", context)


@require_POST
def withdraw(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Take a request back."""
    access_request = _visible(request, pk)
    permissions.check_can_edit(request.user, access_request)
    form = VersionForm(request.POST)
    if not form.is_valid():
        messages.warning(request, _("This page was incomplete, so nothing was withdrawn. Read the request again."))
        return redirect("access:request", pk=pk)
    try:
        actions.withdraw(access_request, by=request.user, version=form.cleaned_data["version"])
    except WrongState as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, _("The request is withdrawn. It stays on file."))
    return redirect("access:request", pk=pk)


# One request --------------------------------------------------------------------------------------------------------


@require_GET
def detail(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show one request to who wrote it and to who decides it."""
    return detail_page(request, _visible(request, pk), ReasonForm(prefix="revoke"))


def detail_page(
    request: AuthenticatedHttpRequest, access_request: AccessRequest, revoke_form: ReasonForm
) -> HttpResponse:
    """Show a request with the form that revokes its grant, as it was sent."""
    user = request.user
    votes = decisions.visible_decisions(access_request, to=user)
    decided = reading.organ_decisions(access_request)
    grant = Grant.objects.filter(access_request=access_request).first()
    if grant is not None:
        grant.access_request = access_request
    is_mine = user.pk == access_request.requester_id
    is_live = grant is not None and grant.is_live()
    may_withdraw = Status.WITHDRAWN in actions.TRANSITIONS[Status(access_request.status)]
    context = {
        **facts_of(access_request, user),
        "is_mine": is_mine,
        "due": due_of(access_request),
        "lapses_at": _lapses_at(access_request),
        "items": timeline(access_request, votes, grant, to=user),
        "final": [(vote, reason) for vote, reason in votes if vote.round == access_request.round],
        "is_decided": access_request.status in DECIDED,
        "decision": decided[-1] if decided and access_request.status in DECIDED else None,
        "remark": _newest_remark(access_request) if is_mine else "",
        "remedy": reading.remedy_of(access_request) if access_request.status == Status.REFUSED else "",
        "grant": grant,
        "granted": scope.of_grant(grant) if grant else None,
        "narrowings": scope.narrowings(grant) if grant else [],
        "narrowed_by": reading.narrowing_organs(grant, to=user) if grant else [],
        "revocation": reading.revocation_of(grant) if grant else None,
        "grant_is_live": is_live,
        "may_open": grant is not None and is_live and Grant.objects.openable_by(user).filter(pk=grant.pk).exists(),
        "may_edit": is_mine and access_request.is_editable,
        "may_withdraw": is_mine and may_withdraw,
        **_deciding(user, access_request),
        "may_revoke": grant is not None and is_live and permissions.allowed(permissions.check_can_revoke, user, grant),
        "form": revoke_form,
    }
    return render(request, "access/request.html", context)


def _deciding(user: User, access_request: AccessRequest) -> dict[str, Any]:
    """Return whether this person may vote now; who voted already, or may not, reads why instead of a way to nowhere."""
    if user.pk == access_request.requester_id or access_request.status != Status.SUBMITTED:
        return {"may_decide": False, "why_not": ""}
    try:
        permissions.check_can_decide(user, access_request)
    except NotAllowed as reason:
        return {"may_decide": False, "why_not": str(reason)}
    return {"may_decide": True, "why_not": ""}


@require_GET
def letter(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Hand over the official letter as the file it is, never to be shown inside a page."""
    newest = _visible(request, pk).current_letters.last()
    if newest is None:
        raise Http404
    name, content = actions.read_letter(newest)
    response = HttpResponse(content, content_type=newest.media_type)
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    return response


@dataclass
class Asked:
    """A person asked about as pages show them, with what is known of name and number, and where to correct them."""

    name: str
    document_type: str
    number: str
    said: population.Said | None = None
    correct: str = ""


def facts_of(access_request: AccessRequest, reader: User) -> dict[str, Any]:
    """Return what the summary of a request shows; a decider reads it as it was submitted, not as it is being changed."""
    is_mine = reader.pk == access_request.requester_id
    is_draft = is_mine and access_request.is_editable
    particulars = actions.read_particulars(access_request) if is_mine else _as_submitted(access_request)
    return {
        "access_request": access_request,
        "particulars": particulars,
        "people": [Asked(**asdict(person)) for person in particulars.people]
        if is_draft or not access_request.round
        else _people(access_request),
        "letter": _letter_of(access_request),
        "applies_case": access_request.basis.gate == Gate.STATE_ORGAN_CASE,
        "scope": scope.of_request(access_request, timezone.localdate()),
    }


def _people(access_request: AccessRequest) -> list[Asked]:
    key, is_granted = actions.key_of(access_request), access_request.status == Status.APPROVED
    return [
        Asked(**asdict(actions.read_person(key, subject)), said=population.said_of(subject, is_granted=is_granted))
        for subject in access_request.current_subjects
    ]


def _as_submitted(access_request: AccessRequest) -> Particulars:
    """Return what was written at the last submission, from the history."""
    version = access_request.history.filter(status=Status.SUBMITTED).order_by("-history_id").first()
    if version is None:
        raise Http404
    key = actions.key_of(access_request)
    return Particulars.from_bytes(key.decrypt(bytes(version.particulars), field="particulars"))


def _letter_of(access_request: AccessRequest | None) -> SimpleNamespace | None:
    """Return name and size of the letter in use, without reading its content."""
    newest = access_request.current_letters.defer("content").last() if access_request else None
    if access_request is None or newest is None:
        return None
    name = actions.key_of(access_request).decrypt(bytes(newest.name), field=f"letter-name:{newest.pk}").decode()
    return SimpleNamespace(name=name, size=newest.size)


def _newest_remark(access_request: AccessRequest | None) -> str:
    """Return what was written when the request came back."""
    if access_request is None or access_request.status != Status.RETURNED:
        return ""
    returned = [one for one in reading.organ_decisions(access_request) if one.outcome == Outcome.RETURN]
    return returned[-1].reason if returned else ""


def timeline(
    access_request: AccessRequest, votes: Iterable[tuple[Decision, str]], grant: Grant | None, *, to: User
) -> list[SimpleNamespace]:
    """Return what happened to a request as far as this reader may know it, oldest first."""
    moves = {
        Status.SUBMITTED: (_("Submitted"), access_request.requester),
        Status.WITHDRAWN: (_("Withdrawn"), access_request.requester),
        Status.LAPSED: (_("Lapsed, because it was not corrected in time"), _("System")),
    }
    said = {
        Outcome.APPROVE: _("Approved in part") if access_request.is_narrowed else _("Approved"),
        Outcome.REFUSE: _("Refused"),
        Outcome.RETURN: _("Returned for correction"),
    }
    is_mine = to.pk == access_request.requester_id
    if is_mine:
        moves[Status.DRAFT] = (_("Draft begun"), access_request.requester)
    items = []
    before: tuple[str, int] | None = None
    moved = access_request.history.order_by("history_id").values_list("status", "round", "history_date")
    for status, round_, at in moved:
        if (status, round_) != before and status in moves:
            what, who = moves[Status(status)]
            items.append(SimpleNamespace(at=at, what=what, who=who, note=""))
        before = (status, round_)
    for vote, reason in votes:
        who = f"{vote.decider} · {vote.decider_organisation}"
        what = _("Vote: %(outcome)s") % {"outcome": vote.get_outcome_display()}
        # Once it is decided, the last reasons stand with the decision.
        is_final = access_request.status in DECIDED and vote.round == access_request.round
        items.append(SimpleNamespace(at=vote.decided_at, what=what, who=who, note="" if is_final else reason))
    for decision in reading.organ_decisions(access_request):
        # To who asked these are all there is: one decision of the organ, and no votes.
        is_final = decision.outcome != Outcome.RETURN
        note = decision.reason if is_mine and not is_final else ""
        items.append(SimpleNamespace(at=decision.at, what=said[decision.outcome], who=str(decision.organ), note=note))
    if grant and (revoked := reading.revocation_of(grant)):
        who = str(revoked.organ or _("System")) if is_mine or not revoked.by else f"{revoked.by} · {revoked.organ}"
        what = _("Permission revoked")
        items.append(SimpleNamespace(at=revoked.at, what=what, who=who, note=revoked.reason))
    return sorted(items, key=lambda item: item.at)


def with_law(rows: AccessRequestQuerySet) -> AccessRequestQuerySet:
    """Fetch with a request what its pages name: units, person, basis and purpose."""
    named = rows.select_related("organisation", "requester__organisation", "basis", "case_purpose", "receiving_organ")
    return named.with_outcome()


def _visible(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> AccessRequest:
    """Return the request if it exists for this person; 404 otherwise."""
    return get_object_or_404(with_law(AccessRequest.objects.visible_to(request.user)), pk=pk)
