"""The law as data: files with citations and dates, and what loads them without ever changing a loaded row (Rule 10)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import chinese_calendar
from django.conf import settings
from django.db import connection, models
from django.utils.translation import get_language

from access.models import CasePurpose, LegalBasis, UndertakingText, WorkingDay

FIRST_CALENDAR_YEAR = 2024
_FOLDER = Path(__file__).parent


class FrozenRowChanged(Exception):
    """A row that is loaded differs from its file; decisions may rest on it, so it is never changed in place."""


def read(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a catalogue file."""
    return json.loads(path.read_text(encoding="utf-8"))["rows"]


def load_legal_bases() -> int:
    """Insert the legal bases that are missing and return how many."""
    return insert_missing(LegalBasis, read(_FOLDER / "legal_bases.json"), key=("code", "version"))


def load_case_purposes() -> int:
    """Insert the case purposes that are missing and return how many."""
    return insert_missing(CasePurpose, read(_FOLDER / "case_purposes.json"), key=("code", "version"))


def load_undertaking_texts() -> int:
    """Insert the texts of the undertaking that are missing and return how many."""
    return insert_missing(UndertakingText, read(_FOLDER / "undertaking_texts.json"), key=("code", "version"))


def load_calendar() -> int:
    """Insert the days that are missing of every year whose holidays are published; a day that is there stays."""
    source = f"State Council holiday notices, chinesecalendar {version('chinesecalendar')}"
    published = {day.year for day in chinese_calendar.constants.holidays}
    present = set(WorkingDay.objects.values_list("day", flat=True))
    rows = [
        WorkingDay(day=day, is_working=chinese_calendar.is_workday(day), source=source)
        for year in sorted(published)
        if year >= FIRST_CALENDAR_YEAR
        for day in _days_of(year)
        if day not in present
    ]
    return len(WorkingDay.objects.bulk_create(rows))


# Functions of the database take their limits from a table, so that no caller chooses them.
LIMITS = (
    "CONFIRMATION_SECONDS",
    "VIEWING_SECONDS",
    "PEOPLE_ASKED_PER_DAY",
    "POPULATION_ASKED_PER_DAY",
    "STALE_TRAIL_STOPS",
    "UNSEQUENCED_SECONDS",
    "UNSIGNED_SECONDS",
    "UNCONFIRMED_SECONDS",
    "ENROLMENT_DAYS",
)


def load_limits() -> int:
    """Put the limits of the settings where the database's functions read them, and return how many changed."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into public.audit_limit (name, value) values (%s, %s) on conflict (name) do update"
            " set value = excluded.value where audit_limit.value <> excluded.value",
            [(name, int(getattr(settings, name))) for name in LIMITS],
        )
        return cursor.rowcount


def insert_missing(model: type[models.Model], rows: Iterable[dict[str, Any]], *, key: tuple[str, ...]) -> int:
    """Insert the rows whose key is not there yet and return how many; a row that changed raises FrozenRowChanged."""
    present = {tuple(getattr(row, name) for name in key): row for row in model._default_manager.all()}
    missing = []
    for row in rows:
        loaded = present.get(tuple(row[name] for name in key))
        if loaded is None:
            missing.append(model(**row))
            continue
        columns = {column.name: column for column in model._meta.fields}
        changed = [name for name in row if getattr(loaded, name) != columns[name].to_python(row[name])]
        if changed:
            name = " version ".join(str(row[part]) for part in key)
            advice = "Add a new version" if "version" in key else "Add a new code with its own valid_from"
            raise FrozenRowChanged(
                f"{model.__name__} {name} is loaded, and its file now differs in {', '.join(changed)}. "
                f"{advice} instead, and leave the old row as it was."
            )
    return len(model._default_manager.bulk_create(missing))


@cache
def categories() -> dict[str, dict[str, Any]]:
    """Return the titles of every category of offence, by code."""
    return {row["code"]: row for row in read(_FOLDER / "categories.json")}


def kinds_of_acts() -> list[str]:
    """Return the categories that are narrow enough to be "of the same kind"."""
    return [code for code, row in categories().items() if row.get("is_kind")]


def category_title(code: str) -> str:
    """Return a category in the reader's language; a code without a title is shown as it is."""
    language = "en" if (get_language() or "").startswith("en") else "zh"
    return categories().get(code, {}).get(f"title_{language}", code)


def _days_of(year: int) -> Iterable[date]:
    first = date(year, 1, 1)
    return (first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days))
