"""What every form may need, at the bottom where every app may import it."""

from __future__ import annotations

from datetime import date, time
from typing import Any

from django import forms


class DayInput(forms.DateInput):
    """The browser's own calendar; what is no day is shown again as the text that it is, or it would be lost."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs={"type": "date", **(attrs or {})}, format="%Y-%m-%d")

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Show what is no day as the text that was typed: a date field of a browser would drop it."""
        context = super().get_context(name, value, attrs)
        if not _is_day(context["widget"]["value"]):
            context["widget"]["type"] = "text"
        return context


class TimeInput(forms.TimeInput):
    """The browser's own clock, to the minute; what is no time is shown again as the text that it is."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs={"type": "time", **(attrs or {})}, format="%H:%M")

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Show what is no time as the text that was typed: a time field of a browser would drop it."""
        context = super().get_context(name, value, attrs)
        if not _is_time(context["widget"]["value"]):
            context["widget"]["type"] = "text"
        return context


def _is_time(text: str | None) -> bool:
    try:
        return not text or (len(text) in (5, 8) and time.fromisoformat(text) is not None)
    except ValueError:
        return False


def _is_day(text: str | None) -> bool:
    try:
        return not text or (len(text) == 10 and bool(date.fromisoformat(text)))
    except ValueError:
        return False
