"""Crashes between any two steps: what was shown minus what is committed is nothing (security.md, section 5: 4).

Started by `make slow`. It has a server of its own with real durability, opens answers from two processes while a third
sequences and signs, stops the database the hard way, starts it again, and compares.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from config import database

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = int(os.environ.get("CRASH_ROUNDS", "6"))

PREPARE = """
import django; django.setup()
from tests import factories, signing
from access.models import Grant
city = factories.City()
person = factories.person()
factories.sealed(city, person)
grant = factories.ready(factories.approved(city, person))
print(grant.pk)
"""

OPEN = """
import sys, uuid
import django; django.setup()
from access.models import Grant
from records import disclosure
from tests.factories import SESSION
grant = Grant.objects.get()
subject, requester = grant.access_request.current_subjects.get(), grant.access_request.requester
token = uuid.UUID(sys.argv[1])
while True:
    answer = disclosure.open_answer(grant, subject, by=requester, session_key=SESSION, token=token)
    print(answer.event, flush=True)  # now it has been shown
"""

SEQUENCE = """
import django; django.setup()
from audit import log
while True:
    signing.begin()
    signing.sequence()
    signing.checkpoint()
"""


@pytest.fixture
def server(tmp_path_factory):
    directory = ROOT / ".data" / "crash" / f"postgres-{os.getpid()}"
    superuser = database.embedded(directory)
    database.prepare(superuser)
    yield directory, superuser
    database.stop(directory)
    shutil.rmtree(directory)


def environment(directory: Path, superuser: dict[str, str]) -> dict[str, str]:
    url = {**superuser, "dbname": database.NAME}
    return {
        **os.environ,
        "DATA_DIR": str(directory.parent),
        "DATABASE_URL": make_conninfo(**{**url, "user": database.APP}),
        "DATABASE_OWNER_URL": make_conninfo(**{**url, "user": database.OWNER}),
        "CONFIRMATION_SECONDS": "36000",
        "VIEWING_SECONDS": "36000",
        "AUDIT_CHECKPOINT_SECONDS": "0",
        "PYTHONPATH": str(ROOT),
    }


def crash(directory: Path) -> None:
    """Stop every process of the server at once, without a checkpoint; a power cut as far as PostgreSQL can tell."""
    pid = int((directory / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, 3)  # SIGQUIT: immediate shutdown
    while Path(f"/proc/{pid}").exists():
        time.sleep(0.05)


@pytest.mark.slow
def test_nothing_that_was_shown_is_missing_after_a_crash(server, tmp_path):
    directory, superuser = server
    env = environment(directory, superuser)
    (directory.parent / "keys" / "audit-witness.txt").unlink(missing_ok=True)
    for command in (["migrate", "--skip-checks", "-v0"], ["load_catalogue"]):
        subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=env, check=True)
    subprocess.run([sys.executable, "-c", PREPARE], cwd=ROOT, env=env, check=True)
    with psycopg.connect(make_conninfo(**{**superuser, "dbname": database.NAME}), autocommit=True) as connection:
        connection.execute("update access_grant set openings_allowed = 1000000")

    shown: set[str] = set()
    for number in range(ROUNDS):
        outputs = [tmp_path / f"shown-{number}-{place}" for place in range(2)]
        processes = [subprocess.Popen([sys.executable, "-c", SEQUENCE], cwd=ROOT, env=env, stderr=subprocess.DEVNULL)]
        for place, output in enumerate(outputs):
            token = f"00000000-0000-4000-8000-{number:06d}{place:06d}"
            with output.open("w") as file:
                command = [sys.executable, "-c", OPEN, token]
                processes.append(subprocess.Popen(command, cwd=ROOT, env=env, stdout=file, stderr=subprocess.DEVNULL))
        while not all(output.stat().st_size for output in outputs):
            assert all(process.poll() is None for process in processes), "a process ended before it showed anything"
            time.sleep(0.1)
        time.sleep(1 + 0.37 * number)
        crash(directory)
        for process in processes:
            process.kill()
            process.wait()
        # The last line may be cut short; what is cut was not shown whole.
        shown.update(line for output in outputs for line in output.read_text().split() if len(line) == 36)
        database.embedded(directory)

    assert len(shown) > 50 * ROUNDS
    with psycopg.connect(make_conninfo(**{**superuser, "dbname": database.NAME}), autocommit=True) as connection:
        committed = {str(row[0]) for row in connection.execute("select id from audit_event where kind = 'DISCLOSED'")}
        assert shown - committed == set()
        subprocess.run([sys.executable, "manage.py", "verify_log"], cwd=ROOT, env=env, check=True)
        size, first, last = connection.execute("select count(*), min(index), max(index) from audit_leaf").fetchone()
        assert (first, last) == (0, size - 1)
