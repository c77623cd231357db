"""Who holds which duty where: a duty reaches down the tree, never up or sideways."""

from __future__ import annotations

import psycopg
import pytest

from access import duties
from access.models import Organisation, OrganisationUserObjectPermission
from access.models.duty import Duty
from access.models.people import OrganisationKind
from tests import factories

pytestmark = pytest.mark.django_db


def units(city) -> dict[str, Organisation]:
    return {name: value for name, value in vars(city).items() if isinstance(value, Organisation)}


@pytest.mark.parametrize(
    ("given_at", "reached"),
    [
        ("bureau", {"bureau", "branch", "station"}),
        ("branch", {"branch", "station"}),
        ("station", {"station"}),
        ("court", {"court"}),
    ],
)
def test_a_duty_reaches_its_unit_and_those_below(city, given_at, reached):
    person = factories.user_with(organisation=city.bureau)
    factories.give(person, Duty.OVERSEE, units(city)[given_at])

    assert {name for name, unit in units(city).items() if duties.has(person, Duty.OVERSEE, unit)} == reached
    assert set(Organisation.objects.reached_by(person, Duty.OVERSEE)) == {units(city)[name] for name in reached}
    assert {name for name, unit in units(city).items() if person in duties.holders(Duty.OVERSEE, unit)} == reached
    assert not any(
        duties.has(person, duty, unit) for duty in set(Duty) - {Duty.OVERSEE} for unit in units(city).values()
    )


def test_every_person_of_the_city_holds_exactly_what_was_given(city):
    held = {name: {(duty, unit.pk) for duty, unit in duties.held_by(user)} for name, user in city.people().items()}

    assert held == {
        "officer": {(Duty.ENTER_VIOLATIONS, city.station.pk)},
        "officer2": {(Duty.ENTER_VIOLATIONS, city.station.pk)},
        "reviewer": {(Duty.CONFIRM_VIOLATIONS, city.branch.pk)},
        "supervisor": {(Duty.DECIDE_REQUESTS, city.branch.pk)},
        "supervisor2": {(Duty.DECIDE_REQUESTS, city.bureau.pk)},
        "kindergarten": {(Duty.FILE_REQUESTS, city.kindergarten.pk)},
        "court": {(Duty.FILE_REQUESTS, city.court.pk)},
        "employer": {(Duty.FILE_REQUESTS, city.employer.pk)},
        "auditor": {(Duty.OVERSEE, city.bureau.pk)},
        "people-admin": {(Duty.ADMINISTER_PEOPLE, city.bureau.pk)},
        "people-admin2": {(Duty.ADMINISTER_PEOPLE, city.bureau.pk)},
        "security-admin": {(Duty.ASSIGN_DUTIES, city.bureau.pk)},
        "security-admin2": {(Duty.ASSIGN_DUTIES, city.bureau.pk)},
    }
    each = duties.held_by_each(city.people().values())
    assert {key: {(duty, unit.pk) for duty, unit in rows} for key, rows in each.items()} == {
        city.people()[name].pk: rows for name, rows in held.items()
    }


def test_a_code_that_begins_like_another_is_another_unit(db):
    short = factories.organisation(OrganisationKind.PUBLIC_SECURITY_BUREAU, code="310101000099", path="310101000099/")
    long = factories.organisation(
        OrganisationKind.PUBLIC_SECURITY_BUREAU, code="310101000099000000", path="310101000099000000/"
    )
    person = factories.user_with(Duty.DECIDE_REQUESTS, organisation=short)

    assert not duties.has(person, Duty.DECIDE_REQUESTS, long)
    assert list(Organisation.objects.reached_by(person, Duty.DECIDE_REQUESTS)) == [short]
    assert not duties.holders(Duty.DECIDE_REQUESTS, long).exists()


def test_a_duty_of_a_disabled_person_sleeps(city, owner):
    owner.execute("alter table access_user disable trigger user")
    owner.execute("update access_user set is_active = false where id = %s", [city.supervisor.pk])

    assert not duties.has(city.supervisor, Duty.DECIDE_REQUESTS, city.branch)
    assert not duties.holds(city.supervisor, Duty.DECIDE_REQUESTS)
    assert not Organisation.objects.reached_by(city.supervisor, Duty.DECIDE_REQUESTS).exists()
    assert list(duties.holders(Duty.DECIDE_REQUESTS, city.branch)) == [city.supervisor2]
    assert duties.held_by(city.supervisor) == []


def test_a_duty_is_given_once_and_is_gone_when_it_is_withdrawn(city):
    factories.give(city.officer, Duty.CONFIRM_VIOLATIONS, city.station)
    with pytest.raises(psycopg.DatabaseError, match="HELD"):
        factories.give(city.officer, Duty.CONFIRM_VIOLATIONS, city.station)
    assert OrganisationUserObjectPermission.objects.filter(user=city.officer).count() == 2

    factories.withdraw(city.officer, Duty.CONFIRM_VIOLATIONS, city.station)
    assert [duty for duty, _where in duties.held_by(city.officer)] == [Duty.ENTER_VIOLATIONS]


def test_a_duty_is_read_when_it_is_used_and_never_kept(city):
    factories.user_with(Duty.OVERSEE, organisation=city.bureau)  # the last one could not be relieved
    assert city.auditor.may_oversee
    factories.withdraw(city.auditor, Duty.OVERSEE, city.bureau)

    assert not city.auditor.may_oversee


def test_a_grant_names_its_recipient_and_no_other_grant(city):
    one, _other = factories.approved(city), factories.approved(city, by=city.judge, code="PSAPL-136-CASE")

    assert list(type(one).objects.openable_by(city.requester)) == [one]
