"""The frame of every page: where this person may go, what waits there, and what everybody should know."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from access import shell as access_shell
from access.duties import Duty, kinds_held
from access.models import User, WorkingDay
from access.shell import NavItem
from records import shell as records_shell

# How long before a year begins its calendar is missed.
CALENDAR_AHEAD = timedelta(days=45)


def shell(request: HttpRequest) -> dict[str, Any]:
    """Add the navigation and notices for who is signed in; error pages without a session get none."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    return {"nav": navigation(user, request.path), "notices": notices()}


def navigation(user: User, path: str) -> list[NavItem]:
    """Return this person's pages by the duties they hold, with the one they are on marked."""
    items = [NavItem("desk", _("Desk"), "layout-dashboard", key="d", url=reverse("desk"))]
    held = kinds_held(user)
    items += records_shell.navigation(user, held)
    items += access_shell.navigation(user, held)
    if Duty.OVERSEE in held:
        items.append(NavItem("audit:events", _("Trail"), "scroll-text", key="a", url=reverse("audit:events")))
    on_path = [item for item in items if path == item.url or (item.url != "/" and path.startswith(item.url))]
    current = max(on_path, key=lambda item: len(item.url), default=None)
    return [replace(item, current=item is current) for item in items]


def notices() -> list[str]:
    """Say which year's working days are not confirmed yet; deadlines then count Monday to Friday."""
    year = (timezone.localdate() + CALENDAR_AHEAD).year
    if WorkingDay.objects.filter(day=f"{year}-12-31").exists():
        return []
    return [
        _(
            "The working days of %(year)s are not confirmed yet. Deadlines in that year count Monday to Friday until they are loaded."
        )
        % {"year": year}
    ]
