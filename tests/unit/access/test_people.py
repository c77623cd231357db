"""Units, people and duties, four ways each: it works, wrong person, wrong state, and a failing trail changes nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone

from access import duties
from access.actions import people, proposals
from access.codes import Part
from access.exceptions import NotAllowed, Refused, WrongState
from access.identifiers import IdentifierError
from access.models import Organisation, Proposal, Session, User
from access.models.duty import DANGEROUS, EXCLUSIVE, Duty
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
    able = (
        {city.security_admin, city.security_admin2} if act in OF_SECURITY else {city.people_admin, city.people_admin2}
    )
    for person in [elsewhere, *(set(city.people().values()) - able)]:
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
    user, code = people.create_user(by=city.people_admin, **person_values(city))

    assert duties.held_by(user) == []
    assert not user.has_usable_password() and code.part == Part.WHOLE
    assert "password" not in {field.name for field in User.history.model._meta.get_fields()}


def test_a_user_name_belongs_to_one_person(city):
    with pytest.raises(IntegrityError):
        people.create_user(by=city.people_admin, **person_values(city, username="officer"))
    with pytest.raises(IntegrityError, match="one_person_a_badge_number"):
        people.create_user(by=city.people_admin, **person_values(city, badge_number=city.officer.badge_number))


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
    with pytest.raises(NotAllowed, match="your own"):
        people.give_duty(city.security_admin, Duty.DECIDE_REQUESTS, city.branch, by=city.security_admin)
    with pytest.raises(NotAllowed, match="your own"):
        people.withdraw_duty(city.security_admin, Duty.ASSIGN_DUTIES, city.bureau, by=city.security_admin)


@pytest.mark.parametrize("held", sorted(EXCLUSIVE))
def test_the_three_keepers_of_the_system_are_three_people(city, held):
    person = factories.user_with(held, organisation=city.station)

    for duty in set(Duty) - {held}:
        with pytest.raises(Refused, match="holds no other duty"):
            people.give_duty(person, duty, city.station, by=city.security_admin, reason="任命。")
    people.withdraw_duty(person, held, city.station, by=city.security_admin)
    people.give_duty(person, Duty.ENTER_VIOLATIONS, city.station, by=city.security_admin)
    with pytest.raises(Refused, match="holds no other duty"):
        people.give_duty(person, held, city.station, by=city.security_admin, reason="任命。")
    assert [duty for duty, _where in duties.held_by(person)] == [Duty.ENTER_VIOLATIONS]


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


@pytest.mark.parametrize(
    ("who", "duty", "unit"),
    [
        ("judge", Duty.ENTER_VIOLATIONS, "station"),
        ("officer", Duty.ENTER_VIOLATIONS, "branch2"),
        ("officer", Duty.FILE_REQUESTS, "kindergarten"),
        ("requester", Duty.CONFIRM_VIOLATIONS, "kindergarten"),
    ],
)
def test_a_duty_fits_the_unit_and_the_person(city, who, duty, unit):
    city.branch2 = factories.organisation(OrganisationKind.PUBLIC_SECURITY_BRANCH, parent=city.bureau)
    for outside in (city.kindergarten, city.court):
        factories.give(city.security_admin, Duty.ASSIGN_DUTIES, outside)

    with pytest.raises(Refused, match="does not fit"):
        people.give_duty(getattr(city, who), duty, getattr(city, unit), by=city.security_admin)


def test_withdrawing_takes_one_and_ends_the_sessions(city):
    worlds.sign_in(city.supervisor)

    people.withdraw_duty(city.supervisor, Duty.DECIDE_REQUESTS, city.branch, by=city.security_admin2)

    assert not duties.holds(city.supervisor, Duty.DECIDE_REQUESTS)
    assert not Session.objects.live().filter(user=city.supervisor).exists()
    with pytest.raises(Refused, match="does not hold"):
        people.withdraw_duty(city.supervisor, Duty.DECIDE_REQUESTS, city.branch, by=city.security_admin2)


def test_an_agreement_that_is_over_ends_the_sessions_of_its_unit_and_of_no_other(city):
    for user in (city.requester, city.judge):
        worlds.sign_in(user)
    today = timezone.localdate()
    administrator = factories.administrator_of(city.kindergarten)

    people.change_agreement(city.kindergarten, by=administrator, ends_on=today)
    assert Session.objects.live().filter(user=city.requester).exists()
    people.change_agreement(city.kindergarten, by=administrator, ends_on=today - timedelta(days=1))
    assert not Session.objects.live().filter(user=city.requester).exists()
    assert Session.objects.live().filter(user=city.judge).exists()


def test_the_last_overseer_at_the_top_stays(city):
    with pytest.raises(Refused, match="must not be left"):
        people.withdraw_duty(city.auditor, Duty.OVERSEE, city.bureau, by=city.security_admin)
    with pytest.raises(Refused, match="Nobody else at the top"):
        people.disable_user(city.auditor, by=city.people_admin)
    people.disable_user(city.people_admin2, by=city.people_admin)
    assert duties.holds(city.auditor, Duty.OVERSEE)


# What takes two ------------------------------------------------------------------------------------------------------------


def newcomer(city, *, by_two: bool) -> User:
    """Return somebody who has chosen a password with a code of one or of two administrators."""
    user, first = people.create_user(by=city.people_admin, by_two=by_two, **person_values(city))
    text = first.text
    if by_two:
        text += factories.enact(Proposal.objects.get(person=user), by=city.people_admin2).text
    assert people.enrol(by="NEWCOMER", code=text.lower().replace("-", " "), password="chosen by its holder") == user
    return User.objects.get(pk=user.pk)


@pytest.mark.parametrize("by_two", [False, True])
def test_the_holder_chooses_the_password_with_the_code_and_nobody_knew_it(city, by_two):
    user = newcomer(city, by_two=by_two)

    assert user.check_password("chosen by its holder")
    code = user.enrolments.get()
    assert (code.made_by, code.second_by) == (city.people_admin, city.people_admin2 if by_two else None)
    assert people.enrol(by="newcomer", code="22222222222222222222", password="another password") is None
    assert Event.objects.filter(kind="ENROLMENT_FAILED", target_id=str(user.pk)).count() == 1
    assert people.enrol(by="no such name", code="2222", password="another password") is None


def test_half_a_code_is_none(city):
    user, first = people.create_user(by=city.people_admin, by_two=True, **person_values(city))
    assert people.enrol(by="newcomer", code=first.text, password="chosen by its holder") is None
    second = factories.enact(Proposal.objects.get(person=user), by=city.people_admin2)
    for wrong in (first.text, second.text, second.text + first.text):
        assert people.enrol(by="newcomer", code=wrong, password="chosen by its holder") is None
    assert (first.part, second.part) == (Part.FIRST, Part.SECOND)


def test_a_new_code_for_who_decides_takes_two_and_ends_the_sessions_when_it_is_used(city):
    first = people.renew_code(city.supervisor, by=city.people_admin, reason="手机遗失。")
    with pytest.raises(Refused, match="waits for its second half"):
        people.renew_code(city.supervisor, by=city.people_admin2, reason="手机遗失。")
    proposal = Proposal.objects.get(person=city.supervisor)
    with pytest.raises(NotAllowed, match="You proposed this"):
        factories.enact(proposal, by=city.people_admin)
    second = factories.enact(proposal, by=city.people_admin2)
    worlds.sign_in(city.supervisor)

    [notice] = people.notices(city.supervisor)
    assert city.people_admin.full_name in notice and city.people_admin2.full_name in notice
    assert people.enrol(by="supervisor", code=first.text + second.text, password="another choice of mine")
    assert not Session.objects.live().filter(user=city.supervisor).exists()
    [notice] = people.notices(city.supervisor)
    assert "chosen anew" in notice


@pytest.mark.parametrize(
    ("who", "by"), [("people_admin", "people_admin"), ("judge", "people_admin"), ("officer", "auditor")]
)
def test_who_may_not_makes_no_code(city, who, by):
    with pytest.raises(NotAllowed):
        people.renew_code(getattr(city, who), by=getattr(city, by), reason="x")


def test_a_dangerous_duty_is_proposed_by_one_and_given_by_another(city):
    user = newcomer(city, by_two=True)
    proposal = people.give_duty(user, Duty.DECIDE_REQUESTS, city.branch, by=city.security_admin, reason="任命。")
    assert not duties.held_by(user)
    with pytest.raises(WrongState, match="proposed already"):
        people.give_duty(user, Duty.DECIDE_REQUESTS, city.branch, by=city.security_admin2, reason="任命。")
    for person in set(city.people().values()) - {city.security_admin2}:
        with pytest.raises(NotAllowed):
            factories.enact(proposal, by=person)

    factories.enact(proposal, by=city.security_admin2)

    assert [duty for duty, _where in duties.held_by(user)] == [Duty.DECIDE_REQUESTS]
    with pytest.raises(WrongState, match="already decided"):
        factories.enact(proposal, by=city.security_admin2)


def test_who_was_enrolled_by_one_gets_no_dangerous_duty(city):
    user = newcomer(city, by_two=False)
    for duty in DANGEROUS:
        with pytest.raises(Refused, match="new code by two"):
            people.give_duty(user, duty, city.branch, by=city.security_admin, reason="任命。")


def test_a_dangerous_duty_needs_a_reason(city):
    user = newcomer(city, by_two=True)
    with pytest.raises(Refused, match="give the reason"):
        people.give_duty(user, Duty.DECIDE_REQUESTS, city.branch, by=city.security_admin, reason="  ")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda city, user: factories.give(user, Duty.ENTER_VIOLATIONS, city.station), "has changed"),
        (lambda city, user: people.disable_user(user, by=city.people_admin), "has changed"),
        (lambda city, user: factories.enrol(user), "has changed"),
        (
            lambda city, user: factories.withdraw(city.security_admin, Duty.ASSIGN_DUTIES, city.bureau),
            "no longer holds",
        ),
        (lambda city, user: people.disable_user(city.security_admin, by=city.people_admin), "no longer holds"),
    ],
)
def test_a_proposal_on_other_ground_or_of_somebody_who_lost_the_duty_is_refused(city, change, sentence):
    user = newcomer(city, by_two=True)
    proposal = people.give_duty(user, Duty.DECIDE_REQUESTS, city.branch, by=city.security_admin, reason="任命。")
    change(city, user)

    with pytest.raises(Refused, match=sentence):
        factories.enact(proposal, by=city.security_admin2)
    proposals.turn_down(proposal, by=city.security_admin2, reason="情况已变化。")
    proposal.refresh_from_db()
    assert (proposal.state, proposal.answer) == ("TURNED_DOWN", "情况已变化。")


def test_turning_down_needs_a_reason_and_taking_back_needs_none(city):
    user = newcomer(city, by_two=True)
    proposal = people.give_duty(user, Duty.DECIDE_REQUESTS, city.branch, by=city.security_admin, reason="任命。")
    with pytest.raises(Refused, match="Give the reason"):
        proposals.turn_down(proposal, by=city.security_admin2, reason=" ")
    for person in (city.people_admin, city.auditor, user):
        with pytest.raises(NotAllowed):
            proposals.turn_down(proposal, by=person, reason="不同意。")
    proposals.turn_down(proposal, by=city.security_admin, reason="")
    proposal.refresh_from_db()
    assert proposal.state == "WITHDRAWN"
    with pytest.raises(WrongState):
        proposals.turn_down(proposal, by=city.security_admin2, reason="不同意。")
