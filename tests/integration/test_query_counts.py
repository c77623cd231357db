"""A list costs the same number of queries whatever it holds."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from access import kinds as access_kinds
from access.models.duty import Duty
from access.models.people import OrganisationKind
from access.models.requests import Status as RequestStatus
from audit import alarms, trail
from audit import kinds as audit_kinds
from records.models import Status
from tests import factories, worlds

pytestmark = pytest.mark.django_db
FEW, MANY = 3, 25
_number = itertools.count(1)


def violations(status: Status) -> Callable[[factories.City, int], None]:
    """Make records, each by the real moves to this state."""

    def make(city: factories.City, count: int) -> None:
        for _row in range(count):
            factories.violation_at(status, city)

    return make


def requests(status: RequestStatus) -> Callable[[factories.City, int], None]:
    def make(city: factories.City, count: int) -> None:
        for _row in range(count):
            factories.request_at(status, city)

    return make


def events(city: factories.City, count: int) -> None:
    for _row in range(count):
        person = factories.UserFactory(organisation=city.station)
        with transaction.atomic():
            trail.write(access_kinds.SIGNED_IN, by=person, on=person)


def refusals(city: factories.City, count: int) -> None:
    for _row in range(count):
        grant = factories.approved(city)
        with transaction.atomic():
            target = ("url", str(grant.pk))
            trail.write(audit_kinds.DENIED, by=city.requester, on=target, view="access:queue", method="GET")


def closings(city: factories.City, count: int) -> None:
    for _row in range(count):
        with transaction.atomic():
            alarm = trail.write(audit_kinds.TRAIL_ALARM, by=None, on=None, reason="WITNESS_MISSING")
        alarms.close(alarm, by=city.auditor, finding="The witness file was put back.")


def people(city: factories.City, count: int) -> None:
    for _row in range(count):
        unit = factories.organisation(OrganisationKind.SCHOOL, parent=city.bureau)
        factories.user_with(Duty.FILE_REQUESTS, organisation=unit)


PAGES = [
    ("records:violations", "", "officer", violations(Status.DRAFT)),
    ("records:violations", "?tab=submitted", "officer", violations(Status.SUBMITTED)),
    ("records:violations", "?tab=service", "officer", violations(Status.CONFIRMED)),
    ("records:violations", "?tab=sealed", "officer", violations(Status.SEALED)),
    ("records:review_queue", "", "reviewer", violations(Status.SUBMITTED)),
    ("records:answers", "", "kindergarten", requests(RequestStatus.APPROVED)),
    ("access:requests", "", "kindergarten", requests(RequestStatus.DRAFT)),
    ("access:requests", "", "kindergarten", requests(RequestStatus.SUBMITTED)),
    ("access:requests", "?tab=decided", "kindergarten", requests(RequestStatus.APPROVED)),
    ("access:requests", "?tab=ended", "kindergarten", requests(RequestStatus.WITHDRAWN)),
    ("access:queue", "", "supervisor", requests(RequestStatus.SUBMITTED)),
    ("access:queue", "?tab=decided", "supervisor", requests(RequestStatus.REFUSED)),
    ("access:people", "", "people-admin", people),
    ("access:units", "", "people-admin", people),
    ("access:duties", "", "security-admin", people),
    ("audit:events", "", "auditor", events),
    ("audit:events", "?group=BUSINESS", "auditor", requests(RequestStatus.APPROVED)),
    ("audit:events", "?kind=DENIED", "auditor", refusals),
    ("audit:alarms", "", "auditor", closings),
    ("desk", "", "officer", violations(Status.DRAFT)),
    ("desk", "", "officer", violations(Status.RETURNED)),
    ("desk", "", "reviewer", violations(Status.SUBMITTED)),
    ("desk", "", "supervisor", requests(RequestStatus.SUBMITTED)),
    ("desk", "", "kindergarten", requests(RequestStatus.RETURNED)),
    ("desk", "", "kindergarten", requests(RequestStatus.APPROVED)),
    ("desk", "", "auditor", events),
]


@pytest.mark.parametrize(("name", "query", "role", "make"), PAGES, ids=[" ".join(page[:3]) for page in PAGES])
def test_the_number_of_queries_does_not_grow_with_the_rows(city, name, query, role, make):
    client = worlds.client_of(worlds.sign_in(city.people()[role]))
    counts = {}
    for rows, more in ((FEW, FEW), (MANY, MANY - FEW)):
        make(city, more)
        client.get(reverse(name) + query)  # caches of the process are warm
        with CaptureQueriesContext(connection) as queries:
            response = client.get(reverse(name) + query)
        assert response.status_code == 200
        counts[rows] = [query["sql"].split(" FROM ")[0][:60] for query in queries]
    assert len(counts[FEW]) == len(counts[MANY]), (counts[FEW], counts[MANY])
