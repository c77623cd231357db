"""Before anything is shown: undertaking, identity, and one counted opening (what the door shows is in records/test_disclosure)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from access import duties
from access.actions import decisions, opening, people, requests
from access.duties import Duty
from access.exceptions import NotAllowed, NothingToShow, Refused, WrongState
from access.models import IdentityConfirmation, Opening, Undertaking, User
from audit.models import Event
from tests import factories
from tests.factories import SESSION

pytestmark = pytest.mark.django_db


@pytest.fixture
def grant(city):
    return factories.ready(factories.approved(city))


def opened(grant, **values):
    arguments = {"by": grant.access_request.requester, "session_key": SESSION, "token": factories.token(), **values}
    subject = arguments.pop("subject", None) or factories.subject_of(grant)
    return opening.open_grant(grant, subject, **arguments)


def used(grant) -> int:
    grant.refresh_from_db()
    return grant.openings_used


def disclosed() -> int:
    return Event.objects.filter(kind="DISCLOSED").count()


def test_an_undertaking_is_signed_once_with_ones_own_name(city):
    grant = factories.approved(city)
    for name in ("", "别人", f"{city.requester.full_name}一"):
        with pytest.raises(Refused, match="your own full name"):
            opening.sign_undertaking(grant, by=city.requester, signed_name=name)
    for _time in range(2):
        opening.sign_undertaking(grant, by=city.requester, signed_name=f" {city.requester.full_name} ")

    assert Undertaking.objects.get().signed_name == city.requester.full_name
    assert Event.objects.filter(kind="UNDERTAKING_SIGNED").count() == 1


def test_a_grant_does_not_exist_for_anybody_it_does_not_name(city, grant):
    for person in city.people().values():
        if person != city.requester:
            with pytest.raises(NothingToShow):
                opening.sign_undertaking(grant, by=person, signed_name=person.full_name)
            with pytest.raises(NothingToShow):
                opened(grant, by=person)
    assert (used(grant), disclosed(), Undertaking.objects.count()) == (0, 0, 1)


def test_a_failed_confirmation_is_an_event_and_confirms_nothing(city):
    assert not opening.confirm_identity(by=city.requester, session_key=SESSION, proved=False)

    assert not IdentityConfirmation.objects.exists()
    assert not opening.identity_is_fresh(city.requester, SESSION)
    assert Event.objects.filter(kind="IDENTITY_NOT_CONFIRMED", actor=str(city.requester.pk)).count() == 1


def test_a_confirmation_counts_for_its_person_and_session_and_keeps_no_session_key(city):
    opening.confirm_identity(by=city.requester, session_key=SESSION, proved=True)

    assert opening.identity_is_fresh(city.requester, SESSION)
    assert not opening.identity_is_fresh(city.requester, "another")
    assert not opening.identity_is_fresh(city.judge, SESSION)
    assert SESSION.encode() not in bytes(IdentityConfirmation.objects.get().session_digest)


def test_each_form_is_one_opening_however_often_it_is_sent(grant):
    token = factories.token()
    events = {opened(grant, token=token)[2] for _time in range(3)}

    assert (used(grant), Opening.objects.count(), len(events)) == (1, 1, 3)
    opened(grant)
    assert (used(grant), disclosed()) == (2, 4)


def test_openings_are_used_up(city):
    grant = factories.ready(factories.approved(city, scope={"openings": 1}))
    opened(grant)

    with pytest.raises(WrongState, match="Every opening"):
        opened(grant)
    assert (used(grant), disclosed()) == (1, 1)


def test_a_token_opens_nothing_else(city):
    grant = factories.ready(factories.approved(city, factories.person(), factories.person()))
    other = factories.ready(factories.approved(city))
    token = factories.token()
    opened(grant, token=token)

    with pytest.raises(NothingToShow):
        opened(grant, token=token, subject=factories.subject_of(grant, 2))
    with pytest.raises(NothingToShow):
        opened(other, token=token)
    assert (used(grant), used(other), disclosed()) == (1, 0, 1)


def test_the_people_of_an_earlier_round_or_another_request_are_not_in_the_grant(city):
    returned = factories.request_at(factories.RequestStatus.RETURNED, city)
    earlier = returned.subjects.get()
    access_request = requests.submit(returned, by=city.requester)
    access_request = decisions.approve(
        access_request, by=city.supervisor, review=factories.review(), scope=factories.scope_for(access_request)
    )
    grant = factories.ready(access_request.grant)

    for subject in (earlier, factories.subject_of(factories.approved(city))):
        with pytest.raises(NothingToShow):
            opened(grant, subject=subject)
    assert disclosed() == 0


def test_looking_again_ends_with_the_viewing_time_and_with_the_grant(grant, settings):
    token = factories.token()
    settings.VIEWING_SECONDS = 0
    opened(grant, token=token)
    with pytest.raises(WrongState, match="time to look"):
        opened(grant, token=token)
    settings.VIEWING_SECONDS = 10**6
    _grant, counted, _event = opened(grant)

    assert counted.viewable_until == grant.ends_at


def test_whoever_moved_to_another_unit_has_left_the_grant_behind(city, grant):
    person = city.requester
    person.organisation = city.employer

    with pytest.raises(NothingToShow):
        opened(grant, by=person)


@pytest.mark.parametrize("over", ["expired", "revoked", "disabled", "agreement"])
def test_what_is_over_is_over_at_once(city, grant, owner, over):
    if over == "expired":
        owner.execute("update access_grant set starts_at = now() - interval '2 days', ends_at = now()")
    elif over == "revoked":
        decisions.revoke(grant, by=city.supervisor, reason="已不需要。")
    else:
        duties.give(city.people_admin, Duty.ADMINISTER_PEOPLE, city.kindergarten)
        if over == "disabled":
            people.disable_user(city.requester, by=city.people_admin)
        else:
            yesterday = timezone.localdate() - timedelta(days=1)
            people.change_agreement(city.kindergarten, by=city.people_admin, ends_on=yesterday)

    with pytest.raises(NotAllowed if over == "agreement" else NothingToShow):
        opened(grant, by=User.objects.get(pk=city.requester.pk))
    assert (used(grant), disclosed()) == (0, 0)


def test_without_its_event_nothing_is_signed_confirmed_or_counted(city, refused_without_trail):
    fresh, grant = factories.approved(city), factories.ready(factories.approved(city))
    token = factories.token()
    opened(grant, token=token)
    for act in (
        lambda: opening.sign_undertaking(fresh, by=city.requester, signed_name=city.requester.full_name),
        lambda: opening.confirm_identity(by=city.requester, session_key=SESSION, proved=True),
        lambda: opening.confirm_identity(by=city.requester, session_key=SESSION, proved=False),
        lambda: opened(grant),
        lambda: opened(grant, token=token),
    ):
        with refused_without_trail():
            act()
