"""How fast a sealed answer opens, beside the least it could cost; run it with `make bench`.

    python -m tests.bench [--sizes 10000,1000000] [--clients 1,8] [--seconds 10]

In one run, on a server that keeps every promise to the disk, it measures the statements of an opening sent by bare
psycopg, the door called in a process, and the whole page over HTTP, and writes .data/bench/results.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

import psycopg
from psycopg.conninfo import make_conninfo

from config import database
from tests.bench import register, web
from tests.bench.register import DATA_DIR, ROOT, Client

TURNS = 5
NAMES = {"statements": "(a) bare psycopg", "door": "(b) the door", "page": "(c) the page"}


@dataclass(frozen=True)
class Result:
    records: int
    clients: int
    what: str
    milliseconds: list[float]
    rate: float

    @property
    def median(self) -> float:
        return statistics.median(self.milliseconds)

    @property
    def p99(self) -> float:
        return statistics.quantiles(self.milliseconds, n=100)[98]


def main() -> None:
    options = _options()
    started, load = time.monotonic(), os.getloadavg()[0]
    superuser = register.server()
    try:
        people = _people(superuser, max(options.clients))
        results, parts = [], ""
        for records in options.sizes:
            _say(f"Loading a register of {records:,} sealed records ...")
            with register.register(superuser, records) as name:
                environment = register.environment(superuser, name)
                with web.gunicorn(environment) as address:
                    environment["BENCH_ADDRESS"] = address
                    for clients in options.clients:
                        for result in _measure(records, people[:clients], environment, options.seconds):
                            results.append(result)
                            _say(_row(result, results))
                if records == options.sizes[-1]:
                    parts = _run("tests.bench.parts", json.dumps(asdict(people[0])), environment=environment)
        end = f"The load before was {load:.1f}; the whole run took {(time.monotonic() - started) / 60:.1f} minutes."
        report = _report(results, parts, f"{_versions(superuser)} {end}")
    finally:
        database.stop(DATA_DIR / "postgres")
    (DATA_DIR / "results.md").write_text(report)
    _say("\n" + report)


def _options() -> argparse.Namespace:
    def numbers(text: str) -> list[int]:
        return [int(part) for part in text.split(",")]

    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description="Measure the opening of a sealed answer."
    )
    parser.add_argument("--sizes", type=numbers, default=[10_000, 1_000_000], help="sealed records, smallest first")
    parser.add_argument("--clients", type=numbers, default=[1, 8])
    parser.add_argument("--seconds", type=float, default=10, help="for each measurement")
    return parser.parse_args()


def _people(superuser: dict[str, str], clients: int) -> list[Client]:
    """Migrate the database that the registers are cloned from, and make its people and grants."""
    _say("Making people and grants ...")
    register.make_empty(superuser)
    os.environ.update(register.environment(superuser, register.PEOPLE))
    for command in (
        ["migrate", "--skip-checks", "-v0"],
        ["load_catalogue", "--skip-checks"],
        ["collectstatic", "--noinput"],
    ):
        subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    import django

    django.setup()
    people = register.make_people(clients)
    from django.db import connections

    connections.close_all()
    register.raise_limits(superuser)
    return people


def _measure(records: int, people: list[Client], environment: dict[str, str], seconds: float) -> list[Result]:
    """Measure (a), (b) and (c) in turns, so that whatever else the machine does meets all three."""
    with ExitStack() as stack:
        groups = {}
        for what in NAMES:
            groups[what] = [stack.enter_context(_client(what, each, environment)) for each in people]
            for process in groups[what]:
                if process.stdout.readline() != "ready\n":
                    _stopped(what)
        taken: dict[str, list[list[float]]] = {what: [[] for _ in people] for what in NAMES}
        for _ in range(TURNS):
            for what, processes in groups.items():
                for process in processes:
                    process.stdin.write(f"{seconds / TURNS}\n")
                    process.stdin.flush()
                for each, process in zip(taken[what], processes, strict=True):
                    each += json.loads(process.stdout.readline() or _stopped(what))
    return [
        Result(
            records,
            len(people),
            what,
            milliseconds=[one for each in clients for one in each],
            rate=sum(len(each) / (sum(each) / 1000) for each in clients),
        )
        for what, clients in taken.items()
    ]


@contextmanager
def _client(what: str, client: Client, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Yield a process that gets ready to measure, and end it."""
    command = [sys.executable, "-m", "tests.bench.client", what, json.dumps(asdict(client))]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _stopped(what: str) -> NoReturn:
    raise SystemExit(f"A client of {NAMES[what]} stopped; what it said stands above.")


def _run(module: str, *arguments: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def _row(result: Result, results: list[Result]) -> str:
    def other(**wanted: Any) -> Result | None:
        values = {"records": result.records, "clients": result.clients, "what": result.what, **wanted}
        return next((r for r in results if all(getattr(r, name) == value for name, value in values.items())), None)

    bare, smallest = other(what="statements"), other(records=min(r.records for r in results))
    cells = [
        f"{result.records:,}",
        str(result.clients),
        NAMES[result.what],
        f"{result.rate:,.0f}",
        f"{result.median:.2f}",
        f"{result.p99:.2f}",
        f"{result.rate / bare.rate:.2f}" if bare else "",
        f"{result.median / smallest.median:.2f}" if smallest else "",
    ]
    return "| " + " | ".join(cells) + " |"


def _report(results: list[Result], parts: str, conditions: str) -> str:
    smallest = min(result.records for result in results)
    head = [
        "records", "clients", "what", "openings/s", "median ms", "p99 ms", "rate to (a)", f"median to {smallest:,}",
    ]  # fmt: skip
    lines = [
        "| " + " | ".join(head) + " |",
        "|---:|---:|---|---:|---:|---:|---:|---:|",
        *[_row(result, results) for result in results],
        "",
        "(a) sends the statements recorded from one opening, with their BEGIN and COMMIT and values of their own each "
        "time, by psycopg as it comes; (b) is `disclosure.open_answer` at rung FULL, decryption included; (c) gets the "
        "page before the answer and sends its form, two requests an opening, to gunicorn with 2 workers of 4 threads.",
        "",
        parts.strip(),
        "",
        conditions,
    ]
    return "\n".join(lines) + "\n"


def _versions(superuser: dict[str, str]) -> str:
    with psycopg.connect(make_conninfo(**superuser)) as connection:
        shown = {
            name: connection.execute(f"show {name}").fetchone()[0]
            for name in ("server_version", "fsync", "synchronous_commit", "shared_buffers")
        }
    return (
        f"{os.cpu_count()} cores, shared by clients, web server and database; Python {platform.python_version()}, "
        f"PostgreSQL {shown['server_version']} (fsync {shown['fsync']}, synchronous_commit "
        f"{shown['synchronous_commit']}, shared_buffers {shown['shared_buffers']})."
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
