"""The oversight pages: what happened, one event with its proof, and whether the trail holds."""

import datetime
import json
import uuid
from typing import Any, cast

from django.contrib import messages
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from audit import (
    alarms,
    checkpoints,
    export,
    fingerprint,
    freshness,
    kinds,
    merkle,
    narrowing,
    reading,
    registers,
    sentences,
    table,
    trail,
)
from audit import verification as verifying
from audit.exceptions import SignerRefused
from audit.forms import AcceptForm, CloseForm, FilterForm
from audit.models import Event, Leaf
from audit.permissions import check_can_oversee, check_can_watch
from audit.trail import Actor
from audit.verify import Unverified, verify_event

PAGE = 50
LOOKED_AT = 20
# As many as a person can go through, and as a page can make while somebody waits.
EXPORTED = 5000
KEY_FORMAT = "%Y%m%dT%H%M%S%f"


@never_cache
@require_GET
def events(request: HttpRequest) -> HttpResponse:
    """List events, newest first, by the place of the last one seen: no totals, no numbered pages."""
    check_can_oversee(request.user)
    form = FilterForm(request.GET)
    narrowed = narrowing.narrow(form.cleaned_data) if form.is_valid() else None
    found = narrowed.events if narrowed else Event.objects.none()
    page = list(_before(found, request.GET.get("before", ""))[: PAGE + 1])
    shown = page[:PAGE]
    lag = freshness.current()
    context = {
        "form": form,
        "chips": _chips(request, form),
        "about": narrowed.about if narrowed else [],
        "chosen": [(name, value) for name, value in request.GET.items() if name in form.fields and value],
        "searched": form.cleaned_data["q"] if narrowed else "",
        "exported": EXPORTED,
        "rows": _rows(shown, lag.signed_size),
        "freshness": lag,
        "last": _last_verification(),
        "older": _query(request, before=_key(shown[-1])) if len(page) > PAGE else None,
        "newest": _query(request) if "before" in request.GET else None,
        "is_filtered": form.is_valid() and any(form.cleaned_data.values()),
    }
    return render(request, "audit/events.html", context)


@never_cache
@require_POST
def export_table(request: HttpRequest) -> HttpResponse:
    """Hand out the newest events that are filtered as a table, once the trail says who took them (Rule 2)."""
    check_can_oversee(request.user)
    form = FilterForm(request.POST)
    if not form.is_valid():
        return redirect("audit:events")
    narrowed = narrowing.narrow(form.cleaned_data)
    taken = list(narrowed.events[: EXPORTED + 1])
    shown = taken[:EXPORTED]
    remark = _("Events in this table: %(rows)d.") % {"rows": len(shown)}
    if len(taken) > EXPORTED:
        remark += " " + _("There are older ones: narrow the filters to get them.")
    text = table.table(shown, remark=remark)
    event_id = _record_export(request, narrowed, form.cleaned_data, len(shown))
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="events-{event_id}.csv"'
    return response


