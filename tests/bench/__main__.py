"""What opening, sealing and the trail cost beside the least that they could; run it with `make bench`.

    python -m tests.bench [--sizes 10000,1000000] [--seconds 20] [--sealed 5000] [--page]

In one run, on a server that keeps every promise to the disk: an opening over a prepared durable insert of one row, the
same among a million sealed records over ten thousand, sealing over COPY and AES, events over inserts of their bytes. What
is compared is measured in turns of a few calls. It writes .data/bench/results.md; `tests.bench.against` compares with an
earlier commit.
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
from contextlib import contextmanager
from dataclasses import asdict

import psycopg
from psycopg.conninfo import make_conninfo

from config import database
from tests.bench import register, web
from tests.bench.register import DATA_DIR, ROOT, Client

ROUNDS = 4
GOALS = {"first": 4, "whole": 6}
WORDS = {"first": "the first step of an opening", "whole": "a whole opening at rung FULL"}


def main() -> None:
    options = _options()
    started, load = time.monotonic(), os.getloadavg()[0]
    superuser = register.server()
    try:
        _say("Making people, grants and a backlog; sealing it ...")
        register.make_empty(superuser)
        import django

        django.setup()
        from tests.bench import events

        [client], sealing = register.make_people(superuser, 1, options.sealed)
        rows = [sealing, events.measured()]
        _say("\n".join(rows))
        taken = _opened(superuser, options, client)
        rows = [*_ratios(taken, options.sizes), *rows]
        if options.page:
            rows.append(_page(superuser, options, client))
        report = _report(rows, superuser, load, time.monotonic() - started)
    finally:
        database.stop(DATA_DIR / "postgres")
    (DATA_DIR / "results.md").write_text(report)
    _say("\n" + report)


def _options() -> argparse.Namespace:
    def numbers(text: str) -> list[int]:
        return [int(part) for part in text.split(",")]

    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description="Measure opening, sealing and the trail."
    )
    parser.add_argument("--sizes", type=numbers, default=[10_000, 1_000_000], help="sealed records, smallest first")
    parser.add_argument("--seconds", type=float, default=20, help="for each size and round")
    parser.add_argument("--sealed", type=int, default=5_000, help="records of the backlog whose sealing is measured")
    parser.add_argument("--page", action="store_true", help="measure pages over HTTP too")
    return parser.parse_args()


Taken = dict[int, dict[str, list[float]]]


def _opened(superuser: dict[str, str], options: argparse.Namespace, client: Client) -> Taken:
    """Return the milliseconds of inserts and openings in registers of each size; the sizes take turns."""
    taken: Taken = {size: {"insert": [], **{what: [] for what in GOALS}} for size in options.sizes}
    registers = []
    for size in options.sizes:
        _say(f"Loading a register of {size:,} sealed records ...")
        registers.append(register.register(superuser, size))
        register_name = registers[-1].__enter__()
        taken[size]["name"] = register_name  # type: ignore[assignment]
    names = {size: str(values.pop("name")) for size, values in taken.items()}
    try:
        with _clients(superuser, names, client) as processes:
            for _ in range(ROUNDS):
                for size, process in processes.items():
                    for what, milliseconds in _ask(process, options.seconds / ROUNDS).items():
                        taken[size][what] += milliseconds
    finally:
        for each in registers:
            each.__exit__(None, None, None)
    return taken


@contextmanager
def _clients(superuser: dict[str, str], names: dict[int, str], client: Client) -> Iterator[dict[int, subprocess.Popen]]:
    processes = {}
    try:
        for size, name in names.items():
            processes[size] = start("insert,first,whole", client, register.environment(superuser, name))
        yield processes
    finally:
        for process in processes.values():
            process.kill()
            process.wait()


def start(what: str, client: Client, environment: dict[str, str]) -> subprocess.Popen[str]:
    """Return a client that is ready to measure."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.client", what, json.dumps(asdict(client))],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    if process.stdout.readline() != "ready\n":
        raise SystemExit("A client stopped before it was ready; what it said stands above.")
    return process


def _ask(process: subprocess.Popen[str], seconds: float) -> dict[str, list[float]]:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(f"{seconds}\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        raise SystemExit("A client stopped; what it said stands above.")
    return json.loads(answer)


def _ratios(taken: Taken, sizes: list[int]) -> list[str]:
    median = {(size, what): statistics.median(each) for size in sizes for what, each in taken[size].items()}
    rows = []
    for what, goal in GOALS.items():
        for size in sizes:
            base, mine = median[size, "insert"], median[size, what]
            rows.append(
                f"| {WORDS[what]}, {size:,} sealed records, over a prepared durable insert | {mine / base:.2f}"
                f" ({mine:.2f} and {base:.2f} ms, {len(taken[size][what])} each) | <= {goal} |"
            )
    if len(sizes) > 1:
        small, large = sizes[0], sizes[-1]
        # Each over its own inserts, so that what the machine did meanwhile does not count.
        for what in GOALS:
            ratio = median[large, what] / median[small, what]
            rows.append(f"| {WORDS[what]}, median at {large:,} over {small:,} | {ratio:.2f} | <= 1.2 |")
    return rows


def _page(superuser: dict[str, str], options: argparse.Namespace, client: Client) -> str:
    with register.register(superuser, options.sizes[0]) as name:
        environment = register.environment(superuser, name)
        with web.gunicorn(environment) as (address, _pid):
            process = start("insert,page", client, {**environment, "BENCH_ADDRESS": address})
            taken = _ask(process, options.seconds)
            process.kill()
            process.wait()
    base, mine = statistics.median(taken["insert"]), statistics.median(taken["page"])
    return f"| the pause and the answer as pages over HTTP | {mine / base:.1f} ({mine:.1f} ms) | for information |"


def _report(rows: list[str], superuser: dict[str, str], load: float, seconds: float) -> str:
    with psycopg.connect(make_conninfo(**superuser)) as connection:
        shown = {
            name: connection.execute(f"show {name}").fetchone()[0]
            for name in ("server_version", "fsync", "synchronous_commit", "shared_buffers")
        }
    lines = [
        "| what (medians, one client) | value | goal |",
        "|---|---|---|",
        *rows,
        "",
        f"{os.cpu_count()} cores, shared by clients and database; Python {platform.python_version()}, PostgreSQL "
        f"{shown['server_version']} (fsync {shown['fsync']}, synchronous_commit {shown['synchronous_commit']}, "
        f"shared_buffers {shown['shared_buffers']}). The load was {load:.1f} before and {os.getloadavg()[0]:.1f} after; "
        f"the run took {seconds / 60:.1f} minutes.",
    ]
    return "\n".join(lines) + "\n"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
