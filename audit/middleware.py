"""What the trail adds to every request: refusals are recorded, and without a trail nothing is shown."""

import logging
import uuid
from collections.abc import Callable
from typing import cast

from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils.cache import add_never_cache_headers

from audit import kinds, trail
from audit.exceptions import TrailUnavailable, Unavailable
from audit.trail import Actor

RETRY_SECONDS = 30
NOT_CARRIED = frozenset(
    {"csrfmiddlewaretoken", "password", "password_again", "code", "credential", "new_password", "new_password_again"}
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
logger = logging.getLogger(__name__)


class RecordDenials:
    """Records each 403 of a signed-in person after the view's rollback; answers 503 when the trail is unavailable.

    Refusals of people who are not signed in are stale or forged forms: they name nobody and would flood the trail.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 403 and request.user.is_authenticated:
            try:
                self._record(request)
            except (TrailUnavailable, DatabaseError) as error:
                return self._unavailable(request, error)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer 503 where an event could not be committed or a part is missing; nothing of the page is shown."""
        # Rule 2: nothing is shown unless its event is committed. Rule 12: nor without key, function or connection.
        return self._unavailable(request, exception) if isinstance(exception, Unavailable) else None

    @staticmethod
    def _unavailable(request: HttpRequest, error: Exception) -> HttpResponse:
        logger.error("%s: %s", type(error).__name__, error if isinstance(error, Unavailable) else "the trail")
        return unavailable(request)

    @staticmethod
    def _record(request: HttpRequest) -> None:
        match = request.resolver_match
        target = next((str(value) for value in (match.kwargs.values() if match else ()) if _is_uuid(value)), None)
        with transaction.atomic(durable=True):
            trail.write(
                kinds.DENIED,
                by=cast(Actor, request.user),
                on=("url", target) if target else None,
                view=(match.view_name if match else "") or "unnamed",
                method=request.method if request.method in METHODS else "OTHER",
            )


def unavailable(request: HttpRequest, *, what_to_do: str = "") -> HttpResponse:
    """Return the 503 page, carrying what was typed; it says nothing about its reader and needs no database."""
    context = {
        "carried": carried(request),
        "action": request.get_full_path(),
        "csrf_token": get_token(request),
        "what_to_do": what_to_do,
    }
    response = HttpResponse(render_to_string("503.html", context), status=503)
    response["Retry-After"] = str(RETRY_SECONDS)
    add_never_cache_headers(response)
    return response


def carried(request: HttpRequest) -> list[tuple[str, str]]:
    """Return what was typed into a form, so that a page can send it again; secrets have to be typed again."""
    return [
        (name, value)
        for name, values in (request.POST.lists() if request.method == "POST" else ())
        if name not in NOT_CARRIED
        for value in values
    ]


def _is_uuid(value: object) -> bool:
    if isinstance(value, uuid.UUID):
        return True
    try:
        return str(uuid.UUID(str(value))) == value
    except ValueError:
        return False
