"""The frame of every page: where this person may go, what waits there, and what everybody should know."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from access import frame as frames
from access import shell as access_shell
from access import typed
from access.frame import Frame
from access.models.duty import Duty
from access.shell import NavItem
from records import shell as records_shell


def language(request: HttpRequest) -> dict[str, Any]:
    """Add where the language button leads, and what was typed on this page, sealed for who typed it.

    An address that only takes a form leads to the page of the form (`access.views.page_at`).
    """
    if request.method == "GET":
        return {"here": request.get_full_path(), "is_typed": typed.shown() is not None}
    page = getattr(request, "page", None)
    match = request.resolver_match
    if page is None and match is not None and (name := getattr(match.func, "page_at", None)):
        page = reverse(name, kwargs=match.kwargs)
    user = getattr(request, "user", None)
    kept = typed.seal(request) if user is not None and user.is_authenticated and request.method == "POST" else None
    return {"here": page or request.path, "typed_here": kept}


def shell(request: HttpRequest) -> dict[str, Any]:
    """Add the navigation and notices for who is signed in; error pages without a session get none.

    All of it was read in one statement, together with who is asking (access/frame.py).
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    frame = frames.of(user)
    return {
        "nav": tuple(navigation(frame, request.path)),
        "notices": access_shell.notices(frame, user),
        "session_left": request.session.seconds_left,  # type: ignore[attr-defined]
        "session_warning": settings.SESSION_WARNING_SECONDS,
        "session_who": typed.writer(user),
    }


def navigation(frame: Frame, path: str) -> list[NavItem]:
    """Return this person's pages by the duties they hold, with the one they are on marked."""
    items = [NavItem("desk", _("Desk"), "layout-dashboard", key="d", url=access_shell.address("desk"))]
    items += records_shell.navigation(frame)
    items += access_shell.navigation(frame)
    if Duty.OVERSEE in frame.held:
        items.append(
            NavItem("audit:events", _("Trail"), "scroll-text", key="a", url=access_shell.address("audit:events"))
        )
    on_path = [item for item in items if path == item.url or (item.url != "/" and path.startswith(item.url))]
    current = max(on_path, key=lambda item: len(item.url), default=None)
    return [replace(item, current=item is current) for item in items]
