"""One client of the benchmark, a process of its own: gets ready, and opens answers whenever it is told for how long."""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg

from tests.bench import web
from tests.bench.register import SESSION, Client
from tests.bench.statements import Replay, recorded

WARM_UP_SECONDS = 2
Operation = Callable[[], None]


@contextmanager
def door(client: Client) -> Iterator[Operation]:
    """Yield what opens the client's answers in this process, one grant after the other."""
    from access.models import Grant, RequestSubject, User
    from records import disclosure

    # As in a request: the session has brought the person, and the view the grant.
    by = User.objects.select_related("organisation").get(username=client.username)
    grants = Grant.objects.select_related("access_request", "basis")
    openings = [(grants.get(pk=grant), RequestSubject.objects.get(pk=subject)) for grant, subject in client.openings]
    turns = itertools.cycle(openings)

    def open_next() -> None:
        grant, subject = next(turns)
        answer = disclosure.open_answer(grant, subject, by=by, session_key=SESSION, token=uuid.uuid4())
        if not answer.records[0].particulars["name"]:
            raise SystemExit("An answer came without its particulars; nothing was measured.")

    yield open_next


@contextmanager
def statements(client: Client) -> Iterator[Operation]:
    """Yield what sends the statements of the client's openings with psycopg as it comes: no Django, no keys."""
    from django.db import connection

    from access.models import Grant, Opening, RequestSubject, User
    from records import disclosure

    by = User.objects.select_related("organisation").get(username=client.username)
    replays = []
    for grant_id, subject_id in client.openings * 2:  # the first round warms the caches up and is not kept
        grant = Grant.objects.select_related("access_request", "basis").get(pk=grant_id)
        subject = RequestSubject.objects.get(pk=subject_id)
        token = uuid.uuid4()
        with recorded() as sent:
            answer = disclosure.open_answer(grant, subject, by=by, session_key=SESSION, token=token)
        opening = Opening.objects.get(token=token)
        replays.append(Replay(sent, token=token, opening=opening.pk, event=answer.event, at=answer.opened_at))
    connection.close()
    turns = itertools.cycle(replays[len(client.openings) :])
    # Outside a transaction psycopg must not begin one: the recorded statements say where each begins and ends.
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as bare:

        def send_next() -> None:
            if not next(turns).send(bare, datetime.now(UTC)):
                raise SystemExit("The recorded statements brought no rows; nothing was measured.")

        yield send_next


@contextmanager
def page(client: Client) -> Iterator[Operation]:
    """Yield what opens the client's answers as a browser does: the pause with its form, then the form sent."""
    with web.signed_in(os.environ["BENCH_ADDRESS"], client) as browser:
        turns = itertools.cycle(client.openings)
        yield lambda: browser.open_answer(*next(turns))


MEASURED = {"statements": statements, "door": door, "page": page}


def main(what: str, client: Client) -> None:
    """Measure for so many seconds as each line that comes in says; a line of JSON goes out for each."""
    with MEASURED[what](client) as operation:
        _repeat(operation, WARM_UP_SECONDS)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        for seconds in sys.stdin:
            sys.stdout.write(json.dumps(_repeat(operation, float(seconds))) + "\n")
            sys.stdout.flush()


def _repeat(operation: Operation, seconds: float) -> list[float]:
    """Call it for so long, one call after the other; return how long each took, in milliseconds."""
    taken = []
    end = time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        operation()
        taken.append((time.perf_counter() - start) * 1000)
    return taken


if __name__ == "__main__":
    import django

    django.setup()
    main(sys.argv[1], Client(**json.loads(sys.argv[2])))
