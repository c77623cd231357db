"""This checkout against another one, on the same machine and in turns: what an opening costs of the processors, and how
many 8 clients open in a second.

    git worktree add /tmp/before 6c79748 && python -m tests.bench.against /tmp/before

The other checkout needs no environment of its own: its requirements are the same. Each has a database server and a
register of its own, made by its own bench; both open at rung FULL, decryption included.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.bench import cpu

HERE = Path(__file__).resolve().parent.parent.parent
RECORDS = 10_000
GOALS = {"processor": "<= 0.7", "rate": ">= 1.5"}

# Runs in either checkout: makes people and a register with that checkout's bench, and keeps them until stdin ends.
PREPARE = """
import json, os, sys
from contextlib import redirect_stdout
from dataclasses import asdict
from tests.bench import register
clients = int(sys.argv[1])
with redirect_stdout(sys.stderr):
    superuser = register.server()
    if hasattr(register, "SUBJECTS_EACH"):
        register.make_empty(superuser)
        import django; django.setup()
        people, _report = register.make_people(superuser, clients)
    else:
        from tests.bench import __main__ as bench
        people = bench._people(superuser, clients)
    context = register.register(superuser, int(sys.argv[2]))
    name = context.__enter__()
print(json.dumps({"people": [asdict(each) for each in people], "environment": register.environment(superuser, name),
                  "server": str(register.DATA_DIR / "postgres")}), flush=True)
sys.stdin.read()
with redirect_stdout(sys.stderr):
    context.__exit__(None, None, None)
    from config import database
    database.stop(register.DATA_DIR / "postgres")
"""
# Opens answers through the door of whichever checkout it runs in, for as long as each line says.
OPEN = """
import itertools, json, sys, time, uuid
import django; django.setup()
from access.models import Grant, RequestSubject, User
from records import disclosure
from tests.bench.register import SESSION
client = json.loads(sys.argv[1])
by = User.objects.select_related("organisation").get(username=client["username"])
grants = {str(g.pk): g for g in Grant.objects.select_related("access_request", "basis")}
subjects = {str(pk): s for pk, s in RequestSubject.objects.in_bulk().items()}
turns = itertools.cycle([(grants[g], subjects[s]) for g, s in client["openings"]])
def work(seconds):
    opened, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        grant, subject = next(turns)
        answer = disclosure.open_answer(grant, subject, by=by, session_key=SESSION, token=uuid.uuid4())
        assert answer.records[0].particulars["name"]
        opened += 1
    return opened
work(3)
print("ready", flush=True)
for line in sys.stdin:
    print(work(float(line)), flush=True)
"""


class Side:
    """One checkout with its register and its clients."""

    def __init__(self, root: Path, clients: int, records: int) -> None:
        self.root = root
        environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONWARNINGS": "ignore"}
        self.keeper = self._python(PREPARE, str(clients), str(records), environment=environment)
        made = json.loads(self._line(self.keeper))
        self.environment = {**made["environment"], "PYTHONPATH": str(root)}
        self.server = Path(made["server"])
        self.clients = [self._python(OPEN, json.dumps(one), environment=self.environment) for one in made["people"]]
        for client in self.clients:
            if self._line(client) != "ready\n":
                raise SystemExit("A client did not get ready.")

    def _python(self, code: str, *arguments: str, environment: dict[str, str]) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", code, *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.root, env=environment, stdin=pipe, stdout=pipe, text=True)

    @staticmethod
    def _line(process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise SystemExit("A process of the comparison stopped; what it said stands above.")
        return line

    def run(self, clients: int, seconds: float) -> tuple[float, float]:
        """Let so many clients open; return openings a second, and milliseconds of processor for each."""
        working = self.clients[:clients]
        before = self._spent(working)
        for client in working:
            assert client.stdin is not None
            client.stdin.write(f"{seconds}\n")
            client.stdin.flush()
        opened = sum(int(self._line(client)) for client in working)
        return opened / seconds, (self._spent(working) - before) / opened * 1000

    def _spent(self, clients: list[subprocess.Popen[str]]) -> float:
        return cpu.of_server(self.server) + sum(cpu.of_process(client.pid) for client in clients)

    def close(self) -> None:
        for client in self.clients:
            client.kill()
            client.wait()
        self.keeper.communicate("")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.against", description=__doc__)
    parser.add_argument("other", type=Path, help="the checkout to compare with")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=5, help="for each turn")
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--records", type=int, default=RECORDS)
    options = parser.parse_args()
    sides: dict[str, Side] = {}
    rates: dict[tuple[str, int], list[float]] = {}
    processor: dict[tuple[str, int], list[float]] = {}
    load = os.getloadavg()[0]
    try:
        for name, root in (("before", options.other.resolve()), ("now", HERE)):
            sides[name] = Side(root, options.clients, options.records)
        for _ in range(options.turns):
            for clients in (1, options.clients):
                for name, side in sides.items():
                    rate, spent = side.run(clients, options.seconds)
                    rates.setdefault((name, clients), []).append(rate)
                    processor.setdefault((name, clients), []).append(spent)
    finally:
        for side in sides.values():
            side.close()
    _say(rates, processor, options.clients)
    sys.stdout.write(f"\nThe load was {load:.1f} before and {os.getloadavg()[0]:.1f} after.\n")


def _say(rates: dict[Any, list[float]], processor: dict[Any, list[float]], most: int) -> None:
    lines = ["| what | before | now | ratio (turns) | goal |", "|---|---:|---:|---:|---|"]
    for clients in (1, most):
        for what, values, unit in (
            ("processor", processor, "ms of processor an opening"),
            ("rate", rates, "openings/s"),
        ):
            old, new = values["before", clients], values["now", clients]
            each = sorted(b / a for a, b in zip(old, new, strict=True))
            goal = GOALS[what] if (what == "rate") == (clients > 1) else "for information"
            lines.append(
                f"| {unit}, {clients} client{'s' if clients > 1 else ''} | {statistics.median(old):.2f} |"
                f" {statistics.median(new):.2f} | {statistics.median(each):.2f} ({each[0]:.2f} to {each[-1]:.2f}) | {goal} |"
            )
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
