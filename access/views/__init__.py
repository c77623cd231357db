"""The pages of this app, one file for each subject."""

from __future__ import annotations

from django.http import HttpRequest

from access.models import User


class AuthenticatedHttpRequest(HttpRequest):
    """What every view here is given: LoginRequired lets nobody else past."""

    user: User


def session_key(request: HttpRequest) -> str:
    """Return the key of this session, which actions turn into its digest; nothing keeps it."""
    return request.session.session_key or ""
