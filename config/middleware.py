"""What holds for every answer: nothing is stored by browsers, and a lost database loses nothing that was typed."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.views import defaults

from audit.middleware import unavailable

logger = logging.getLogger(__name__)
Handler = Callable[[HttpRequest], HttpResponse]


class DatabaseDown:
    """Answer 503 with a plain page that carries what was typed, when a view cannot reach the database."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, (OperationalError, InterfaceError)):
            return None
        logger.error("The database cannot be reached: %s", type(error).__name__)
        return unavailable(request)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer what no view and no middleware caught: 503 when it is the database (sessions are read before any view)."""
    error = sys.exc_info()[1]
    if isinstance(error, (OperationalError, InterfaceError)):
        return unavailable(request)
    return defaults.server_error(request)


class NeverStore:
    """Forbid every cache and browser to keep a page; static files are served before this and may be kept."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers["Cache-Control"] = "no-store, private"
        return response
