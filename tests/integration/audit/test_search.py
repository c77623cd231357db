"""The auditor follows one request, one person, one unit: one box, one list, and nothing that exists is missed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from access import database, kinds
from access.actions import decisions, opening
from access.models import Decision, Opening
from audit.models import Event
from records.models import Status
from tests import factories, worlds
from tests.tampering import tamper

pytestmark = pytest.mark.django_db


@pytest.fixture
def look(client):
    def looked(**query):
        page = client.get(reverse("audit:events"), query)
        assert page.status_code == 200
        return page

    return looked


def kinds_on(page):
    return sorted(row["line"].event.kind for row in page.context["rows"])


@pytest.fixture
def followed(city):
    """A request that went the whole way: voted on, granted, opened, revoked."""
    other = factories.approved(city)  # of somebody else's, so that something is left out
    grant = factories.ready(factories.approved(city))
    factories.counted(grant)
    decisions.revoke(grant, by=city.supervisor, reason="不再需要。")
    assert other.pk != grant.pk
    return grant


WHOLE_WAY = sorted(
    [
        *["REQUEST_DRAFTED", "REQUEST_EDITED", "REQUEST_SUBMITTED", "REQUEST_VOTED", "REQUEST_APPROVED"],
        *["GRANT_MADE", "UNDERTAKING_SIGNED", "OPENING", "GRANT_REVOKED"],
        # By who voted and by who opened: what they are about is a person, what they were for is this request.
        *["IDENTITY_CONFIRMED", "IDENTITY_CONFIRMED"],
    ]
)


def ways_to(grant):
    """Return everything by which an auditor may know a request."""
    number = grant.access_request.number
    voted = Event.objects.get(kind=kinds.GRANT_MADE, target_id=str(grant.pk))
    return {
        "number": number,
        "number in small letters": number.lower(),
        "number as it is pasted": f"  {number.replace('-', '－')} ",
        "request": str(grant.access_request_id),
        "grant": str(grant.pk),
        "grant in great letters": str(grant.pk).upper(),
        "start of the grant's id": str(grant.pk)[:8],
        "opening": str(Opening.objects.get(grant=grant).pk),
        "vote": str(Decision.objects.get(access_request=grant.access_request_id).pk),
        "person asked about": str(factories.subject_of(grant).pk),
        "event": str(voted.pk),
    }


def test_whatever_a_request_is_known_by_the_list_is_everything_about_it(followed, look):
    drafted = kinds_on(look(q=followed.access_request.number))
    assert drafted == WHOLE_WAY
    for way, text in ways_to(followed).items():
        page = look(q=text)
        assert kinds_on(page) == WHOLE_WAY, way
        assert f"request {followed.access_request.number}" in page.context["about"], way


def test_refusals_on_the_way_are_part_of_the_list(city, followed, look):
    other = worlds.client_of(worlds.sign_in(city.requester))
    assert other.post(reverse("access:grant_revoke", args=[followed.pk])).status_code == 403
    page = look(q=followed.access_request.number)
    assert "DENIED" in kinds_on(page)
    said = page.content.decode()
    assert f"the page of request {followed.access_request.number}" in said
    assert "Page: Revoke a grant" in said


def test_the_end_of_a_grant_by_time_is_part_of_its_request(city, look, owner):
    grant = factories.approved(city)
    tamper(
        owner,
        "update access_grant set starts_at = now() - interval '2 days', ends_at = now() where id = %s",
        grant.pk,
        tables=("access_grant",),
    )
    assert database.note_expiry() == 1
    page = look(q=grant.access_request.number)
    assert "GRANT_EXPIRED" in kinds_on(page)
    assert f"Time has ended the grant of request {grant.access_request.number}." in page.content.decode()


@pytest.mark.parametrize("name", ["username", "full_name", "badge_number", "pk"])
def test_a_person_is_found_by_every_name_they_have(city, look, name):
    person = factories.UserFactory(full_name="林小满", badge_number="775533", username="xiaoman")
    page = look(q=str(getattr(person, name)))
    assert page.context["about"] == ["林小满 (775533)"]
    assert "ENROLLED" in kinds_on(page)


@pytest.mark.parametrize("name", ["code", "name", "name_en", "pk"])
def test_a_unit_is_found_by_name_code_and_id_with_what_its_people_did(city, followed, look, name):
    page = look(q=str(getattr(city.kindergarten, name)))
    assert str(city.kindergarten) in page.context["about"]
    assert {"REQUEST_SUBMITTED", "OPENING"} <= set(kinds_on(page))


@pytest.mark.parametrize("status", [Status.DRAFT, Status.SEALED])
def test_a_record_is_found_by_its_id_before_and_after_it_is_sealed(city, look, status):
    violation = factories.violation_at(status, city)
    for text in (str(violation.pk), violation.short_id):
        found = kinds_on(look(q=text))
        assert "VIOLATION_DRAFTED" in found
        assert ("VIOLATION_SEALED" in found) == (status == Status.SEALED)


def test_what_is_there_is_never_said_not_to_be(followed, look):
    number = followed.access_request.number
    tomorrow = timezone.localdate() + timedelta(days=1)
    page = look(q=number, day_from=tomorrow).content.decode()
    assert "It is there, but none of its events fits the other filters." in page
    assert "Nothing in this system goes by" not in page
    assert "Nothing in this system goes by what you searched for." in look(q="CX-2026-2222222").content.decode()


def test_filters_combine_and_are_kept_from_page_to_page(city, followed, look, client):
    unit = city.kindergarten
    by_unit = look(unit=unit.code, kind="OPENING")
    assert kinds_on(by_unit) == ["OPENING"]
    assert kinds_on(look(unit=unit.name, group="PROCESS", q=city.requester.username)) == sorted(
        kinds_on(look(actor=city.requester.full_name, group="PROCESS"))
    )
    assert kinds_on(look(q=followed.access_request.number, actor=city.supervisor.username)) == sorted(
        ["IDENTITY_CONFIRMED", "REQUEST_VOTED", "REQUEST_APPROVED", "GRANT_MADE", "GRANT_REVOKED"]
    )
    today = timezone.localdate()
    now = timezone.localtime()
    if 1 < now.hour < 23:
        assert kinds_on(look(q=followed.access_request.number, day_from=today, time_from="00:01")) == WHOLE_WAY
        assert (
            kinds_on(look(q=followed.access_request.number, day_to=today, time_to=now.strftime("%H:%M"))) == WHOLE_WAY
        )
        assert kinds_on(look(q=followed.access_request.number, day_to=today, time_to="00:30")) == []
    page = look(group="BUSINESS", unit=unit.code, day_from=today, time_from="00:00")
    assert [chip["url"] for chip in page.context["chips"]] == [
        f"?unit={unit.code}&day_from={today}&time_from=00%3A00",
        f"?group=BUSINESS&day_from={today}&time_from=00%3A00",
        f"?group=BUSINESS&unit={unit.code}",
        f"?group=BUSINESS&unit={unit.code}&day_from={today}",
    ]


def test_older_pages_keep_the_search_and_its_filters(city, followed, look, monkeypatch):
    monkeypatch.setattr("audit.views.PAGE", 3)
    page, seen = look(q=followed.access_request.number, group="BUSINESS"), []
    while True:
        seen += kinds_on(page)
        if not page.context["older"]:
            break
        assert "group=BUSINESS" in page.context["older"]
        page = page.client.get(reverse("audit:events") + page.context["older"])
    assert sorted(seen) == [kind for kind in WHOLE_WAY if kind != "IDENTITY_CONFIRMED"]


def test_following_a_long_request_costs_no_more_questions_than_a_short_one(city, look):
    grant = factories.ready(factories.approved(city))
    factories.counted(grant)

    def questions():
        look(q=grant.access_request.number)
        with CaptureQueriesContext(connection) as asked:
            look(q=grant.access_request.number)
        return len(asked)

    few = questions()
    token = factories.token()
    for _again in range(12):
        opening.open_grant(
            grant, [factories.subject_of(grant)], by=city.requester, session_key=factories.SESSION, token=token
        )
    assert questions() == few
