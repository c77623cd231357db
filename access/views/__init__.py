"""The pages of this app, one file for each subject."""

from __future__ import annotations

from django.http import HttpRequest

from access.models import User


class AuthenticatedHttpRequest(HttpRequest):
    """What every view here is given: LoginRequired lets nobody else past."""

    user: User
