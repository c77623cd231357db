"""The frame of a page: one statement, whoever looks and whatever waits."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from access import frame
from access.actions import people
from access.duties import held_by, kinds_held
from access.models import AccessRequest, Grant, Proposal
from access.models.duty import Duty
from access.models.requests import Status as RequestStatus
from records.models import Status, Violation
from tests import factories, worlds

pytestmark = pytest.mark.django_db


@pytest.fixture
def city() -> factories.City:
    city = factories.City()
    for status in (Status.DRAFT, Status.RETURNED, Status.SUBMITTED, Status.CONFIRMED):
        factories.violation_at(status, city)
    for status in (RequestStatus.SUBMITTED, RequestStatus.SUBMITTED, RequestStatus.RETURNED, RequestStatus.APPROVED):
        factories.request_at(status, city)
    factories.proposed_code(city)
    return city


def test_it_is_what_the_pages_count_themselves(city):
    for user in city.people().values():
        found = frame.read(user.pk)
        held = kinds_held(user)
        assert found == user and found.organisation == user.organisation
        assert found.frame.held == held
        counted = {
            "records:violations": Violation.objects.handled_by(user).filter(status=Status.RETURNED),
            "records:review_queue": Violation.objects.reviewable_by(user),
            "records:answers": Grant.objects.openable_by(user).live().with_openings_left(),
            "access:queue": AccessRequest.objects.decidable_by(user),
            "access:proposals": Proposal.objects.decidable_by(user),
            "access:requests": AccessRequest.objects.filed_by(user).filter(status=RequestStatus.RETURNED),
        }
        shown = {name: rows.count() if frame.Counts.announced[name][0] & held else 0 for name, rows in counted.items()}
        assert found.frame.waiting == shown
    assert frame.read(city.officer.pk).frame.waiting["records:violations"] == 1
    assert frame.read(city.supervisor.pk).frame.waiting["access:queue"] == 2
    assert frame.read(city.people_admin2.pk).frame.waiting["access:proposals"] == 1


def test_who_gets_a_duty_or_loses_one_sees_so_on_the_next_page(city):
    unit = next(unit for duty, unit in held_by(city.reviewer) if duty == Duty.CONFIRM_VIOLATIONS)
    waiting = frame.read(city.reviewer.pk).frame.waiting["records:review_queue"]
    assert waiting == 2
    people.withdraw_duty(city.reviewer, Duty.CONFIRM_VIOLATIONS, unit, by=city.security_admin)
    assert frame.read(city.reviewer.pk).frame.waiting["records:review_queue"] == 0
    people.give_duty(city.reviewer, Duty.CONFIRM_VIOLATIONS, unit, by=city.security_admin)
    with CaptureQueriesContext(connection) as queries:
        again = frame.read(city.reviewer.pk).frame
    assert again.waiting["records:review_queue"] == waiting
    assert len(queries) == 2
    with CaptureQueriesContext(connection) as queries:
        assert frame.read(city.reviewer.pk).frame.waiting == again.waiting
    assert len(queries) == 1


def test_it_is_one_statement_and_the_session_another(city):
    """A page that asks nothing itself costs two statements: whose session it is, and everything around the page."""
    for user in city.people().values():
        client = worlds.client_of(worlds.sign_in(user))
        client.get("/components/")
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/components/").status_code == 200
        tables = [query["sql"].split("access_user")[0][:20] for query in queries]
        assert len(queries) == 2, tables


def test_a_person_is_remembered_by_nothing_but_the_pages_they_have(city):
    frame.read(city.supervisor.pk)
    assert frame._last[city.supervisor.pk] == ("access:queue",)


def test_every_page_asks_for_it_once(city):
    for name, user in (("desk", city.officer), ("access:queue", city.supervisor), ("audit:events", city.auditor)):
        client = worlds.client_of(worlds.sign_in(user))
        client.get("/components/")  # which pages they have is known from now on
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse(name))
        assert sum("held.duties" in query["sql"] for query in queries) == 1, name


def test_nobody_is_found_who_is_not_there_or_is_disabled(city):
    backend = frame.Backend()
    assert backend.get_user("00000000-0000-0000-0000-000000000000") is None
    people.disable_user(city.officer, by=city.people_admin)
    assert backend.get_user(city.officer.pk) is None
    assert frame.read(city.officer.pk).frame.held == frozenset()
    assert frame.read(city.supervisor.pk).frame.held == {Duty.DECIDE_REQUESTS}
