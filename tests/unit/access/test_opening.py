"""Before anything is shown: undertaking, identity, and one counted opening (what the door shows is in records/test_disclosure)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from access import kinds
from access.actions import decisions, opening, people, requests
from access.exceptions import NothingToShow, Refused, Unavailable, WrongState
from access.models import IdentityConfirmation, Opening, OpeningExtension, Undertaking, UndertakingText, User
from access.models.duty import Duty
from audit import trail
from audit.models import Event
from tests import factories
from tests.factories import SESSION
from tests.tampering import tamper

pytestmark = pytest.mark.django_db


@pytest.fixture
def grant(city):
    return factories.ready(factories.approved(city))


def opened(grant, **values):
    arguments = {"by": grant.access_request.requester, "session_key": SESSION, "token": factories.token(), **values}
    subject = arguments.pop("subject", None) or factories.subject_of(grant)
    [counted] = opening.open_grant(grant, [subject], **arguments)
    return counted


def used(grant) -> int:
    return Opening.objects.filter(grant=grant).count()


def disclosed() -> int:
    """How many answers may be shown: none of these tests goes on to show one."""
    assert not Event.objects.filter(kind__in=["ANSWER_SHOWN", "ANSWER_REFUSED"]).exists()
    return Event.objects.filter(kind="OPENING").count()


def test_an_undertaking_is_signed_once_with_ones_own_name(city):
    grant = factories.approved(city)
    for name in ("", "别人", f"{city.requester.full_name}一"):
        with pytest.raises(Refused, match="your own full name"):
            opening.sign_undertaking(
                grant, by=city.requester, signed_name=name, text=UndertakingText.objects.to_sign(city.requester)
            )
    for _time in range(2):
        opening.sign_undertaking(
            grant,
            by=city.requester,
            signed_name=f" {city.requester.full_name} ",
            text=UndertakingText.objects.to_sign(city.requester),
        )

    assert Undertaking.objects.get().signed_name == city.requester.full_name
    assert Event.objects.filter(kind="UNDERTAKING_SIGNED").count() == 1


def test_a_grant_does_not_exist_for_anybody_it_does_not_name(city, grant):
    for person in city.people().values():
        if person != city.requester:
            with pytest.raises(NothingToShow):
                opening.sign_undertaking(
                    grant, by=person, signed_name=person.full_name, text=UndertakingText.objects.to_sign(person)
                )
            with pytest.raises(NothingToShow):
                opened(grant, by=person)
    assert (used(grant), disclosed(), Undertaking.objects.count()) == (0, 0, 1)


def test_a_failed_confirmation_is_an_event_and_confirms_nothing(city):
    grant = factories.approved(city)
    assert not factories.confirm_identity(by=city.requester, session_key=SESSION, grant=grant, proved=False)

    assert not IdentityConfirmation.objects.filter(user=city.requester).exists()
    assert not opening.identity_is_fresh(city.requester, SESSION, grant)
    assert Event.objects.filter(kind="IDENTITY_NOT_CONFIRMED", actor=str(city.requester.pk)).count() == 1


def test_a_confirmation_counts_for_its_person_session_and_grant_and_keeps_no_session_key(city):
    grant, other = factories.approved(city), factories.ready(factories.approved(city), session_key="another")
    opening.sign_undertaking(
        grant,
        by=city.requester,
        signed_name=city.requester.full_name,
        text=UndertakingText.objects.to_sign(city.requester),
    )
    factories.confirm_identity(by=city.requester, session_key=SESSION, grant=grant, proved=True)

    assert opening.identity_is_fresh(city.requester, SESSION, grant)
    assert not opening.identity_is_fresh(city.requester, "another", grant)
    assert not opening.identity_is_fresh(city.requester, SESSION, other)
    assert not opening.identity_is_fresh(city.judge, SESSION, grant)
    assert SESSION.encode() not in bytes(IdentityConfirmation.objects.get(target_id=grant.pk).session_digest)
    # And the door asks the same: neither session opens the grant of the other.
    for opened_grant, session in ((grant, "another"), (other, SESSION)):
        with pytest.raises(Refused, match="Confirm your identity"):
            opened(opened_grant, session_key=session)
    opened(grant)
    opened(other, session_key="another")


def test_an_opening_needs_the_undertaking_and_a_fresh_confirmation(city, owner):
    grant = factories.approved(city)
    factories.confirm_identity(by=city.requester, session_key=SESSION, grant=grant, proved=True)
    with pytest.raises(Refused, match="undertaking"):
        opened(grant)
    opening.sign_undertaking(
        grant,
        by=city.requester,
        signed_name=city.requester.full_name,
        text=UndertakingText.objects.to_sign(city.requester),
    )
    owner.execute("update audit_limit set value = 0 where name = 'CONFIRMATION_SECONDS'")
    with pytest.raises(Refused, match="Confirm your identity"):
        opened(grant)
    assert (used(grant), disclosed()) == (0, 0)


def test_each_form_is_one_opening_however_often_it_is_sent(grant):
    token = factories.token()
    events = {opened(grant, token=token).event for _time in range(3)}

    assert (used(grant), Opening.objects.count(), len(events)) == (1, 1, 3)
    opened(grant)
    assert (used(grant), disclosed()) == (2, 4)


def test_openings_are_counted_for_each_person_and_opened_in_the_order_that_was_asked(city):
    grant = factories.ready(
        factories.approved(city, factories.person(), factories.person(), factories.person(), scope={"openings": 2})
    )
    first, second, third = (factories.subject_of(grant, place) for place in (1, 2, 3))
    token = factories.token()
    asked = {"by": city.requester, "session_key": SESSION, "token": token}
    counted = opening.open_grant(grant, [third, first, second], **asked)

    assert [one.subject for one in counted] == [third.pk, first.pk, second.pk]
    assert len({one.event for one in counted}) == len({one.opening for one in counted}) == 3
    again = opening.open_grant(grant, [third, first, second], **asked)
    assert [one.opening for one in again] == [one.opening for one in counted]
    opened(grant, subject=first)
    # The first person is used up, and nothing of a list that names them is opened; the others still are.
    for asked_about in ([second, first], [first]):
        with pytest.raises(WrongState, match="Every opening"):
            opening.open_grant(grant, asked_about, **{**asked, "token": factories.token()})
    assert [grant.openings_left_for(one) for one in (first, second, third)] == [0, 1, 1]
    opened(grant, subject=second)
    assert (used(grant), disclosed()) == (5, 8)


@pytest.mark.parametrize("named", ["nobody", "twice", "one of another request"])
def test_a_list_of_people_is_opened_as_a_whole_or_not_at_all(city, named):
    grant = factories.ready(factories.approved(city, factories.person(), factories.person()))
    subject = factories.subject_of(grant)
    people = {
        "nobody": [],
        "twice": [subject, subject],
        "one of another request": [subject, factories.subject_of(factories.approved(city))],
    }[named]

    with pytest.raises(NothingToShow):
        opening.open_grant(grant, people, by=city.requester, session_key=SESSION, token=factories.token())
    assert (used(grant), disclosed()) == (0, 0)


def test_an_opening_is_never_part_of_a_transaction(grant):
    with pytest.raises(RuntimeError, match="commits by itself"), transaction.atomic():
        opened(grant)
    assert (used(grant), disclosed()) == (0, 0)


def test_nothing_is_opened_while_the_trail_is_stale(grant, owner):
    owner.execute("update audit_limit set value = 1 where name = 'STALE_TRAIL_STOPS'")

    with pytest.raises(Unavailable, match="not sequenced or signed"):
        opened(grant)
    assert (used(grant), disclosed()) == (0, 0)


def test_openings_are_used_up(city):
    grant = factories.ready(factories.approved(city, scope={"openings": 1}))
    opened(grant)

    with pytest.raises(WrongState, match="Every opening"):
        opened(grant)
    assert (used(grant), disclosed()) == (1, 1)


def test_a_token_saves_no_opening_of_another_person_or_grant(city):
    grant = factories.ready(factories.approved(city, factories.person(), factories.person(), scope={"openings": 1}))
    other = factories.ready(factories.approved(city))
    first, second = (factories.subject_of(grant, place) for place in (1, 2))
    token = factories.token()
    one = opened(grant, token=token, subject=first)

    # Together with somebody it did not open it opens nobody.
    with pytest.raises(NothingToShow):
        opening.open_grant(grant, [first, second], by=city.requester, session_key=SESSION, token=token)
    assert (used(grant), used(other), disclosed()) == (1, 0, 1)
    # Alone it is an opening of its own, which is counted.
    assert (
        len({one.opening, opened(grant, token=token, subject=second).opening, opened(other, token=token).opening}) == 3
    )
    assert [grant.openings_left_for(subject) for subject in (first, second)] == [0, 0]
    assert (used(grant), used(other), disclosed()) == (2, 1, 3)


def test_the_people_of_an_earlier_round_or_another_request_are_not_in_the_grant(city):
    returned = factories.request_at(factories.RequestStatus.RETURNED, city)
    earlier = returned.subjects.get()
    access_request = requests.submit(returned, by=city.requester, version=returned.version)
    access_request = factories.approve(
        access_request,
        by=city.supervisor,
        version=access_request.version,
        review=factories.review(),
        scope=factories.scope_for(access_request),
    )
    grant = factories.ready(access_request.grant)

    for subject in (earlier, factories.subject_of(factories.approved(city))):
        with pytest.raises(NothingToShow):
            opened(grant, subject=subject)
    assert disclosed() == 0


def test_looking_again_ends_with_the_viewing_time_and_with_the_grant(grant, owner):
    token = factories.token()
    viewing = "update audit_limit set value = %s where name = 'VIEWING_SECONDS'"
    owner.execute(viewing, [0])
    opened(grant, token=token)
    with pytest.raises(WrongState, match="time to look"):
        opened(grant, token=token)
    owner.execute(viewing, [10**6])

    assert opened(grant).viewable_until == grant.ends_at


def left_of(counted, owner, seconds: int) -> None:
    """Let an opening stand for so long only."""
    tamper(
        owner,
        "update access_opening set viewable_until = clock_timestamp() + make_interval(secs => %s) where id = %s",
        seconds,
        counted.opening,
        tables=("access_opening",),
    )


def extensions() -> int:
    assert Event.objects.filter(kind="ANSWER_EXTENDED").count() == OpeningExtension.objects.count()
    return OpeningExtension.objects.count()


def test_whoever_reads_may_take_five_minutes_more_as_often_as_it_is_needed(city, grant, owner):
    counted, reader = opened(grant), grant.access_request.requester
    assert settings.VIEWING_SECONDS - 20 < opening.extend(counted.opening, by=reader) <= settings.VIEWING_SECONDS
    assert extensions() == 0  # no more than the usual time is ever ahead
    left_of(counted, owner, 90)
    for times in (1, 2):
        left = opening.extend(counted.opening, by=reader)
        assert min(90 + times * 300, settings.VIEWING_SECONDS) - 20 < left <= settings.VIEWING_SECONDS
        assert opening.seconds_standing(counted.opening, by=reader.pk) in (left, left - 1)
        assert extensions() == times
    assert opened(grant, token=Opening.objects.get().token).viewable_until > counted.viewable_until - timedelta(
        minutes=9
    )


def test_more_time_ends_with_the_grant(grant, owner):
    counted, reader = opened(grant), grant.access_request.requester
    left_of(counted, owner, 60)
    tamper(
        owner,
        "update access_grant set ends_at = clock_timestamp() + interval '100 seconds'",
        tables=("access_grant",),
    )
    assert 80 < opening.extend(counted.opening, by=reader) <= 100
    assert opening.extend(counted.opening, by=reader) <= 100
    assert extensions() == 1


def test_only_the_reader_of_an_answer_that_may_stand_gets_more_time(city, grant, owner):
    counted, reader = opened(grant), grant.access_request.requester
    left_of(counted, owner, 60)
    for person in city.people().values():
        if person != reader:
            assert opening.extend(counted.opening, by=person) == 0
    assert opening.extend(factories.token(), by=reader) == 0
    stale = "update audit_limit set value = %s where name = 'STALE_TRAIL_STOPS'"
    owner.execute(stale, [1])
    assert 0 < opening.extend(counted.opening, by=reader) <= 60  # Rule 12
    owner.execute(stale, [0])
    decisions.revoke(grant, by=city.supervisor, reason="不再需要。")
    assert opening.extend(counted.opening, by=reader) == 0
    assert extensions() == 0


def test_more_time_is_never_part_of_a_transaction(grant):
    counted = opened(grant)
    with pytest.raises(RuntimeError, match="by itself"), transaction.atomic():
        opening.extend(counted.opening, by=grant.access_request.requester)


def test_whoever_moved_to_another_unit_has_left_the_grant_behind(city, grant):
    person = city.requester
    person.organisation, person._history_user = city.employer, city.people_admin
    with transaction.atomic():
        person.save()
        trail.write(kinds.USER_CHANGED, by=city.people_admin, on=person)
    factories.give(person, Duty.FILE_REQUESTS, city.employer)

    with pytest.raises(NothingToShow):
        opened(grant, by=person)


def test_whoever_no_longer_files_has_left_the_grant_behind(city, grant):
    factories.withdraw(city.requester, Duty.FILE_REQUESTS, city.kindergarten)

    with pytest.raises(NothingToShow):
        opened(grant)


@pytest.mark.parametrize("over", ["expired", "revoked", "disabled", "agreement"])
def test_what_is_over_is_over_at_once(city, grant, owner, over):
    if over == "expired":
        owner.execute("alter table access_grant disable trigger user")
        owner.execute("update access_grant set starts_at = now() - interval '2 days', ends_at = now()")
    elif over == "revoked":
        decisions.revoke(grant, by=city.supervisor, reason="已不需要。")
    else:
        factories.give(city.people_admin, Duty.ADMINISTER_PEOPLE, city.kindergarten)
        if over == "disabled":
            people.disable_user(city.requester, by=city.people_admin)
        else:
            yesterday = timezone.localdate() - timedelta(days=1)
            people.change_agreement(city.kindergarten, by=city.people_admin, ends_on=yesterday)

    with pytest.raises(Refused if over == "agreement" else NothingToShow):
        opened(grant, by=User.objects.get(pk=city.requester.pk))
    assert (used(grant), disclosed()) == (0, 0)


def test_without_its_event_nothing_is_signed_confirmed_or_counted(city, refused_without_trail):
    fresh, grant = factories.approved(city), factories.ready(factories.approved(city))
    token = factories.token()
    opened(grant, token=token)
    for act in (
        lambda: opening.sign_undertaking(
            fresh,
            by=city.requester,
            signed_name=city.requester.full_name,
            text=UndertakingText.objects.to_sign(city.requester),
        ),
        lambda: factories.confirm_identity(by=city.requester, session_key=SESSION, grant=fresh, proved=True),
        lambda: factories.confirm_identity(by=city.requester, session_key=SESSION, grant=fresh, proved=False),
        lambda: opened(grant),
        lambda: opened(grant, token=token),
    ):
        with refused_without_trail():
            act()
