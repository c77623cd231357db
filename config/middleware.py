"""What holds for every answer: one line in the log, nothing stored by browsers, and nothing lost that was typed."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from access.vault import KeyUnavailable
from audit.middleware import unavailable
from config import logs, metrics

logger = logging.getLogger(__name__)
Handler = Callable[[HttpRequest], HttpResponse]
# Asked every few seconds by machines.
PROBES = frozenset({"healthz", "readyz"})


class OneLine:
    """Write one line for one request, whatever failed in it, and count it; the outermost of all."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Without a proxy that sets it, the header is whatever a stranger writes.
        given = request.headers.get("X-Request-ID", "") if settings.SECURE_PROXY_SSL_HEADER else ""
        with logs.request_line(given) as line:
            response = self.get_response(request)
            route = _route(request)
            metrics.count(route=route, status=response.status_code, seconds=line.seconds)
            line.write(
                status=response.status_code,
                route=route,
                method=request.method if request.method in metrics.METHODS else "OTHER",
                is_quiet=route in PROBES or route == "static",
            )
        return response


def _route(request: HttpRequest) -> str:
    """Return the name of the address: paths hold numbers of people's matters, names of addresses do not."""
    if request.resolver_match:
        return request.resolver_match.view_name or "unnamed"
    return "static" if request.path_info.startswith(settings.STATIC_URL) else "none"


class Unavailable:
    """Answer 503 with a plain page that carries what was typed, when a view cannot reach the database or the keys."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer 503 with what to do where a part of the system is missing."""
        return _said(request, error)


def _said(request: HttpRequest, error: BaseException | None) -> HttpResponse | None:
    """Return the page that says what is out of reach and what to do, if that is what the error is about."""
    if isinstance(error, KeyUnavailable):
        # Our own sentence, which names the file and what to do with it.
        logger.error("The keys cannot be used. %s", error, exc_info=error)
        return unavailable(
            request,
            what_to_do=_(
                "The keys of the records cannot be read on this server. Tell whoever runs it: its log says what to put right."
            ),
        )
    if isinstance(error, (OperationalError, InterfaceError)):
        logger.error("The database cannot be reached.", exc_info=error)
        return unavailable(request)
    return None


def unreadable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400 without a second look at what could not be read, which Django's own view takes for its token."""
    return HttpResponse(render_to_string("400.html"), status=400)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer what no view and no middleware caught: 503 when it is the database (sessions are read before any view)."""
    return _said(request, sys.exc_info()[1]) or HttpResponse(
        render_to_string("500.html", {"error_number": logs.request_id()}), status=500
    )


class NeverStore:
    """Forbid every cache and browser to keep a page; static files are served before this and may be kept."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers["Cache-Control"] = "no-store, private"
        return response
