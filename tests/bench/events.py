"""Events a second through `audit_write`, over an insert of the same bytes into the trail by its owner (same triggers)."""

from __future__ import annotations

import json
import os
import time
import uuid

import psycopg

GOAL = 0.7
ROUNDS = 12
EVENTS = 400
ACTOR, UNIT = uuid.uuid4(), "310101000001"
WRITE = "select public.audit_write('VIOLATION_EDITED', %s, %s, 'records.violation', %s, %s::jsonb)"
INSERT = "insert into public.audit_event (id, canonical) values (%s, %s)"


def measured() -> str:
    """Write events both ways in turns; return lines of the report."""
    lines = []
    with (
        psycopg.connect(os.environ["DATABASE_URL"], autocommit=True, prepare_threshold=0) as app,
        psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True, prepare_threshold=0) as owner,
    ):
        for size, words in ((1, "one event a transaction"), (100, "100 events a transaction")):
            spent = [0.0, 0.0]
            for number in range(ROUNDS + 1):
                taken = [_timed(app, WRITE, _calls(), size), _timed(owner, INSERT, _same_bytes(app), size)]
                if number:  # the first round warms up
                    spent = [a + b for a, b in zip(spent, taken, strict=True)]
            rates = [ROUNDS * EVENTS / each for each in spent]
            lines.append(
                f"| audit_write over the owner's insert, {words} | {rates[0] / rates[1]:.2f}"
                f" ({rates[0]:,.0f} and {rates[1]:,.0f} events/s) | >= {GOAL} |"
            )
    return "\n".join(lines)


def _calls() -> list[list[object]]:
    return [[ACTOR, UNIT, str(uuid.uuid4()), json.dumps({"co_officer": str(uuid.uuid4())})] for _ in range(EVENTS)]


def _same_bytes(connection: psycopg.Connection) -> list[list[object]]:
    """The bytes of the events that were written last, with ids of their own."""
    rows = connection.execute("select id, canonical from audit_event order by at desc limit %s", [EVENTS]).fetchall()
    fresh = [(old, uuid.uuid4(), canonical) for old, canonical in rows]
    return [[new, canonical.replace(str(old).encode(), str(new).encode())] for old, new, canonical in fresh]


def _timed(connection: psycopg.Connection, statement: str, calls: list[list[object]], size: int) -> float:
    began = time.perf_counter()
    with connection.cursor() as cursor:
        if size == 1:
            for values in calls:
                cursor.execute(statement, values)
        else:
            for start in range(0, len(calls), size):
                with connection.transaction():
                    for values in calls[start : start + size]:
                        cursor.execute(statement, values)
    return time.perf_counter() - began


if __name__ == "__main__":
    import sys

    sys.stdout.write(measured() + "\n")
