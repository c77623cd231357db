"""How a record's state and its penalty look, everywhere the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from access.catalogue import category_title
from access.identifiers import mask_number
from access.templatetags.html import tag
from records.models import Offence, SealedRecord, Status, Violation

register = template.Library()

LOOKS: dict[str, tuple[str, str]] = {
    Status.DRAFT: ("grey", "pencil"),
    Status.SUBMITTED: ("blue", "clock"),
    Status.RETURNED: ("amber", "undo-2"),
    Status.CONFIRMED: ("green", "circle-check"),
    Status.SEALED: ("seal", "lock"),
    Status.DISCARDED: ("grey", "archive-x"),
}


class Punished(Protocol):
    """A violation, a shown record or a penalty."""

    warning: bool
    fine_yuan: int
    detention_days: int
    licence_revoked: bool
    exit_order: bool
    deportation: bool


@register.simple_tag
def record_status(violation: Violation | SealedRecord) -> str:
    """Show the state of a record as colour, icon and word."""
    status = violation.status if isinstance(violation, Violation) else Status.SEALED
    return tag(*LOOKS[status], str(Status(status).label))


@register.simple_tag
def section_state(state: str) -> str:
    """Show how far a section of an entry is."""
    looks = {
        "EMPTY": ("grey", "circle", _("Not begun")),
        "OPTIONAL": ("grey", "circle-dashed", _("Optional")),
        "BEGUN": ("blue", "circle-dot", _("Draft begun")),
        "TO_CORRECT": ("amber", "triangle-alert", _("To be corrected")),
        "DONE": ("green", "circle-check", _("Filled in")),
    }
    return tag(*looks[state])


@register.filter
def penalty(punished: Punished) -> str:
    """Say a penalty in words, in the order of Article 10."""
    days, yuan = punished.detention_days, punished.fine_yuan
    parts = [
        (punished.warning, _("warning")),
        (yuan, ngettext("fine of %(yuan)s yuan", "fine of %(yuan)s yuan", yuan) % {"yuan": yuan}),
        (days, ngettext("%(days)s day of detention", "%(days)s days of detention", days) % {"days": days}),
        (punished.licence_revoked, _("licence revoked")),
        (punished.exit_order, _("ordered to leave the country")),
        (punished.deportation, _("deportation")),
    ]
    said = pgettext("between two penalties", ", ").join(text for holds, text in parts if holds)
    return said or _("none entered")


@register.filter
def categories_within(offence: Offence, allowed: Iterable[str]) -> list[str]:
    """Name the categories of an offence as far as a grant covers them; where it covers all, its section in the law."""
    if "*" in allowed:
        return [offence.section_title]
    return [category_title(tag) for tag in offence.tags if tag in set(allowed)]


@register.filter
def masked(number: str) -> str:
    """Show the ends of a number only."""
    return mask_number(number)
