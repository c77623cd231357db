"""How a request and what it names look, everywhere the same."""

from __future__ import annotations

from datetime import date

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _

from access import scope
from access.catalogue import category_title
from access.identifiers import DocumentType, year_of_decision
from access.models import AccessRequest, CasePurpose
from access.models.requests import Status
from access.shell import Due
from access.templatetags.html import iso, tag

register = template.Library()

DUE_ICONS = {"seal": "alarm-clock", "amber": "hourglass"}

LOOKS: dict[str, tuple[str, str]] = {
    Status.DRAFT: ("grey", "pencil"),
    Status.SUBMITTED: ("blue", "clock"),
    Status.RETURNED: ("amber", "undo-2"),
    Status.APPROVED: ("green", "circle-check"),
    Status.REFUSED: ("grey", "circle-x"),
    Status.WITHDRAWN: ("grey", "rotate-ccw"),
    Status.LAPSED: ("grey", "timer-off"),
}


@register.simple_tag
def request_status(access_request: AccessRequest) -> str:
    """Show the state of a request as colour, icon and word: "approved" alone only where it was, as asked, and still is."""
    if access_request.revoked_at:
        return tag("seal", "ban", _("Revoked"))
    return decision_tag(access_request)


@register.simple_tag
def decision_tag(access_request: AccessRequest) -> str:
    """Show what was decided, whatever came of it afterwards; nothing that is over is green."""
    tone, icon_name, label = *LOOKS[access_request.status], access_request.get_status_display()
    if access_request.status == Status.APPROVED and access_request.is_narrowed:
        tone, icon_name, label = "amber", "circle-minus", _("Approved in part")
    return tag("grey" if access_request.revoked_at else tone, icon_name, label)


@register.simple_tag
def due(deadline: Due | None) -> str:
    """Show how long there is, and until when; nothing where no clock runs."""
    if not deadline:
        return ""
    moment = timezone.localtime(deadline.at)
    return format_html(
        '<span class="due">{} <time class="number small" datetime="{}">{}</time></span>',
        tag(deadline.tone, DUE_ICONS.get(deadline.tone, "clock"), deadline.label),
        iso(moment),
        f"{moment:%m-%d %H:%M}",
    )


@register.filter
def grouped(number: str) -> str:
    """Write an identity number in groups of 6, 8 and 4, as people read it aloud."""
    return f"{number[:6]} {number[6:14]} {number[14:]}" if len(number) == 18 else number


@register.filter
def document_title(code: str) -> str:
    """Return a kind of document in the reader's language."""
    return str(DocumentType(code).label)


@register.filter
def names_other_year(decision_number: str, day: date | None) -> bool:
    """Say whether a decision number names another year than the day of the decision."""
    year = year_of_decision(decision_number)
    return None not in (year, day) and year != day.year  # type: ignore[union-attr]


@register.filter
def category_name(code: str) -> str:
    """Return a category of offences in the reader's language."""
    return category_title(code)


@register.filter
def limits(purpose: CasePurpose) -> list[str]:
    """Say how a case purpose limits an answer."""
    return scope.of_purpose(purpose)
