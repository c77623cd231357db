"""The whole product on this machine, with an invented city in it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from audit import checkpoints
from audit.models import Checkpoint
from config import env, processes, sample_city
from config.database import addresses, stop
from config.management.commands import accounts

START_SECONDS = 60
MAINTAINED_SECONDS = 24 * 60 * 60


class Command(BaseCommand):
    help = "Start everything for a look around: database, sample city, worker and web server, on loopback only."
    # The tables may not be there yet.
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = env.optional("HOST", "127.0.0.1"), env.port("PORT", 8000)
        processes.check_loopback(host)
        if settings.MODE != "demo":
            raise CommandError("The demo needs MODE=demo; start it with: make demo")
        with processes.alone_in(settings.DATA_DIR):
            processes.check_port_is_free(host, port)
            self.run(host, port)

    def run(self, host: str, port: int) -> None:
        """Make what is missing, start the children, and end them and the database when told to stop."""
        children: list[subprocess.Popen[bytes]] = []
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _interrupt)
        processes.remember(settings.DATA_DIR)
        try:
            self.make_tables()
            # Before the sample city: an opening needs a trail that is signed in time.
            children.append(self.start_signer())
            processes.remember(settings.DATA_DIR, children)
            self.prepare()
            connection.close()
            children += [self.start("manage.py", "worker"), self.start_web(host, port)]
            if settings.METRICS_PORT:
                children.append(self.start("manage.py", "metrics"))
            processes.remember(settings.DATA_DIR, children)
            self.wait_for_web(host, port, children)
            address = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
            self.say(f"\n{accounts.table()}\n\n打开 Open {address} - 停止 stop with Ctrl-C")
            self.watch(children)
        except KeyboardInterrupt:
            self.say("\nStopping. The data is kept; start again with: make demo")
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            end(children)
            if not os.environ.get("DATABASE_URL"):
                stop(settings.DATA_DIR / "postgres")
            processes.forget(settings.DATA_DIR)

    def make_tables(self) -> None:
        """Bring tables, law and limits to where they have to be, as the role that owns them; this process never is."""
        if MigrationExecutor(connection).migration_plan(MigrationExecutor(connection).loader.graph.leaf_nodes()):
            self.say("Making the tables ...")
            connection.close()
            if self.run_as_owner("migrate", "--skip-checks", "-v0"):
                raise CommandError("The tables could not be made; the reason stands above.")
        if self.run_as_owner("load_catalogue", "--skip-checks"):
            raise CommandError("The catalogue of law could not be loaded; the reason stands above.")

    def run_as_owner(self, *command: str) -> int:
        """Run a command as the owner of the tables, quietly, and return its exit code."""
        return subprocess.run(  # noqa: S603
            [sys.executable, "manage.py", *command], cwd=settings.BASE_DIR, stdout=subprocess.DEVNULL, check=False
        ).returncode

    def prepare(self) -> None:
        """Bring files and sample city to where they have to be; quick when they are there."""
        if settings.COLLECTED:
            call_command("collectstatic", interactive=False, verbosity=0, skip_checks=True)
        state = sample_city.state()
        if state == "foreign":
            raise CommandError(
                "This database holds units that are not the demo's. Unset DATABASE_URL or choose another DATA_DIR."
            )
        if state == "partial":
            raise CommandError(
                "Making the sample city was interrupted, so it is incomplete. Start afresh: make stop, then delete "
                f"{settings.DATA_DIR / 'postgres'} and {settings.DATA_DIR / 'keys'}."
            )
        if state == "none":
            self.say("Making the sample city (about half a minute) ...")
            counts = sample_city.make(accounts.password())
            self.say(", ".join(f"{count} {name}" for name, count in counts.items()))
        elif sample_city.set_password(accounts.password()):
            self.say("The accounts have the password of DEMO_PASSWORD now.")

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a child in a session of its own, so that Ctrl-C reaches this process only, which then stops it."""
        values = connection.get_connection_params()
        mine = {name: values[name] for name in ("dbname", "user", "password", "host", "port") if values.get(name)}
        environment = {**addresses(mine), "DATABASE_ROLE": "app", "PYTHONUNBUFFERED": "1"}
        environment.setdefault("METRICS_DIR", str(settings.DATA_DIR / "metrics") if settings.METRICS_PORT else "")
        return subprocess.Popen(  # noqa: S603
            [sys.executable, *command], cwd=settings.BASE_DIR, env=environment, start_new_session=True
        )

    def start_signer(self) -> subprocess.Popen[bytes]:
        """Start the signer, which begins a log only where none was ever begun."""
        is_new = not checkpoints.witness_file().exists() and not Checkpoint.objects.exists()
        return self.start("manage.py", "signer", *(["--begin"] if is_new else []))

    def start_web(self, host: str, port: int) -> subprocess.Popen[bytes]:
        """Start the web server on this address."""
        bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return self.start(
            "-m", "gunicorn", "config.wsgi", "--bind", bind, "--workers", "2", "--threads", "4", "--log-level", "warning"
        )  # fmt: skip

    def wait_for_web(self, host: str, port: int, children: list[subprocess.Popen[bytes]]) -> None:
        """Return when a page is served; what was started and has ended is a failure."""
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}/accounts/login/"
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self.check_running(children)
            try:
                urllib.request.urlopen(address, timeout=5).close()  # noqa: S310
                return
            except urllib.error.HTTPError as error:
                raise CommandError(
                    f"The web server answers with an error ({error.code}); its log stands above."
                ) from None
            except OSError:
                time.sleep(0.1)
        raise CommandError(f"The web server did not answer within {START_SECONDS} seconds; its log stands above.")

    def watch(self, children: list[subprocess.Popen[bytes]]) -> None:
        """Watch over everything that was started, and keep the database tidy, until one part ends."""
        maintained_at = float("-inf")
        while True:
            self.check_running(children)
            if time.monotonic() - maintained_at > MAINTAINED_SECONDS:  # elsewhere a timer does it
                maintained_at = time.monotonic()
                self.run_as_owner("maintain", "--quiet")
            time.sleep(0.5)

    def check_running(self, children: list[subprocess.Popen[bytes]]) -> None:
        """Raise CommandError with the name of whatever has ended."""
        for name, process in zip(("signer", "worker", "web server", "metrics"), children, strict=False):
            if process.poll() is not None:
                raise CommandError(f"The {name} has ended (code {process.returncode}); its log stands above.")

    def say(self, text: str) -> None:
        """Print a line at once."""
        self.stdout.write(text)
        self.stdout.flush()


def end(children: list[subprocess.Popen[bytes]]) -> None:
    """Ask every child to stop and wait for it; one that does not listen is killed."""
    for process in children:
        process.terminate()
    for process in children:
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
