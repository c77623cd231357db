"""Working days: holidays and moved weekends are rows of a table, and a missing year counts Monday to Friday."""

from __future__ import annotations

import calendar
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from django.utils import timezone

from access.models import WorkingDay

ZONE = ZoneInfo("Asia/Shanghai")
CLOSING_TIME = time(17, 30)


class Calendar:
    """Counts working days on the rows handed in; a day without a row works from Monday to Friday."""

    def __init__(self, rows: Iterable[tuple[date, bool]]) -> None:
        self._rows = rows

    @cached_property
    def _working(self) -> dict[date, bool]:
        # Read when the first day is asked about: many lists have no deadline that runs.
        return dict(self._rows)

    @cached_property
    def _known_years(self) -> set[int]:
        days = Counter(day.year for day in self._working)
        return {year for year, count in days.items() if count == 365 + calendar.isleap(year)}

    def is_working(self, day: date) -> bool:
        """Say whether this day is worked: as the State Council published it, or else from Monday to Friday."""
        return self._working.get(day, day.weekday() < 5)

    def missing_years(self, first: date, last: date) -> list[int]:
        """Return the years between two days whose holidays are not fully known, for the warning on the page."""
        return [year for year in range(first.year, last.year + 1) if year not in self._known_years]

    def steps(self, moment: datetime, days: int) -> list[date]:
        """Return the working days that are counted; the day of the moment itself is not."""
        if timezone.is_naive(moment):
            raise ValueError("Working days are counted from a moment with a time zone.")
        if days < 1:
            raise ValueError("Count at least one working day.")
        day = moment.astimezone(ZONE).date()
        counted: list[date] = []
        while len(counted) < days:
            day += timedelta(days=1)
            if self.is_working(day):
                counted.append(day)
        return counted

    def add_working_days(self, moment: datetime, days: int) -> datetime:
        """Return the close of business on the last of the working days that `steps` lists."""
        return datetime.combine(self.steps(moment, days)[-1], CLOSING_TIME, ZONE)


def load(since: date | None = None) -> Calendar:
    """Return the calendar as the table has it, with one query; lists ask for the years from a day on."""
    rows = WorkingDay.objects.filter(day__gte=date(since.year, 1, 1)) if since else WorkingDay.objects.all()
    return Calendar(rows.values_list("day", "is_working"))
