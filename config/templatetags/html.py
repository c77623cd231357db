"""What HTML itself asks for; every template has it without loading it (settings.TEMPLATES)."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone

register = template.Library()


@register.filter(expects_localtime=True)
def iso(moment: datetime | None) -> str:
    """Write a moment for `<time datetime>`: HTML takes three digits of a second at most, the database keeps six."""
    return timezone.localtime(moment).isoformat(timespec="seconds") if moment else ""
