"""How a record's state and its penalty look, everywhere the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container
from functools import cache
from typing import Protocol

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from access.catalogue import category_title
from access.identifiers import mask_number
from access.templatetags.html import tag
from records import catalogue
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


# The categories that are whole sections of Chapter 3.
SECTIONS = frozenset({"PUBLIC_ORDER", "PUBLIC_SAFETY", "PERSON", "PROPERTY", "SOCIAL_ADMIN"})


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
def categories_within(offence: Offence, allowed: Container[str]) -> list[str]:
    """Name the narrowest categories of an offence that a grant covers, and none that it does not cover.

    Beside gambling, "obstructing social administration" tells a judge nothing.
    """
    covered = [category for category in offence.tags if "*" in allowed or category in allowed]
    narrow = [category for category in covered if category not in SECTIONS] or covered
    offences = _offences_by_category()
    return [category_title(one) for one in narrow if not any(offences[other] < offences[one] for other in narrow)]


@cache
def _offences_by_category() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for row in catalogue.offences():
        for category in row["tags"]:
            found[category].add(row["code"])
    return defaultdict(frozenset, {category: frozenset(codes) for category, codes in found.items()})


@register.filter
def masked(number: str) -> str:
    """Show the ends of a number only."""
    return mask_number(number)
