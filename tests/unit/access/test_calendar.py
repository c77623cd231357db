from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from access import calendar
from access.calendar import Calendar
from access.models import WorkingDay

SHANGHAI = ZoneInfo("Asia/Shanghai")


def year_of(year, *, holidays=(), working=()):
    first = date(year, 1, 1)
    days = (first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days))
    return [(day, day in working or (day.weekday() < 5 and day not in holidays)) for day in days]


def at(*parts):
    return datetime(*parts, tzinfo=SHANGHAI)


def test_a_holiday_rests_and_a_moved_weekend_works():
    known = Calendar(year_of(2026, holidays={date(2026, 10, 1)}, working={date(2026, 10, 10)}))

    assert not known.is_working(date(2026, 10, 1))
    assert known.is_working(date(2026, 10, 10))  # a Saturday


def test_a_year_without_rows_counts_monday_to_friday():
    empty = Calendar([])

    assert empty.is_working(date(2031, 1, 1))  # a Wednesday
    assert not empty.is_working(date(2031, 1, 4))


def test_missing_years_lists_what_is_not_fully_known():
    known = Calendar([*year_of(2024), *year_of(2026)[:200]])

    assert known.missing_years(date(2024, 5, 1), date(2026, 5, 1)) == [2025, 2026]
    assert known.missing_years(date(2024, 1, 1), date(2024, 12, 31)) == []


def test_the_day_of_the_moment_is_not_counted():
    friday_morning = at(2026, 3, 6, 8)

    assert Calendar([]).steps(friday_morning, 3) == [date(2026, 3, 9), date(2026, 3, 10), date(2026, 3, 11)]


def test_the_deadline_is_the_close_of_business_in_shanghai():
    known = Calendar(year_of(2026, holidays={date(2026, 3, 9)}))

    assert known.add_working_days(at(2026, 3, 6, 23, 59), 3) == at(2026, 3, 12, 17, 30)


def test_the_moment_is_read_in_shanghai_whatever_its_zone():
    late_thursday_in_london = datetime(2026, 3, 5, 20, tzinfo=ZoneInfo("Europe/London"))  # Friday in Shanghai

    assert Calendar([]).steps(late_thursday_in_london, 1) == [date(2026, 3, 9)]


def test_steps_cross_the_end_of_a_year_that_is_known_into_one_that_is_not():
    known = Calendar(year_of(2026))

    assert known.steps(at(2026, 12, 31, 9), 1) == [date(2027, 1, 1)]
    assert known.missing_years(date(2026, 12, 31), date(2027, 1, 1)) == [2027]


@pytest.mark.parametrize("days", [0, -1])
def test_counting_no_days_is_refused(days):
    with pytest.raises(ValueError, match="at least one working day"):
        Calendar([]).steps(at(2026, 3, 6, 9), days)


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        Calendar([]).add_working_days(datetime(2026, 3, 6, 9), 1)  # noqa: DTZ001


@pytest.mark.django_db
def test_load_reads_the_table_with_one_query(enact, django_assert_num_queries):
    enact(WorkingDay(day=date(2040, 1, 2), is_working=False, source="a notice"))

    with django_assert_num_queries(1):
        loaded = calendar.load()
        assert not loaded.is_working(date(2040, 1, 2))  # a Monday
        assert loaded.is_working(date(2040, 1, 3))


@pytest.mark.django_db
def test_a_calendar_of_the_years_from_a_day_on_knows_the_whole_of_its_year(enact):
    for day, is_working in year_of(2040):
        enact(WorkingDay(day=day, is_working=is_working, source="a notice"))
    loaded = calendar.load(date(2040, 12, 31))
    assert loaded.missing_years(date(2040, 12, 31), date(2040, 12, 31)) == []
    assert calendar.load(date(2041, 1, 1)).missing_years(date(2040, 1, 1), date(2040, 1, 1)) == [2040]
