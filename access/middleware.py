"""Who is asking and how much: bounded, signed in, with a second factor where it is demanded, and without losing what they typed."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve
from django.utils import translation
from django.utils.translation import gettext as _

from access import typed
from access.sessions import SessionStore


class Sessions(SessionMiddleware):
    """Django's, which also tells the session where the request comes from."""

    def process_request(self, request: HttpRequest) -> None:
        """Begin the session of a request, which knows from where and by which browser it is used."""
        super().process_request(request)
        assert isinstance(request.session, SessionStore)  # noqa: S101 - tells the type
        request.session.belongs_to(request)


# What a form without a file may have, around its text (settings.DATA_UPLOAD_MAX_MEMORY_SIZE).
ENVELOPE = 512 * 1024


class Bounded:
    """Refuse what is too large before any of it is read, and keep files only of people who are signed in.

    A letter of twice the limit still gets the sentence beside its field; it is measured and not kept.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or ""
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE + ENVELOPE
        if length.isascii() and length.isdigit() and int(length[:15]) > limit:
            if _takes_a_file(request):
                limit += 2 * settings.LETTER_MAX_BYTES
            if int(length[:15]) > limit:
                with translation.override(translation.get_language_from_request(request)):
                    page = render_to_string("413.html", {"megabytes": settings.LETTER_MAX_MEGABYTES})
                return HttpResponse(page, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """Keep an uploaded file only where the page takes one and somebody is signed in."""
        # Before the CSRF check, which reads the body; asking who it is reads the session only where it matters.
        wants = request.method == "POST" and getattr(view, "takes_a_file", False)
        request.keeps_files = wants and request.user.is_authenticated  # type: ignore[attr-defined]


def _takes_a_file(request: HttpRequest) -> bool:
    try:
        return getattr(resolve(request.path_info).func, "takes_a_file", False)
    except Resolver404:
        return False


class LoginRequired(LoginRequiredMiddleware):
    """Ask for a login on every page; a form that was sent after the session ended keeps what was typed."""

    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: Callable[..., Any]
    ) -> HttpResponse:
        """Send to the login, or keep what was typed until its writer has signed in again."""
        if request.method == "POST":
            return resume(request)
        if request.session.is_over:  # type: ignore[attr-defined]
            messages.info(
                request, _("Your session has ended, because time was over or somebody ended it. Sign in again.")
            )
        return super().handle_no_permission(request, view_func)


class SecondFactorRequired:
    """Where it is demanded (always in production), let nobody past who has not set up a second factor."""

    # Setting one up, proving who one is for that, and leaving.
    WITHOUT = ("/accounts/", "/language/", "/security/", "/identity/change/", "/session/")

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Send whoever has no second factor yet to where they set one up, and nowhere else."""
        if not settings.SECOND_FACTOR_REQUIRED or not request.user.is_authenticated:
            return None
        if request.path.startswith(self.WITHOUT) or is_mfa_enabled(request.user):
            return None
        return redirect("access:security")


class TypedBySomebody:
    """Let a form be sent only by who typed in it; what was kept over a new sign-in is opened for its writer alone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            return self.get_response(request)
        finally:
            typed.forget()

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Take a form only from who wrote it: another person at the same browser finds it kept for its writer."""
        if request.method != "POST" or not request.user.is_authenticated or getattr(view, "passes_on", False):
            return None
        is_to_show = typed.SHOW in request.POST
        if kept := request.POST.get(typed.KEPT):
            values = typed.unseal(kept, request.user)
            if values is None:
                return resume(request)
            request.POST = values  # type: ignore[assignment]
        elif (token := request.POST.get(typed.WRITER)) and not typed.is_written_by(token, request.user):
            return resume(request)
        if is_to_show or typed.SHOW in request.POST:
            # The page itself is asked for, with what was typed in its forms: nothing is done with it.
            typed.show(request)
            request.method = request.META["REQUEST_METHOD"] = "GET"
            request.POST = QueryDict()
        return None


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose token is stale: offer to send it again when it came from our own pages."""
    from_us = request.headers.get("Origin") == f"{request.scheme}://{request.get_host()}"
    if from_us and request.POST:
        return resume(request)
    return render(request, "403_csrf.html", status=HTTPStatus.FORBIDDEN)


def resume(request: HttpRequest) -> HttpResponse:
    """Show a page that carries what was typed, sealed for who typed it, and sends it again after they have signed in.

    Nothing is stored meanwhile. Whoever else is signed in is told that it is not theirs; the page shows nothing of it.
    """
    kept, token = typed.seal(request), request.POST.get(typed.WRITER, "")
    is_foreign = request.user.is_authenticated and (
        typed.unseal(kept, request.user) is None
        if kept
        else bool(token) and not typed.is_written_by(token, request.user)
    )
    context = {
        "kept": kept,
        "field": typed.KEPT,
        "action": request.path,
        "signed_in": request.user.is_authenticated,
        "is_foreign": is_foreign,
        "had_files": bool(request.FILES),
    }
    return render(request, "resume.html", context, status=HTTPStatus.CONFLICT)
