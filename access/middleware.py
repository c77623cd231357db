"""Who is asking: signed in, with a second factor where it is demanded, and without losing what they typed."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from audit.middleware import carried


class LoginRequired(LoginRequiredMiddleware):
    """Ask for a login on every page; a form that was sent after the login expired keeps what was typed."""

    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: Callable[..., Any]
    ) -> HttpResponse:
        if request.method == "POST":
            return resume(request)
        return super().handle_no_permission(request, view_func)


class SecondFactorRequired:
    """Where it is demanded (always in production), let nobody past who has not set up a second factor."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        if not settings.SECOND_FACTOR_REQUIRED or not request.user.is_authenticated:
            return None
        if request.path.startswith("/accounts/") or request.path == "/language/" or is_mfa_enabled(request.user):
            return None
        return redirect("mfa_index")


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose token is stale: offer to send it again when it came from our own pages."""
    from_us = request.headers.get("Origin") == f"{request.scheme}://{request.get_host()}"
    if from_us and request.POST:
        return resume(request)
    return render(request, "403_csrf.html", status=HTTPStatus.FORBIDDEN)


def resume(request: HttpRequest) -> HttpResponse:
    """Show a page that carries what was typed and sends it again after the login; nothing is stored meanwhile."""
    context = {
        "carried": carried(request),
        "action": request.path,
        "signed_in": request.user.is_authenticated,
        "had_files": bool(request.FILES),
    }
    return render(request, "resume.html", context, status=HTTPStatus.CONFLICT)
