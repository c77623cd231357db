"""A database server of a test's own that keeps every promise to the disk, and can be stopped the hard way."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import make_conninfo

from config import database

ROOT = Path(__file__).resolve().parents[2]
RECOVERY_SECONDS = 90


class Server:
    """One server, its data folder and its roles."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.superuser = {key: str(value) for key, value in database.embedded(directory).items()}
        database.prepare(self.superuser)
        for command in (
            ["make_keys"],
            ["migrate", "--skip-checks", "-v0"],
            ["load_catalogue"],
            ["collectstatic", "--noinput"],
        ):
            self.run("manage.py", *command)

    def url(self, role: str) -> str:
        return make_conninfo(**{**self.superuser, "dbname": database.NAME, "user": role})

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "MODE": "demo",
            "DATA_DIR": str(self.directory.parent),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": self.url(database.APP),
            "DATABASE_OWNER_URL": self.url(database.OWNER),
            "DATABASE_SIGNER_URL": self.url(database.SIGNER),
            "SEALED_DATABASE_URL": self.url(database.KEYS),
            "CRASH_SUPERUSER_URL": self.url(self.superuser["user"]),
            "CONFIRMATION_SECONDS": "86400",
            "VIEWING_SECONDS": "36000",
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "ignore",
        }

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=self.environment, check=check, capture_output=True, text=True
        )

    def stop_at_once(self) -> None:
        """Stop every process of the server without a checkpoint; a power cut as far as PostgreSQL can tell."""
        pid = int((self.directory / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, 3)  # SIGQUIT is `pg_ctl stop -m immediate`
        while Path(f"/proc/{pid}").exists():
            time.sleep(0.02)

    def start(self) -> None:
        """Start it again, and wait for its recovery as long as that takes on a busy machine."""
        deadline = time.monotonic() + RECOVERY_SECONDS
        while True:
            try:
                database.embedded(self.directory)
                return
            except database.DatabaseUnusable:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)


@contextmanager
def server(name: str) -> Iterator[Server]:
    """Give a block a server with the product's tables and keys; nothing of it stays."""
    folder = ROOT / ".data" / f"{name}-{os.getpid()}"
    folder.mkdir(parents=True)
    try:
        yield Server(folder / "postgres")
    finally:
        database.stop(folder / "postgres")
        shutil.rmtree(folder)
