"""What the queue shows somebody is what the guard lets them do (security.md 5, item 24): over every state and role.

One rule, asked by everybody: the queue and the badge (`decidable_by`), the guard of the actions (`check_can_decide`), the
button of a page, the routing of a submission (`eligible_deciders`), and the database, which judges for itself.
"""

from __future__ import annotations

import pytest
from django.urls import reverse

from access import permissions
from access.actions import opening
from access.exceptions import NothingToShow
from access.models import AccessRequest, Grant
from access.models.duty import Duty
from access.models.requests import Bar
from access.models.requests import Status as RequestStatus
from records import permissions as of_records
from records.models import Status, Violation
from tests import factories
from tests.worlds import client_of, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def city():
    return factories.City()


def everybody(city: factories.City) -> dict[str, factories.User]:
    """Everybody of the city, and those on whom a rule turns: a deputy of who files, and deciders of who asks' own unit."""
    former, deputy = factories.appointed_by(city)
    same_unit = factories.user_with(Duty.DECIDE_REQUESTS, organisation=city.branch)
    of_bureau = factories.user_with(Duty.DECIDE_REQUESTS, organisation=city.bureau)
    elsewhere = factories.user_with(
        Duty.DECIDE_REQUESTS, organisation=factories.organisation(factories.OrganisationKind.PUBLIC_SECURITY_BRANCH)
    )
    gone = factories.user_with(Duty.DECIDE_REQUESTS, organisation=city.branch)
    gone = factories.people.disable_user(gone, by=city.people_admin)
    of_station = factories.UserFactory(organisation=city.station)
    factories.give(of_station, Duty.DECIDE_REQUESTS, city.bureau)
    more = {
        "former": former,
        "deputy": deputy,
        "same_unit": same_unit,
        "of_bureau": of_bureau,
        "elsewhere": elsewhere,
        "of_station": of_station,
    }
    return {**city.people(), **more, "gone": gone, "nobody": factories.UserFactory(organisation=city.station)}


def requests_of(city: factories.City, former: factories.User) -> list[AccessRequest]:
    """A request in each state, with one approver and with two, half voted ones, and one of a former appointer."""
    made = [factories.request_at(state, city) for state in RequestStatus]
    made += [factories.request_at(state, city, by=city.judge, code="PSAPL-136-CASE") for state in RequestStatus]
    half = factories.submitted(city, by=city.judge, code="PSAPL-136-CASE")
    refusal = factories.refuse(half, by=city.supervisor, version=half.version, review=factories.review())
    assert refusal.status == RequestStatus.SUBMITTED
    return [*made, half, factories.submitted(city, by=former, code="PSAPL-136-CASE")]


def test_queue_badge_guard_button_and_database_agree_on_every_request_for_everybody(city):
    people = everybody(city)
    requests = requests_of(city, people["former"])
    seen = set()
    for name, user in people.items():
        queue = set(AccessRequest.objects.decidable_by(user))
        browser = client_of(sign_in(user)) if user.is_active else None
        for access_request in requests:
            fresh = AccessRequest.objects.get(pk=access_request.pk)
            case = (name, fresh.status, fresh.approvals_needed)
            is_waiting = fresh.status == RequestStatus.SUBMITTED
            may = permissions.allowed(permissions.check_can_decide, user, fresh)
            by_database = factories.as_owner("select access_may_decide(%s, %s)", fresh.pk, user.pk)
            assert may == by_database, case
            assert (fresh in queue) == (may and is_waiting), case
            if browser and fresh.status != RequestStatus.DRAFT:
                page = browser.get(reverse("access:request", kwargs={"pk": fresh.pk}))
                has_button = page.status_code == 200 and page.context["may_decide"]
                assert has_button == (fresh in queue), case
            seen.add(AccessRequest.objects.filter(pk=fresh.pk).bar_against(user))
        if browser and queue:
            assert browser.get(reverse("desk")).context["user"].frame.waiting["access:queue"] == len(queue), name
    assert seen == {*Bar, None}, "Every bar has to stand for somebody, and somebody has to be let."


def test_a_submission_goes_to_whose_guard_then_lets_them_vote(city):
    people = everybody(city)
    for access_request in requests_of(city, people["former"]):
        fresh = AccessRequest.objects.get(pk=access_request.pk)
        if fresh.status != RequestStatus.SUBMITTED or fresh.decisions.filter(round=fresh.round).exists():
            continue
        eligible = set(permissions.eligible_deciders(fresh, fresh.receiving_organ))
        assert eligible == {
            user for user in people.values() if permissions.allowed(permissions.check_can_decide, user, fresh)
        }


def test_review_lists_and_guards_agree_on_every_record_for_everybody(city):
    people = everybody(city)
    handler = people["officer"]
    # Who handles a record and reviews the unit as well is no reviewer of it.
    factories.give(handler, Duty.CONFIRM_VIOLATIONS, city.branch)
    reviewed, handled = set(), set()
    for state in Status:
        made = factories.violation_at(state, city)
        if state == Status.SEALED:
            assert not Violation.objects.filter(pk=made.pk).exists()
            continue
        for name, user in people.items():
            case = (name, state)
            may_review = permissions.allowed(of_records.check_can_review, user, made)
            is_listed = Violation.objects.reviewable_by(user).filter(pk=made.pk).exists()
            assert is_listed == (may_review and state in {Status.SUBMITTED, Status.CONFIRMED}), case
            may_handle = permissions.allowed(of_records.check_can_handle, user, made)
            assert Violation.objects.handled_by(user).filter(pk=made.pk).exists() == may_handle, case
            reviewed |= {name} if is_listed else set()
            handled |= {name} if may_handle else set()
    assert (reviewed, handled) == ({"reviewer"}, {"officer"})


def test_who_is_shown_a_grant_is_let_in_by_the_database_and_nobody_else(city):
    people = everybody(city)
    grant = factories.ready(factories.approved(city))
    subject = factories.subject_of(grant)
    for name, user in people.items():
        is_listed = Grant.objects.openable_by(user).live().filter(pk=grant.pk).exists()
        assert is_listed == (user == city.requester), name
        opened = True
        try:
            opening.open_grant(grant, [subject], by=user, session_key=factories.SESSION, token=factories.token())
        except NothingToShow:
            opened = False
        assert opened == is_listed, name
