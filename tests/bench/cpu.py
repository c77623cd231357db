"""Processor time of this machine's processes, as the kernel counts it."""

from __future__ import annotations

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def of_process(pid: int) -> float:
    """Return the seconds of a process, its threads included."""
    user, system, *_rest = _times(pid)
    return (user + system) / TICKS


def of_server(directory: Path) -> float:
    """Return the seconds of a PostgreSQL server: the postmaster, every process of it, and those that have ended."""
    postmaster = int((directory / "postmaster.pid").read_text().split()[0])
    total = sum(_times(postmaster))
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if _parent(int(entry.name)) == postmaster:
                    total += sum(_times(int(entry.name))[:2])
            except (FileNotFoundError, ProcessLookupError):
                continue
    return total / TICKS


def _fields(pid: int) -> list[str]:
    # The name of the command stands in brackets and may hold anything.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _parent(pid: int) -> int:
    return int(_fields(pid)[1])


def _times(pid: int) -> tuple[int, int, int, int]:
    """utime, stime, and the same of children that were waited for."""
    fields = _fields(pid)
    return int(fields[11]), int(fields[12]), int(fields[13]), int(fields[14])
