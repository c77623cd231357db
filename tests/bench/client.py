"""One client of the benchmark, a process of its own: gets ready, and works whenever it is told for how long.

python -m tests.bench.client insert,first,whole '<the client as JSON>'
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import psycopg

from tests.bench import web
from tests.bench.register import SESSION, Client

WARM_UP_SECONDS = 3
# Of each kind in turn, so that whatever else the machine does meets all of them.
IN_TURN = 10
Operation = Callable[[], object]


@contextmanager
def insert(client: Client) -> Iterator[Operation]:
    """Yield the baseline: one prepared, durable insert of one row into a plain table."""
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True, prepare_threshold=0) as connection:
        connection.execute("create table if not exists public.bench_plain (id uuid primary key, body bytea not null)")
        body = os.urandom(400)
        yield lambda: connection.execute("insert into public.bench_plain values (%s, %s)", [uuid.uuid4(), body])


@contextmanager
def first(client: Client) -> Iterator[Operation]:
    """Yield the first step alone: every check, the count and the event."""
    from access.actions import opening

    by, openings = _openings(client)

    def open_next() -> None:
        grant, subject = next(openings)
        opening.open_grant(grant, [subject], by=by, session_key=SESSION, token=uuid.uuid4())

    yield open_next


@contextmanager
def whole(client: Client) -> Iterator[Operation]:
    """Yield an opening from beginning to end at rung FULL, decryption included."""
    from records import disclosure

    by, openings = _openings(client)

    def open_next() -> None:
        grant, subject = next(openings)
        answer = disclosure.open_answer(grant, subject, by=by, session_key=SESSION, token=uuid.uuid4())
        if not answer.records[0].particulars["name"]:
            raise SystemExit("An answer came without its particulars; nothing was measured.")

    yield open_next


@contextmanager
def page(client: Client) -> Iterator[Operation]:
    """Yield what opens the client's answers as a browser does: the pause with its form, then the form sent."""
    with web.signed_in(os.environ["BENCH_ADDRESS"], client) as browser:
        turns = itertools.cycle(client.openings)
        yield lambda: browser.open_answer(*next(turns))


def _openings(client: Client) -> tuple:
    from access.models import Grant, RequestSubject, User

    # As in a request: the session has brought the person, and the view the grant.
    by = User.objects.select_related("organisation").get(username=client.username)
    grants = {str(grant.pk): grant for grant in Grant.objects.select_related("access_request", "basis")}
    subjects = {str(pk): subject for pk, subject in RequestSubject.objects.in_bulk().items()}
    return by, itertools.cycle([(grants[grant], subjects[subject]) for grant, subject in client.openings])


MEASURED = {"insert": insert, "first": first, "whole": whole, "page": page}


def main(names: list[str], client: Client) -> None:
    """Measure for so many seconds as each line that comes in says; a line of JSON goes out for each."""
    with ExitStack() as stack:
        operations = {name: stack.enter_context(MEASURED[name](client)) for name in names}
        _repeat(operations, WARM_UP_SECONDS)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        for seconds in sys.stdin:
            sys.stdout.write(json.dumps(_repeat(operations, float(seconds))) + "\n")
            sys.stdout.flush()


def _repeat(operations: dict[str, Operation], seconds: float) -> dict[str, list[float]]:
    """Call them in turns for so long, one call after the other; return how long each took, in milliseconds."""
    taken: dict[str, list[float]] = {name: [] for name in operations}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, operation in operations.items():
            for _ in range(IN_TURN):
                start = time.perf_counter()
                operation()
                taken[name].append((time.perf_counter() - start) * 1000)
    return taken


if __name__ == "__main__":
    import django

    django.setup()
    main(sys.argv[1].split(","), Client(**json.loads(sys.argv[2])))
