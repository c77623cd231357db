"""What the demo runs: on loopback only, once in a folder, and known by number, so that `make stop` finds it.

Nothing here needs the settings: they start the embedded database, and a demo that is refused starts nothing.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import ipaddress
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config import env

PIDS = "demo.pids"
LOCK = "demo.lock"


class DemoRefused(ImproperlyConfigured):
    """The demo may not start here; the message says why and what to do."""


def check_demo_may_start() -> None:
    """Raise DemoRefused for an address, a port or a folder that the demo may not have."""
    host = env.optional("HOST", "127.0.0.1")
    check_loopback(host)
    if env.optional("MODE") != "demo":
        raise DemoRefused("The demo needs MODE=demo; start it with: make demo")
    data_dir = env.folder("DATA_DIR", env.BASE_DIR / ".data")
    with alone_in(data_dir):
        pass
    check_port_is_free(host, env.port("PORT", 8000))


def check_loopback(host: str) -> None:
    """Refuse every address but this machine's own: accounts and password of the demo are public."""
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise DemoRefused(
            f"The demo refuses to listen on {host}: its accounts and password are public. Use HOST=127.0.0.1."
        )


def check_port_is_free(host: str, port: int) -> None:
    """Raise DemoRefused, with what to do, where nobody can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EACCES:
                raise DemoRefused(
                    f"Port {port} needs more rights. Choose one above 1023: make demo PORT=8080"
                ) from None
            raise DemoRefused(
                f"Port {port} is taken. End what uses it (an earlier demo: make stop), or choose another: make demo PORT={port + 1}"
            ) from None


@contextlib.contextmanager
def alone_in(data_dir: Path) -> Iterator[None]:
    """Hold the folder against every other demo: two would share a database, and the first to end would stop it."""
    with (data_dir / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _occupied(data_dir) from None
        if any(is_ours(pid) for pid in remembered(data_dir)):  # its children live on when a demo is killed
            raise _occupied(data_dir)
        yield


def _occupied(data_dir: Path) -> DemoRefused:
    return DemoRefused(
        f"A demo is running on {data_dir} already. End it with make stop, or start another one on a folder of its own: "
        "make demo PORT=8080 DATA_DIR=.data/second"
    )


def remember(data_dir: Path, processes: Sequence[subprocess.Popen[bytes]] = ()) -> None:
    """Write down what runs, so that `make stop` finds it even after this process was killed."""
    lines = "\n".join(str(pid) for pid in [os.getpid(), *(process.pid for process in processes)])
    (data_dir / PIDS).write_text(lines)


def forget(data_dir: Path) -> None:
    """Forget which processes the demo started."""
    (data_dir / PIDS).unlink(missing_ok=True)


def remembered(data_dir: Path) -> list[int]:
    """Return the processes that the demo started here, as far as it was written down."""
    with contextlib.suppress(OSError):
        return [int(word) for word in (data_dir / PIDS).read_text().split() if word.isdigit()]
    return []


def is_ours(pid: int) -> bool:
    """Say whether a number still is a process of the demo; numbers are given again."""
    arguments = ["ps", "-o", "command=", "-p", str(pid)]
    command = subprocess.run(arguments, capture_output=True, text=True, check=False).stdout  # noqa: S603
    return pid != os.getpid() and ("manage.py" in command or "gunicorn" in command)


def end(pid: int) -> bool:
    """Stop a process of the demo, which stops its own children; a pid that is somebody else's by now is left alone."""
    if not is_ours(pid):
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        for _tenth in range(200):
            os.kill(pid, 0)
            time.sleep(0.1)
        os.kill(pid, signal.SIGKILL)
    return True
