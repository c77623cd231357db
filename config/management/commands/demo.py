"""The whole product on this machine, with an invented city in it."""

from __future__ import annotations

import errno
import ipaddress
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from psycopg.conninfo import make_conninfo

from config import env, sample_city
from config.database import stop
from config.management.commands import accounts

START_SECONDS = 60
PIDS = settings.DATA_DIR / "demo.pids"


class Command(BaseCommand):
    help = "Start everything for a look around: database, sample city, worker and web server, on loopback only."
    # The tables may not be there yet.
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = env.optional("HOST", "127.0.0.1"), env.number("PORT", 8000)
        check_loopback(host)
        if settings.MODE != "demo":
            raise CommandError("The demo needs MODE=demo; start it with: make demo")
        check_port_is_free(host, port)
        processes: list[subprocess.Popen[bytes]] = []
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _interrupt)
        settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
        remember()
        try:
            self.prepare()
            connection.close()
            processes += [self.start("manage.py", "worker"), self.start_web(host, port)]
            remember(processes)
            self.wait_for_web(host, port, processes)
            address = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
            self.say(f"\n{accounts.table()}\n\n打开 Open {address} - 停止 stop with Ctrl-C")
            self.watch(processes)
        except KeyboardInterrupt:
            self.say("\nStopping. The data is kept; start again with: make demo")
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            end(processes)
            if not os.environ.get("DATABASE_URL"):
                stop(settings.DATA_DIR / "postgres")
            PIDS.unlink(missing_ok=True)

    def prepare(self) -> None:
        """Bring tables, catalogue and sample city to where they have to be; quick when they are there."""
        if MigrationExecutor(connection).migration_plan(MigrationExecutor(connection).loader.graph.leaf_nodes()):
            self.say("Making the tables ...")
            connection.close()
            # As the role that owns the tables; this process never is.
            command = [sys.executable, "manage.py", "migrate", "--skip-checks", "-v0"]
            if subprocess.run(command, cwd=settings.BASE_DIR, check=False).returncode:  # noqa: S603
                raise CommandError("The tables could not be made; the reason stands above.")
        call_command("load_catalogue", stdout=open(os.devnull, "w"), skip_checks=True)  # noqa: SIM115
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
        url = make_conninfo(
            **{name: values[name] for name in ("dbname", "user", "password", "host", "port") if values.get(name)}
        )
        environment = {**os.environ, "DATABASE_URL": url, "DATABASE_ROLE": "app", "PYTHONUNBUFFERED": "1"}
        return subprocess.Popen(  # noqa: S603
            [sys.executable, *command], cwd=settings.BASE_DIR, env=environment, start_new_session=True
        )

    def start_web(self, host: str, port: int) -> subprocess.Popen[bytes]:
        bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return self.start(
            "-m", "gunicorn", "config.wsgi", "--bind", bind, "--workers", "2", "--threads", "4", "--log-level", "warning"
        )  # fmt: skip

    def wait_for_web(self, host: str, port: int, processes: list[subprocess.Popen[bytes]]) -> None:
        """Return when a page is served; what was started and has ended is a failure."""
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}/accounts/login/"
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self.check_running(processes)
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

    def watch(self, processes: list[subprocess.Popen[bytes]]) -> None:
        while True:
            self.check_running(processes)
            time.sleep(0.5)

    def check_running(self, processes: list[subprocess.Popen[bytes]]) -> None:
        for name, process in zip(("worker", "web server"), processes, strict=True):
            if process.poll() is not None:
                raise CommandError(f"The {name} has ended (code {process.returncode}); its log stands above.")

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def check_loopback(host: str) -> None:
    """Refuse every address but this machine's own: accounts and password of the demo are public."""
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise CommandError(
            f"The demo refuses to listen on {host}: its accounts and password are public. Use HOST=127.0.0.1."
        )


def check_port_is_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OverflowError:
            raise CommandError(f"PORT={port} is not a port; choose a number up to 65535.") from None
        except OSError as error:
            if error.errno == errno.EACCES:
                raise CommandError(
                    f"Port {port} needs more rights. Choose one above 1023: make demo PORT=8080"
                ) from None
            raise CommandError(
                f"Port {port} is taken. End what uses it (an earlier demo: make stop), or choose another: make demo PORT={port + 1}"
            ) from None


def end(processes: list[subprocess.Popen[bytes]]) -> None:
    """Ask every child to stop and wait for it; one that does not listen is killed."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def remember(processes: Sequence[subprocess.Popen[bytes]] = ()) -> None:
    """Write down what runs, so that `make stop` finds it even after this process was killed."""
    PIDS.write_text("\n".join(str(pid) for pid in [os.getpid(), *(process.pid for process in processes)]))


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
