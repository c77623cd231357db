"""What a form takes for a day is what the database keeps."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from access.fields import DayField


@pytest.mark.parametrize("day", ["1900-01-01", "2200-01-01"])
def test_days_within_the_bounds_are_taken(day):
    assert DayField().clean(day).isoformat() == day


@pytest.mark.parametrize(("day", "code"), [("1899-12-31", "past"), ("2200-01-02", "ahead")])
def test_days_beyond_the_bounds_are_refused_with_a_sentence(day, code):
    with pytest.raises(ValidationError) as error:
        DayField().clean(day)
    assert [one.code for one in error.value.error_list] == [code]
