"""What is filtered, taken out as a table: what it holds, that no cell is a formula, and that the trail says who took it."""

from __future__ import annotations

import csv
import io
import json

import pytest
from django.db import transaction
from django.urls import reverse

from access import kinds as access_kinds
from audit import kinds as audit_kinds
from audit import trail
from audit.models import Event
from audit.table import cell
from tests import factories

pytestmark = pytest.mark.django_db


def rows_of(response):
    text = response.content.decode()
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))


def test_what_is_filtered_is_taken_out_and_the_trail_says_so(city, client):
    grant = factories.approved(city)
    number = grant.access_request.number
    response = client.post(reverse("audit:export"), {"q": number, "group": "BUSINESS", "day_from": "2020-01-02"})
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert "no-store" in response["Cache-Control"]
    head, *rows, last = rows_of(response)
    assert head[:2] == ["Time", "What happened"]
    assert len(rows) == 6 and {row[4] for row in rows} == {number}
    assert any(f"voted to approve request {number}" in row[1] for row in rows)
    assert last == ["Events in this table: 6."]
    event = Event.objects.get(kind=audit_kinds.TRAIL_EXPORTED)
    detail = json.loads(bytes(event.canonical))["detail"]
    assert event.actor == str(city.auditor.pk)
    assert (detail["rows"], detail["of_group"], detail["first"]) == (6, "BUSINESS", "2020-01-02")
    confirmed = Event.objects.get(kind="IDENTITY_CONFIRMED", actor=str(city.supervisor.pk))
    assert set(detail["things"]) == {str(grant.pk), str(grant.access_request_id), str(confirmed.pk)}


def test_it_is_bounded_and_says_that_there_is_more(client, monkeypatch):
    monkeypatch.setattr("audit.views.EXPORTED", 3)
    *rows, last = rows_of(client.post(reverse("audit:export")))
    assert len(rows) == 4
    assert last == ["Events in this table: 3. There are older ones: narrow the filters to get them."]


def test_without_its_event_nothing_is_handed_out(client, owner):
    owner.execute("REVOKE EXECUTE ON FUNCTION audit_write FROM seal_app")
    response = client.post(reverse("audit:export"))
    assert response.status_code == 503
    assert "csv" not in response["Content-Type"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "  =1", "＝1", "＠x", "|x", "\r=1"])
def test_no_cell_is_a_formula(text):
    assert cell(text) == "'" + text


def test_a_name_that_is_a_formula_stays_a_name(city, client):
    person = factories.UserFactory(full_name="=HYPERLINK(1)")
    with transaction.atomic():
        trail.write(access_kinds.SIGNED_IN, by=person, on=person)
    rows = rows_of(client.post(reverse("audit:export"), {"kind": "SIGNED_IN"}))
    assert any(row[1].startswith("'=HYPERLINK(1)") for row in rows[1:-1])


def test_the_list_offers_what_is_filtered(client):
    page = client.get(reverse("audit:events"), {"group": "SYSTEM", "before": "x"}).content.decode()
    assert '<input type="hidden" name="group" value="SYSTEM">' in page
    assert 'name="before"' not in page
    assert "The trail says who saved them." in page
