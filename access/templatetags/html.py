"""What the templates of every page are made of; every template has it without loading it (settings.TEMPLATES)."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime
from functools import lru_cache

from django import template
from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import get_language, gettext, ngettext
from lucide.templatetags.lucide import lucide

register = template.Library()


@register.filter(expects_localtime=True)
def iso(moment: datetime | None) -> str:
    """Write a moment for `<time datetime>`: HTML takes three digits of a second at most, the database keeps six."""
    return timezone.localtime(moment).isoformat(timespec="seconds") if moment else ""


@register.filter
def left_from(moment: datetime, now: datetime) -> str:
    """Say how long it is until then: days and hours, or hours and minutes."""
    minutes = max(0, int((moment - now).total_seconds()) // 60)
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        larger = ngettext("%(days)d day", "%(days)d days", days) % {"days": days}
        smaller = ngettext("%(hours)d hour", "%(hours)d hours", hours) % {"hours": hours} if hours else ""
    else:
        larger = ngettext("%(hours)d hour", "%(hours)d hours", hours) % {"hours": hours} if hours else ""
        minutes %= 60
        smaller = ngettext("%(minutes)d minute", "%(minutes)d minutes", minutes) % {"minutes": minutes}
    if larger and smaller:
        return gettext("%(larger)s %(smaller)s") % {"larger": larger, "smaller": smaller}
    return larger or smaller


@register.simple_tag
def icon(name: str, size: int = 18) -> str:
    """Draw an icon beside words that say the same; it is silent for screen readers."""
    return _icon(str(name), size)


@lru_cache(maxsize=512)
def _icon(name: str, size: int) -> str:
    # The library parses and writes XML for every icon, and a page has a dozen.
    drawn: str = lucide(name, size=size, aria_hidden="true")
    return drawn


@register.simple_tag
def tag(tone: str, icon_name: str, label: str) -> str:
    """Show a state as colour, icon and word."""
    return format_html('<span class="tag tag-{}">{}{}</span>', tone, _icon(str(icon_name), 14), label)


@register.simple_tag
def piece(name: str, **arguments: Hashable) -> str:
    """Include a template that says the same whenever its arguments and the reader's language are the same.

    It is rendered once for each and stays in memory: its arguments are words of this program, and never a person's.
    """
    render = _piece.__wrapped__ if settings.DEBUG else _piece
    return render(str(name), get_language(), tuple(arguments.items()))


@lru_cache(maxsize=1024)
def _piece(name: str, language: str | None, arguments: tuple[tuple[str, Hashable], ...]) -> str:
    return render_to_string(f"components/{name}.html", dict(arguments))
