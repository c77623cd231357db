"""The pages of this app, one file for each subject."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from access.models import User

View = Callable[..., HttpResponse]


class AuthenticatedHttpRequest(HttpRequest):
    """What every view here is given: LoginRequired lets nobody else past."""

    user: User


def page_at(name: str) -> Callable[[View], View]:
    """Mark a view that only takes a form with the page that shows the form, which has the same arguments.

    What answers the form may be that page with its errors; whoever chooses another language there is led to it.
    """

    def mark(view: View) -> View:
        view.page_at = name  # type: ignore[attr-defined]
        return view

    return mark


def session_key(request: HttpRequest) -> str:
    """Return the key of this session, which actions turn into its digest; nothing keeps it."""
    return request.session.session_key or ""
