"""The embedded PostgreSQL starts wherever its folder is and whoever else uses the machine, or says why not in a sentence."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from config import database
from tests.databases import ROOT

SCRIPT = """
import sys
from pathlib import Path
from config import database
directory = Path(sys.argv[1])
with database.said_plainly():
    values = database.embedded(directory)
    print(values["host"])
    database.stop(directory)
"""


@pytest.fixture
def folder():
    """A short folder that other accounts can reach: pytest's own is closed to them, and long."""
    with tempfile.TemporaryDirectory(prefix="seal-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def start_and_stop(directory: Path, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", SCRIPT, str(directory)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, **options)


@pytest.mark.parametrize("name", ["my data", "系统 数据", "it's", "a,b", "long" * 30])
def test_it_starts_under_every_name_of_its_folder(folder, name):
    directory = folder / name / "postgres"
    values = database.embedded(directory)
    try:
        with psycopg.connect(make_conninfo(**values)) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        socket_folder = Path(values["host"])
        # Whoever reaches the socket is the superuser.
        assert socket_folder.stat().st_mode & 0o077 == 0
        assert database.embedded(directory) == values
    finally:
        database.stop(directory)
    assert database._running(directory) is None
    assert socket_folder == directory or not socket_folder.exists()


def test_its_log_holds_no_row_of_a_failed_statement(folder):
    values = database.embedded(folder)
    try:
        with psycopg.connect(make_conninfo(**values), autocommit=True) as connection:
            connection.execute("create table people (name text primary key, age int check (age > 0))")
            for age in (-1, 1, 2):
                try:
                    connection.execute("insert into people values (%s, %s)", ["CANARY", age])
                except psycopg.IntegrityError:
                    continue
        log = (folder / "log").read_text()
        assert log.count("ERROR:") == 2
        assert "CANARY" not in log
    finally:
        database.stop(folder)


def test_a_name_that_the_start_script_cannot_take_is_one_sentence(folder):
    ended = start_and_stop(folder / "a$b")
    assert ended.returncode == 1
    assert "Choose another folder with DATA_DIR." in ended.stderr and "Traceback" not in ended.stderr


def test_a_socket_folder_of_somebody_else_is_not_used(folder, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    directory = folder / ("long" * 30)
    directory.mkdir()
    database._socket_folder(directory).chmod(0o777)
    with pytest.raises(database.DatabaseUnusable, match="belongs to somebody else"):
        database._socket_folder(directory)


def test_nothing_in_the_temporary_folder_keeps_it_from_starting(folder):
    """The library's lock file there belongs to whoever ran first; nobody else could start a database."""
    (folder / ".lockfile").mkdir()  # not to be opened, whoever asks
    ended = start_and_stop(folder / "postgres", env={**os.environ, "TMPDIR": str(folder)})
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be several people")
def test_a_second_user_of_the_machine_starts_one_as_well(folder):
    python = Path(sys.executable).resolve()
    if any(path.stat().st_mode & 0o005 != 0o005 for path in [*ROOT.parents, *python.parents]):
        pytest.skip("the checkout is closed to other users")
    mine, theirs = folder / "mine", folder / "theirs"
    assert start_and_stop(mine).returncode == 0
    theirs.mkdir()
    os.chown(theirs, 12345, 12345)
    ended = start_and_stop(
        theirs / "postgres", user=12345, group=12345, extra_groups=[], env={**os.environ, "HOME": str(theirs)}
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    # What belongs to somebody else is said, not traced.
    ended = start_and_stop(mine, user=12345, group=12345, extra_groups=[])
    assert ended.returncode == 1
    assert "The database is not usable." in ended.stderr and "Traceback" not in ended.stderr
