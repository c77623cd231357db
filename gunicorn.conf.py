"""Settings of gunicorn, which reads this file by itself; bind, workers and threads are arguments (docs/operations.md)."""

import contextlib
import ctypes
import os
from pathlib import Path
from typing import Any

from config import env, logs

env.load_dotenv()
logconfig_dict = logs.configuration(env.optional("MODE", "production"))

# Each web process counts into files of its own, and `manage.py metrics` adds them up.
METRICS_DIR = env.optional("METRICS_DIR")
if METRICS_DIR:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = METRICS_DIR

# By default glibc learns to keep ever larger blocks, in a heap for each thread: a few forms of the largest size that is
# read (access.middleware.Bounded) would make a process two and a half times as large for good. One heap, and large blocks
# go back at once: malloc.h, M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD. Other C libraries have no such function.
with contextlib.suppress(AttributeError, OSError):
    for option, number in ((-8, 1), (-3, 128 * 1024), (-1, 128 * 1024)):
        ctypes.CDLL(None).mallopt(option, number)


def on_starting(server: Any) -> None:
    """Begin at zero: the files of processes that are gone would be counted for ever."""
    if METRICS_DIR:
        folder = env.folder("METRICS_DIR", Path(METRICS_DIR))
        for file in folder.glob("*.db"):
            file.unlink(missing_ok=True)


def child_exit(server: Any, worker: Any) -> None:
    if METRICS_DIR:
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)
