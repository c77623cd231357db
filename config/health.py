"""Whether this process lives (/healthz), and whether it can do its work (/readyz): for machines that watch."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import translation
from django.views.decorators.http import require_safe

from access import vault
from access.exceptions import Unavailable
from audit import freshness
from records import keyservice, upkeep

logger = logging.getLogger(__name__)
# A worker tells the database every ten seconds that it lives.
WORKER_SECONDS = 60
NOT_ASKED = "Not asked, because the database does not answer."


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


def _keys() -> str:
    vault.keyring()
    return ""


def _trail() -> str:
    with translation.override("en"):  # for machines, and for who reads their alarms
        return " ".join(freshness.current().sentences)


def _worker() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM procrastinate_workers"
            " WHERE last_heartbeat > clock_timestamp() - make_interval(secs => %s))",
            [WORKER_SECONDS],
        )
        return "" if cursor.fetchone()[0] else "No worker has reported for a minute. Start one: manage.py worker"


def _sealed() -> str:
    keyservice.check([])
    return ""


def _upkeep() -> str:
    with translation.override("en"):
        return " ".join(upkeep.sentences())


# What a page needs, in the order in which it is asked: a name for /readyz and the metrics, and a function that returns
# a sentence about what is wrong, or nothing. A new part of the system is one more line.
CHECKS: dict[str, Callable[[], str]] = {
    "database": _database,
    "keys": _keys,
    "sealed connection": _sealed,
    "upkeep": _upkeep,
    "trail": _trail,
    "worker": _worker,
}


def troubles() -> dict[str, str]:
    """Return what is wrong, by the name of the check; nothing where nothing is."""
    found: dict[str, str] = {}
    for name, check in CHECKS.items():
        if found.get("database"):
            found[name] = NOT_ASKED
            continue
        try:
            found[name] = check()
        except DatabaseError:
            connection.close()
            found[name] = "The database does not answer."
        except (vault.VaultError, Unavailable) as error:
            logger.error("%s", error)  # our own sentence, which names the file: not for everybody who asks
            found[name] = "This cannot be used. The server log says what to put right."
    return found


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Say that this process answers; it asks nobody else, so that trouble elsewhere restarts nothing."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Say whether everything that a page needs is there, and name what is not."""
    found = troubles()
    body: dict[str, Any] = {
        "ready": not any(found.values()),
        "checks": {name: text or "ok" for name, text in found.items()},
    }
    return JsonResponse(body, status=200 if body["ready"] else 503)
