"""A disk that fills while records are being sealed: a sentence that says what to do, nothing lost, and the run goes on."""

from __future__ import annotations

import os
import shutil
import subprocess

import psycopg
import pytest

from tests.slow.server import ROOT, server
from tests.slow.test_crashes import HALF_SEALED

BACKLOG = 2000
MEGABYTES = 12  # enough for some batches and not for all

PREPARE = f"""
import os
import django; django.setup()
import psycopg
from tests import factories
from tests.bench import backlog
with psycopg.connect(os.environ["CRASH_SUPERUSER_URL"], autocommit=True) as connection:
    backlog.make(connection, factories.City(), {BACKLOG})
"""
SEAL = """
import django; django.setup()
from access.exceptions import Unavailable
from records import actions
try:
    print(actions.seal_due())
except Unavailable as error:
    raise SystemExit(str(error))
"""


@pytest.fixture
def small_disk():
    """A disk of a few megabytes, where the server's own user can reach it."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    folder = ROOT / ".data" / f"small-disk-{os.getpid()}"
    folder.mkdir(parents=True)
    options = f"size={MEGABYTES}m,mode=0777"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=False).returncode:
        folder.rmdir()
        pytest.skip("a small disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
    folder.rmdir()


@pytest.mark.slow
def test_a_disk_that_fills_during_sealing_loses_nothing_and_sealing_goes_on(small_disk):
    with server("disk") as made:
        made.run("-c", PREPARE)
        place = small_disk / "space"
        place.mkdir()
        shutil.chown(place, (made.directory / "PG_VERSION").owner())
        with psycopg.connect(made.environment["CRASH_SUPERUSER_URL"], autocommit=True) as connection:
            connection.execute(f"create tablespace small location '{place}'")
            for table in ("record", "history", "handler", "record_key"):
                connection.execute(f"alter table sealed.{table} set tablespace small")
            waiting = [one for (one,) in connection.execute("select id from records_violation")]

            stopped = made.run("-c", SEAL, check=False)
            assert stopped.returncode == 1
            assert "Free some space" in stopped.stderr
            [(sealed,)] = connection.execute("select count(*) from sealed.record").fetchall()
            assert 0 < sealed < BACKLOG
            assert connection.execute(HALF_SEALED, {"ids": waiting}).fetchall() == []
            # What was sealed before, and the stubs and events of it, are there; nothing else was written.
            [(stubs,)] = connection.execute("select count(*) from records_stub").fetchall()
            assert stubs == sealed

            subprocess.run(["mount", "-o", f"remount,size={20 * MEGABYTES}m", str(small_disk)], check=True)
            made.run("-c", SEAL)
            assert connection.execute(HALF_SEALED, {"ids": waiting}).fetchall() == []
            [(sealed,)] = connection.execute("select count(*) from sealed.record").fetchall()
            assert sealed == len(waiting)
