"""Units, people and duties, four ways each: it works, wrong person, wrong state, and a failing trail changes nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.utils import timezone

from access import duties
from access.actions import people
from access.duties import EXCLUSIVE, Duty
from access.exceptions import NotAllowed, Refused
from access.identifiers import IdentifierError
from access.models import Organisation, User
from access.models.people import OrganisationKind
from audit.models import Event
from tests import factories, worlds

pytestmark = pytest.mark.django_db

TODAY = timezone.localdate


def person_values(city, **values):
    return {
        "username": "newcomer",
        "full_name": "新同事",
        "badge_number": "090909",
        "organisation": city.station,
        "password": "a long and unusual sentence",
        **values,
    }


def unit_values(city, **values):
    return {
        "name": "新派出所",
        "name_en": "New police station",
        "kind": OrganisationKind.POLICE_STATION,
        "code": "310101990000",
        "region_code": "310101",
        "parent": city.branch,
        **values,
    }


ACTS = {
    "create a unit": lambda city, by: people.create_organisation(by=by, **unit_values(city)),
    "change an agreement": lambda city, by: people.change_agreement(city.kindergarten, by=by, ends_on=TODAY()),
    "create a person": lambda city, by: people.create_user(by=by, **person_values(city)),
    "disable a person": lambda city, by: people.disable_user(city.officer, by=by),
    "enable a person": lambda city, by: people.enable_user(city.officer, by=by),
    "give a duty": lambda city, by: people.give_duty(city.officer2, Duty.CONFIRM_VIOLATIONS, city.station, by=by),
    "withdraw a duty": lambda city, by: people.withdraw_duty(city.officer, Duty.ENTER_VIOLATIONS, city.station, by=by),
}
OF_SECURITY = {"give a duty", "withdraw a duty"}


@pytest.fixture
def city(city):
    factories.give(city.people_admin, Duty.ADMINISTER_PEOPLE, city.kindergarten)
    return city


def keeper(city, act) -> User:
    return city.security_admin if act in OF_SECURITY else city.people_admin


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        ("create a unit", "ORGANISATION_CREATED"),
        ("change an agreement", "AGREEMENT_CHANGED"),
        ("create a person", "USER_CREATED"),
        ("disable a person", "USER_DISABLED"),
        ("enable a person", "USER_ENABLED"),
        ("give a duty", "DUTY_GIVEN"),
        ("withdraw a duty", "DUTY_WITHDRAWN"),
    ],
)
def test_the_keeper_of_an_act_does_it_and_the_event_says_who(city, act, kind):
    ACTS[act](city, keeper(city, act))

    assert Event.objects.filter(kind=kind).latest("at").actor == str(keeper(city, act).pk)


@pytest.mark.parametrize("act", list(ACTS))
def test_nobody_else_does_it(city, act):
    elsewhere = factories.user_with(
        Duty.ADMINISTER_PEOPLE,
        organisation=factories.organisation(OrganisationKind.PUBLIC_SECURITY_BUREAU, region_code="320100"),
    )

    before = Event.objects.count()
    for person in [elsewhere, *(set(city.people().values()) - {keeper(city, act)})]:
        with pytest.raises(NotAllowed):
            ACTS[act](city, person)
    assert Event.objects.count() == before


def test_without_its_event_nothing_happens(city, refused_without_trail):
    for act, do in ACTS.items():
        with refused_without_trail():
            do(city, keeper(city, act))


# Units -----------------------------------------------------------------------------------------------------------------


def test_a_new_unit_stands_below_its_parent(city):
    unit = people.create_organisation(by=city.people_admin, **unit_values(city))

    assert unit.path == f"{city.branch.path}310101990000/"
    assert duties.has(city.supervisor, Duty.DECIDE_REQUESTS, unit)
    assert [row.history_user_id for row in Organisation.history.filter(id=unit.pk)] == [city.people_admin.pk]


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"parent": None}, NotAllowed),
        ({"code": "123"}, IdentifierError),
        ({"kind": OrganisationKind.SCHOOL, "agreement_ends_on": None}, IdentifierError),
        ({"kind": OrganisationKind.SCHOOL, "code": "12310101MB1234567P"}, IdentifierError),
    ],
)
def test_a_unit_that_cannot_be_right_is_refused(city, values, error):
    before = Organisation.objects.count()

    with pytest.raises(error):
        people.create_organisation(by=city.people_admin, **unit_values(city, **values))
    assert Organisation.objects.count() == before


def test_a_public_security_organ_has_no_agreement_to_change(city):
    with pytest.raises(Refused, match="has no agreement"):
        people.change_agreement(city.station, by=city.people_admin, ends_on=TODAY())


def test_an_agreement_that_ended_yesterday_ends_filing_at_once(city):
    people.change_agreement(city.kindergarten, by=city.people_admin, ends_on=TODAY() - timedelta(days=1))
    requester = User.objects.get(pk=city.requester.pk)

    with pytest.raises(NotAllowed, match="agreement"):
        factories.request_draft(city, by=requester)


# People ------------------------------------------------------------------------------------------------------------------


def test_a_new_person_holds_no_duty_and_no_password_is_kept(city):
    user = people.create_user(by=city.people_admin, **person_values(city))

    assert duties.held_by(user) == []
    assert user.check_password("a long and unusual sentence")
    assert "password" not in {field.name for field in User.history.model._meta.get_fields()}


@pytest.mark.parametrize("password", ["short", "password1234", "newcomer-1234"])
def test_a_weak_password_is_refused(city, password):
    with pytest.raises(ValidationError):
        people.create_user(by=city.people_admin, **person_values(city, password=password))
    assert not User.objects.filter(username="newcomer").exists()


def test_a_user_name_belongs_to_one_person(city):
    with pytest.raises(IntegrityError):
        people.create_user(by=city.people_admin, **person_values(city, username="officer"))


def test_disabling_ends_the_sessions_of_that_person_only(city):
    keys = {user: worlds.sign_in(user) for user in (city.officer, city.officer2)}

    people.disable_user(city.officer, by=city.people_admin)

    assert [worlds.client_of(key).get("/").status_code for key in keys.values()] == [302, 200]
    assert not duties.has(city.officer, Duty.ENTER_VIOLATIONS, city.station)
    people.enable_user(city.officer, by=city.people_admin)
    assert duties.has(city.officer, Duty.ENTER_VIOLATIONS, city.station)


def test_nobody_disables_themselves(city):
    with pytest.raises(NotAllowed, match="yourself"):
        people.disable_user(city.people_admin, by=city.people_admin)


# Duties ------------------------------------------------------------------------------------------------------------------


def test_nobody_gives_or_takes_a_duty_of_their_own(city):
    with pytest.raises(NotAllowed, match="yourself"):
        people.give_duty(city.security_admin, Duty.DECIDE_REQUESTS, city.branch, by=city.security_admin)
    with pytest.raises(NotAllowed, match="your own"):
        people.withdraw_duty(city.security_admin, Duty.ASSIGN_DUTIES, city.bureau, by=city.security_admin)


@pytest.mark.parametrize("held", sorted(EXCLUSIVE))
def test_the_three_keepers_of_the_system_are_three_people(city, held):
    person = factories.user_with(held, organisation=city.station)

    for duty in Duty:
        if duty in EXCLUSIVE - {held}:
            with pytest.raises(Refused, match="three people"):
                people.give_duty(person, duty, city.station, by=city.security_admin)
        else:
            people.give_duty(person, duty, city.branch, by=city.security_admin)
    assert {duty for duty, _where in duties.held_by(person)} == set(Duty) - EXCLUSIVE | {held}
    people.withdraw_duty(person, held, city.station, by=city.security_admin)
    people.withdraw_duty(person, held, city.branch, by=city.security_admin)
    people.give_duty(person, min(EXCLUSIVE - {held}), city.branch, by=city.security_admin)


def test_a_disabled_person_is_given_nothing_so_that_no_sleeping_duty_is_overlooked(city):
    person = factories.user_with(Duty.OVERSEE, organisation=city.station)
    people.disable_user(person, by=city.people_admin)

    with pytest.raises(Refused, match="disabled"):
        people.give_duty(person, Duty.ASSIGN_DUTIES, city.station, by=city.security_admin)
    people.enable_user(person, by=city.people_admin)
    assert [duty for duty, _where in duties.held_by(person)] == [Duty.OVERSEE]


def test_who_assigns_duties_below_does_not_assign_them_above(city):
    local = factories.user_with(Duty.ASSIGN_DUTIES, organisation=city.branch)
    people.give_duty(city.officer, Duty.CONFIRM_VIOLATIONS, city.station, by=local)

    with pytest.raises(NotAllowed):
        people.give_duty(city.officer, Duty.CONFIRM_VIOLATIONS, city.bureau, by=local)
    with pytest.raises(NotAllowed):
        people.withdraw_duty(city.supervisor2, Duty.DECIDE_REQUESTS, city.bureau, by=local)
