"""What stands above a page concerns who reads it: a calendar whoever can load one, an agreement both its sides."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from access import frame
from access.actions import people
from access.models import WorkingDay
from tests import factories
from tests.clients import signed_in

pytestmark = pytest.mark.django_db
CALENDAR = "are not confirmed yet. Deadlines in that year count Monday to Friday"
BESIDE = "are not known yet, so Monday to Friday are counted"


def shown(user, name: str = "desk") -> str:
    response = signed_in(user).get(reverse(name), headers={"accept-language": "en"})
    assert response.status_code == 200
    return response.content.decode()


def test_a_missing_calendar_is_said_to_who_can_have_it_loaded(city, monkeypatch):
    monkeypatch.setattr(frame, "CALENDAR_AHEAD", timedelta(days=400))
    for user in city.people().values():
        assert (CALENDAR in shown(user)) == (user in (city.security_admin, city.security_admin2)), user


def test_beside_a_deadline_that_depends_on_it_everybody_is_told(city, owner):
    waiting = factories.request_at(factories.RequestStatus.SUBMITTED, city)
    year = timezone.localdate(waiting.due_at).year
    assert WorkingDay.objects.filter(day__year=year).exists()
    for user, name in ((city.supervisor, "access:queue"), (waiting.requester, "access:requests")):
        assert BESIDE not in shown(user, name)
    owner.execute("alter table access_workingday disable trigger user")
    owner.execute("delete from access_workingday where extract(year from day) = %s", [year])
    for user, name in ((city.supervisor, "access:queue"), (waiting.requester, "access:requests")):
        assert f"The holidays of {year} {BESIDE}" in shown(user, name)


@pytest.mark.parametrize(
    ("days", "tone"), [(61, None), (60, "amber"), (30, "amber"), (8, "amber"), (7, "seal"), (0, "seal"), (-1, "seal")]
)
def test_both_sides_are_told_before_an_agreement_ends(city, days, tone):
    unit, today = city.kindergarten, timezone.localdate()
    administrator = factories.administrator_of(unit)
    people.change_agreement(unit, by=administrator, ends_on=today + timedelta(days=days))
    day = f"{today + timedelta(days=days):%Y-%m-%d}"
    theirs, ours = shown(city.requester, "access:requests"), shown(administrator)

    if tone is None:
        assert "agreement with" not in theirs + ours
        return
    if days < 0:
        assert "The agreement with your unit has ended, so it cannot file or open requests." in theirs
        assert f"ended on {day}: it can neither file requests nor open answers." in ours
    else:
        assert f"The agreement with your unit ends in {days} day{'' if days == 1 else 's'}, on {day}." in theirs
        assert f"ends in {days} day{'' if days == 1 else 's'}, on {day}." in ours
    for page in (theirs, ours):
        assert f'<div class="notice notice-{tone}">' in page
    assert "agreement with" not in shown(city.supervisor) + shown(city.officer)
