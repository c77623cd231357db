"""Server logs: one line for one request, saying what went wrong and where, never with whose data.

While a request is answered, what Django and our own middleware say about it is gathered (`Gathered`) and becomes part of
its one line (`request_line`). Messages and values of exceptions are left out everywhere: those of a database carry rows.
"""

from __future__ import annotations

import json
import logging
import re
import time
import traceback
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

BASE_DIR = Path(__file__).resolve().parent.parent
GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
MOST_PLACES = 12
# What speaks about the request at hand, and about nothing else.
ABOUT_REQUESTS = ("django.request", "django.security.", "config.middleware", "config.health", "audit.middleware")
logger = logging.getLogger("seal.request")


def opaque(error: BaseException) -> dict[str, Any]:
    """Return the classes of an exception and of what caused it, and its places: our own code, and where it arose."""
    classes: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(classes) < 4:
        classes.append(f"{type(seen).__module__}.{type(seen).__name__}")
        seen = seen.__cause__
    frames = traceback.extract_tb(error.__traceback__)
    places = [
        f"{_short(frame.filename)}:{frame.lineno} {frame.name}"
        for number, frame in enumerate(frames, 1)
        if number == len(frames) or _is_ours(frame.filename)
    ]
    return {"error": " < ".join(classes), "places": places[-MOST_PLACES:]}


def _is_ours(filename: str) -> bool:
    return filename.startswith(str(BASE_DIR)) and "site-packages" not in filename


def _short(filename: str) -> str:
    """Leave out where on the machine the code lies."""
    return filename.rpartition("site-packages/")[2].removeprefix(f"{BASE_DIR}/")


# One line for one request ------------------------------------------------------------------------------------------
@dataclass
class Line:
    """What will stand in the line of the request that is being answered."""

    id: str
    started: float = field(default_factory=time.perf_counter)
    said: list[str] = field(default_factory=list)
    found: dict[str, Any] = field(default_factory=dict)

    def add(self, record: logging.LogRecord) -> None:
        """Keep what our own code says, and of an exception the class and the places; Django's words name the path."""
        if record.name.startswith("django.security."):
            self.said.append(record.name.removeprefix("django.security."))
        elif record.name != "django.request":
            self.said.append(record.getMessage())
        if record.exc_info and record.exc_info[1] is not None:
            self.found = opaque(record.exc_info[1])

    @property
    def seconds(self) -> float:
        """How long the request has taken so far."""
        return time.perf_counter() - self.started

    def write(self, *, status: int, route: str, method: str, is_quiet: bool = False) -> None:
        """Write the line: failures as errors, the rest as information, what nobody needs (probes) for debugging only."""
        level = logging.ERROR if status >= 500 else logging.DEBUG if is_quiet else logging.INFO
        if not logger.isEnabledFor(level):
            return
        values = {"status": status, "method": method, "route": route, "ms": round(self.seconds * 1000)}
        if self.said:
            values["said"] = self.said
        logger.log(level, "%s %s", status, route, extra={"values": values | self.found})


_line: ContextVar[Line | None] = ContextVar("line", default=None)


@contextmanager
def request_line(given_id: str = "") -> Iterator[Line]:
    """Begin the line of a request, under the number that the proxy gave it or a new one."""
    line = Line(given_id if GIVEN_ID.fullmatch(given_id) else uuid.uuid4().hex)
    token = _line.set(line)
    try:
        yield line
    finally:
        _line.reset(token)


def request_id() -> str:
    """Return the number of the request that is being answered, or nothing."""
    line = _line.get()
    return line.id if line else ""


class Gathered(logging.Filter):
    """Keep a record out of the log while a request is answered: it becomes part of that request's line."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Gather what is said during a request into its one line; let everything else through."""
        if not record.name.startswith(ABOUT_REQUESTS):
            return True
        line = _line.get()
        if line is not None:
            if not hasattr(record, "gathered"):  # by another handler
                record.gathered = True
                line.add(record)
            return False
        # Behind the last middleware Django says the status once more, with the path; the line is written by then.
        return record.name != "django.request" or bool(record.exc_info)


# Form --------------------------------------------------------------------------------------------------------------
class _Opaque(logging.Formatter):
    def values(self, record: logging.LogRecord) -> dict[str, Any]:
        """Return what a line says; whatever else hangs on the record stays where it is."""
        values: dict[str, Any] = {"request": request_id()} if request_id() else {}
        values |= getattr(record, "values", {})
        if record.exc_info and record.exc_info[1] is not None:
            values |= opaque(record.exc_info[1])
        return values


class JsonLines(_Opaque):
    """One JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line of JSON, for machines."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **self.values(record),
        }
        return json.dumps(line, ensure_ascii=False, default=str)


class Readable(_Opaque):
    """The same on one line for a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line for people at a terminal."""
        values = self.values(record)
        moment = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        said = values.pop("said", [])
        places = values.pop("places", [])[-1:]
        rest = [f"{name}={value}" for name, value in values.items() if name not in {"status", "route"}]
        text = " · ".join([record.getMessage(), *said, *rest, *places])
        return f"{moment} {record.levelname} " + "".join(char if char.isprintable() else " " for char in text)


def configuration(mode: str) -> dict[str, Any]:
    """Return the logging configuration of every process, gunicorn's own lines included."""
    level = "WARNING" if mode in {"test", "demo"} else "INFO"
    form = "config.logs.JsonLines" if mode == "production" else "config.logs.Readable"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": form}},
        "filters": {"gathered": {"()": "config.logs.Gathered"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["gathered"]}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # Django and gunicorn hang handlers of their own on these.
            **{name: {"handlers": [], "propagate": True} for name in ("django", "django.server")},
            "procrastinate": {"level": "WARNING"},  # it names every job twice
            "gunicorn.error": {"handlers": ["console"], "level": level, "propagate": False},
            "gunicorn.access": {"handlers": [], "level": "CRITICAL", "propagate": False},  # ours names no paths
        },
    }