@never_cache
@require_GET
def event(request: HttpRequest, event_id: uuid.UUID) -> HttpResponse:
    """Show one event byte for byte, with its leaf and the proof that the newest checkpoint covers it."""
    check_can_oversee(request.user)
    shown = get_object_or_404(Event.objects.select_related("leaf"), pk=event_id)
    line = sentences.describe([shown])[0]
    canonical = bytes(shown.canonical)
    leaf = _leaf(shown)
    newest = checkpoints.newest_checkpoint()
    is_altered = _is_altered(shown)
    context = {
        "event": shown,
        "kind": sentences.kind(shown),
        "line": line,
        "leaf": leaf,
        "leaf_hash": bytes(leaf.hash).hex() if leaf else None,
        "is_altered": is_altered,
        "finding": alarms.findings([shown])[0] if shown.kind == kinds.ALARM_CLOSED else None,
        "canonical": canonical.decode(errors="backslashreplace"),
        "pretty": _pretty(canonical),
        **_proof(leaf, canonical, newest.note if newest else None),
    }
    return render(request, "audit/event.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
def verification(request: HttpRequest) -> HttpResponse:
    """Show how fresh the log is and what the last verification found; POST verifies now."""
    check_can_oversee(request.user)
    if request.method == "POST":
        result = verifying.verify_and_record(by=cast(Actor, request.user))
        if result.holds:
            messages.success(request, _("The trail holds."))
        return redirect("audit:verification")
    lag = freshness.current()
    context = {
        "freshness": lag,
        "last": _last_verification(),
        "checkpoint": checkpoints.newest_checkpoint(),
        "signed_at": _ago(lag.newest_checkpoint_seconds),
        "verifier_key": _verifier_key(),
        "not_checked": registers.not_checked(),
        "schema": _schema(str(getattr(request.user, "pk", ""))),
    }
    return render(request, "audit/verification.html", context)


@never_cache
@require_POST
def accept(request: HttpRequest) -> HttpResponse:
    """Accept how the database is built now; it counts once two people have, and only for what stood on their screen."""
    check_can_oversee(request.user)
    form = AcceptForm(request.POST)
    user = cast(Actor, request.user)
    if not form.is_valid() or form.cleaned_data["schema"] != fingerprint.current():
        messages.warning(request, _("The database is not built like this any more. Look again before you accept it."))
    elif str(user.pk) not in verifying.acceptors(form.cleaned_data["schema"]):
        verifying.accept_schema(form.cleaned_data["schema"], by=user)
        messages.success(request, _("You have accepted how the database is built now."))
    return redirect("audit:verification")


@never_cache
@require_GET
def alarms_open(request: HttpRequest) -> HttpResponse:
    """Show what is wrong with the trail and what to do, and how the last alarms were closed."""
    check_can_watch(request.user)
    closed = list(Event.objects.filter(kind=kinds.ALARM_CLOSED).order_by("-at", "-id")[:LOOKED_AT])
    lines = {line.event.pk: line for line in sentences.describe(closed)}
    context = {
        "alarms": alarms.open_alarms(),
        "closed": [(lines[one.event.pk], one) for one in alarms.findings(closed)],
        "oversees": getattr(request.user, "may_oversee", False),
    }
    return render(request, "audit/alarms.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
def alarm_close(request: HttpRequest, event_id: uuid.UUID) -> HttpResponse:
    """Ask what was found out about an alarm, and close it with that."""
    check_can_watch(request.user)
    alarm = next((one for one in alarms.open_alarms() if one.event_id == event_id), None)
    form = CloseForm(request.POST or None)
    if alarm is not None and form.is_valid():
        try:
            alarms.close(event_id, by=cast(Actor, request.user), finding=form.cleaned_data["finding"])
        except alarms.NotOpen:
            alarm = None
        else:
            messages.success(request, _("The alarm is closed. The next occurrence is a new alarm."))
            return redirect("audit:alarms")
    if alarm is None:
        messages.warning(request, _("This alarm is not open any more."))
        return redirect("audit:alarms")
    return render(request, "audit/alarm.html", {"alarm": alarm, "form": form})


@transaction.atomic(durable=True)
def _record_export(request: HttpRequest, narrowed: narrowing.Narrowed, chosen: dict[str, Any], rows: int) -> uuid.UUID:
    """Say in the trail who took how many events out of it, and by which filters."""
    moments = {
        name: " ".join(str(part) for part in (chosen[f"day_{end}"], chosen[f"time_{end}"]) if part).replace(" ", "T")
        for name, end in (("first", "from"), ("last", "to"))
    }
    return trail.write(
        kinds.TRAIL_EXPORTED,
        by=cast(Actor, request.user),
        on=None,
        rows=rows,
        of_kind=chosen["kind"],
        of_group=chosen["group"],
        things=narrowed.things,
        first=moments["first"],
        last=moments["last"],
    )


def _schema(user_id: str) -> dict[str, Any] | None:
    """Return how the database is built now and who has accepted it, where that is not what the log began with."""
    try:
        first = verifying.first_schema()
    except SignerRefused:
        return None
    now = fingerprint.current()
    if first in (None, now):
        return None
    accepted = verifying.acceptors(now)
    return {"now": now, "accepted": len(accepted), "needed": verifying.ACCEPTORS, "is_mine": user_id in accepted}


def _ago(seconds: float | None) -> datetime.datetime | None:
    try:
        return None if seconds is None else timezone.now() - datetime.timedelta(seconds=seconds)
    except OverflowError:
        return None


def _key(event: Event) -> str:
    return f"{event.at.astimezone(datetime.UTC).strftime(KEY_FORMAT)}_{event.pk}"


def _before(found: QuerySet[Event], key: str) -> QuerySet[Event]:
    """Keep what is older than the event of the key; a key that is none is left out of account."""
    try:
        moment, _separator, pk = key.partition("_")
        at = datetime.datetime.strptime(moment, KEY_FORMAT).replace(tzinfo=datetime.UTC)
        return found.filter(Q(at__lt=at) | Q(at=at, pk__lt=uuid.UUID(pk)))
    except ValueError:
        return found


def _query(request: HttpRequest, **changes: str | None) -> str:
    """Return this page's address with the filters as they are, and `changes` made."""
    query = request.GET.copy()
    query.pop("before", None)
    for name, value in changes.items():
        query.pop(name, None)
        if value is not None:
            query[name] = value
    return "?" + query.urlencode()


# Filters whose values are codes, and how these read.
_CODES: dict[str, kinds.Words] = {"kind": kinds.labels, "group": narrowing.groups}


def _chips(request: HttpRequest, form: FilterForm) -> list[dict[str, str]]:
    if not form.is_valid():
        return []
    chips = []
    for name, value in form.cleaned_data.items():
        if value:
            words = _CODES[name]({value})[value] if name in _CODES else value
            if isinstance(value, datetime.time):
                words = value.strftime("%H:%M")
            label = _("%(label)s: %(value)s") % {"label": form.fields[name].label, "value": words}
            # A day goes with the time beside it, which means nothing alone.
            gone = {name: None} | ({name.replace("day", "time"): None} if name.startswith("day_") else {})
            chips.append({"label": label, "url": _query(request, **gone)})
    return chips


def _leaf(event: Event) -> Leaf | None:
    return getattr(event, "leaf", None)


def _rows(shown: list[Event], signed_size: int) -> list[dict[str, Any]]:
    rows = []
    for line in sentences.describe(shown):
        leaf = _leaf(line.event)
        rows.append(
            {
                "line": line,
                "index": leaf.index if leaf else None,
                "is_signed": leaf is not None and leaf.index < signed_size,
                "is_altered": _is_altered(line.event),
            }
        )
    return rows


def _is_altered(event: Event) -> bool:
    """Say whether the event is not what was logged, or is listed as what it is not."""
    leaf = _leaf(event)
    return leaf is not None and (
        merkle.leaf_hash(bytes(event.canonical)) != bytes(leaf.hash) or not sentences.is_listed_as_it_is(event)
    )


def _pretty(canonical: bytes) -> str:
    read = reading.content(canonical)
    try:
        return json.dumps(read, indent=2, ensure_ascii=False) if read else canonical.decode(errors="backslashreplace")
    except RecursionError:  # it could just be read, and not be written any more
        return canonical.decode(errors="backslashreplace")


def _proof(leaf: Leaf | None, canonical: bytes, note: str | None) -> dict[str, Any]:
    """Return the proof of an event as text, and whether it leads to the signed root when followed here."""
    proof = export.event_proof(leaf.index, note) if leaf and note else None
    if proof is None:
        return {"proof": None, "proof_holds": False}
    try:
        _index, checkpoint = verify_event(canonical, proof, checkpoints.verifier_key())
    except (Unverified, SignerRefused):
        return {"proof": proof, "proof_holds": False}
    return {"proof": proof, "proof_holds": True, "proof_size": checkpoint.size}


def _verifier_key() -> str | None:
    try:
        return str(checkpoints.verifier_key())
    except SignerRefused:
        return None


def _last_verification() -> dict[str, Any] | None:
    """Return what the newest verification in the trail found; what cannot be read as one is passed over."""
    for last in Event.objects.filter(kind=kinds.TRAIL_VERIFIED).order_by("-at", "-id")[:LOOKED_AT]:
        try:
            outcome = verifying.outcome_of(reading.content(last.canonical))
        except (ValueError, AttributeError):
            continue
        return {"event": last, "outcome": outcome, "line": sentences.describe([last])[0]}
    return None
