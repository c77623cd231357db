"""The pages on which a violation is entered, and what stays of it when it is sealed."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from access.models.duty import Duty
from access.typed import unseal, writer
from records import actions
from records.forms import typed_values
from records.models import Status, Violation
from tests import factories
from tests.clients import signed_in

pytestmark = pytest.mark.django_db


def page(name, *args, **query):
    return reverse(f"records:{name}", args=args) + (f"?{urlencode(query)}" if query else "")


def typed(entry, **changed):
    """Return an entry as a browser sends it."""
    values = {name: "on" if value is True else value for name, value in typed_values(entry).items()}
    return {name: value for name, value in {**values, **changed}.items() if value is not None}


def entry(**values):
    return factories.entry_about(factories.person(), **values)


def text_of(response):
    return response.content.decode()


def queries_of(client, url):
    with CaptureQueriesContext(connection) as captured:
        response = client.get(url)
    return response, [query["sql"] for query in captured.captured_queries]


# The list


def test_the_list_shows_only_what_this_person_handles_and_names_nobody(city):
    mine = factories.violation_at(Status.DRAFT, city, factories.person(name="欧阳测试"))

    response = signed_in(city.officer).get(page("violations"))
    other = signed_in(city.officer2).get(page("violations"))

    assert mine.short_id in text_of(response)
    assert "欧阳" not in text_of(response)
    assert mine.short_id not in text_of(other)
    assert "No drafts" in text_of(other)


@pytest.mark.parametrize(
    ("status", "tab"),
    [
        (Status.DRAFT, "drafts"),
        (Status.RETURNED, "drafts"),
        (Status.SUBMITTED, "submitted"),
        (Status.CONFIRMED, "service"),
        (Status.SEALED, "sealed"),
    ],
)
def test_each_state_has_its_tab(city, status, tab):
    violation = factories.violation_at(status, city)
    client = signed_in(city.officer)

    for one in ["drafts", "submitted", "service", "sealed"]:
        assert (violation.short_id in text_of(client.get(page("violations", tab=one)))) == (one == tab)


def test_a_discarded_draft_is_in_no_tab(city):
    violation = factories.violation_at(Status.DISCARDED, city)
    client = signed_in(city.officer)

    assert all(
        violation.short_id not in text_of(client.get(page("violations", tab=tab)))
        for tab in ["drafts", "submitted", "service", "sealed"]
    )


@pytest.mark.parametrize("who", ["reviewer", "supervisor", "kindergarten", "auditor", "people-admin"])
def test_who_enters_nothing_has_no_list_and_no_form(city, who):
    client = signed_in(city.people()[who])

    assert client.get(page("violations")).status_code == 403
    assert client.get(page("new")).status_code == 403


@pytest.mark.parametrize("tab", ["drafts", "sealed"])
def test_the_queries_of_the_list_do_not_grow(city, tab):
    status = Status.SEALED if tab == "sealed" else Status.DRAFT
    client = signed_in(city.officer)
    factories.violation_at(status, city)
    _response, few = queries_of(client, page("violations", tab=tab))
    for _each in range(4):
        factories.violation_at(status, city)

    response, many = queries_of(client, page("violations", tab=tab))

    assert len(response.context["rows"]) == 5
    assert len(many) == len(few)


def test_a_long_list_has_pages_and_a_wrong_page_number_is_the_last_or_first(city, monkeypatch):
    monkeypatch.setattr("records.views.violations.PAGE_SIZE", 2)
    for _each in range(3):
        factories.violation_at(Status.DRAFT, city)
    client = signed_in(city.officer)

    assert "Page 1 of 2" in text_of(client.get(page("violations")))
    assert "Page 2 of 2" in text_of(client.get(page("violations", tab="drafts", page="99")))
    assert "Page 1 of 2" in text_of(client.get(page("violations", tab="nonsense", page="x")))


# Entering


def test_an_empty_draft_can_be_saved_and_gone_on_with(city):
    client = signed_in(city.officer)

    response = client.post(page("new"), {"document_type": "resident_id", "name": "张三丰", "save": "1"}, follow=True)

    violation = Violation.objects.get()
    assert violation.status == Status.DRAFT
    assert response.redirect_chain[-1][0] == page("edit", violation.pk)
    assert "张三丰" in text_of(response)
    assert "The draft is saved." in text_of(response)


def test_a_complete_entry_goes_to_the_check_page_and_is_submitted(city):
    client = signed_in(city.officer)

    response = client.post(page("new"), typed(entry(), **{"continue": "1"}))
    violation = Violation.objects.get()
    assert response.url == page("check", violation.pk)
    checked = client.get(response.url)
    assert "Submit for review" in text_of(checked)
    response = client.post(page("submit", violation.pk), {"version": violation.version}, follow=True)

    violation.refresh_from_db()
    assert violation.status == Status.SUBMITTED
    assert "is submitted" in text_of(response)


def test_numbers_and_codes_are_kept_in_their_one_form(city):
    number = factories.id_number()
    spaced = f"{number[:6]} {number[6:14]} {number[14:]}"

    signed_in(city.officer).post(page("new"), typed(entry(), number=spaced, name=" 张  三丰 "))

    particulars = actions.read_particulars(Violation.objects.get())
    assert (particulars.number, particulars.name) == (number, "张 三丰")


WRONG = {
    "check digit": ({"number": "310101199001010000"}, "number", "The 18th digit should be"),
    "length": ({"number": "3101011990"}, "number", "The number has 18 characters"),
    "impossible date": ({"number": "310101199002300018"}, "number", "not a possible date of birth"),
    "unknown region": ({"number": "990101199001010018"}, "number", ""),
    "future act": ({"acted_on": "2099-01-01"}, "acted_on", "is in the future"),
    "future decision": ({"decided_on": "2099-01-01"}, "decided_on", "is in the future"),
    "decision before the act": ({"decided_on": "2026-01-01"}, "decided_on", "cannot be earlier than the act"),
    "offence not in force": (
        {"acted_on": "2025-06-01", "decided_on": "2025-06-03"},
        "offence",
        "was not in force on 2025-06-01",
    ),
    "the new law for an earlier act": (
        {"acted_on": "2025-06-01"},
        "offence",
        "provides more for this than the law of the day of the act",
    ),
    "detention over the limit": ({"detention_days": "16"}, "detention_days", "at most"),
    "fine over the limit": ({"fine_yuan": "900000"}, "fine_yuan", "at most"),
    "no penalty": ({"detention_days": "", "fine_yuan": ""}, "warning", "No penalty is entered"),
    "departure without a reason": ({"detention_days": "15", "fine_yuan": "1"}, "penalty_reason", "Give the reason"),
    "case number": ({"case_number": "A1"}, "case_number", "A with 22 digits"),
    "decision number": ({"decision_number": "X"}, "decision_number", "as printed on the decision"),
    "no facts": ({"facts": ""}, "facts", "Fill this in"),
    "no offence": ({"offence": ""}, "offence", "Choose the offence"),
    "no name": ({"name": ""}, "name", "Enter the name"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_beside_its_field_and_kept_as_a_draft(city, case):
    changed, field, sentence = WRONG[case]
    client = signed_in(city.officer)

    response = client.post(page("new"), typed(entry(), **changed, **{"continue": "1"}), follow=True)

    violation = Violation.objects.get()
    assert response.redirect_chain[-1][0] == page("edit", violation.pk, problems="1")
    errors = response.context["form"].errors
    assert field in errors
    assert set(errors) <= {field, "decided_on"}  # a later act also makes its decision too early
    assert any(sentence in error for error in errors[field])
    assert f'href="#id_{field}"' in text_of(response)
    assert {name: str(response.context["form"][name].value()) for name in changed} == changed
    refused = client.post(page("submit", violation.pk), {"version": violation.version})
    assert refused.url == page("edit", violation.pk, problems="1")
    violation.refresh_from_db()
    assert violation.status == Status.DRAFT


def test_the_check_page_lists_problems_with_links_and_no_button(city):
    client = signed_in(city.officer)
    client.post(page("new"), typed(entry(), facts="", acted_on="2099-01-01"))
    violation = Violation.objects.get()

    shown = text_of(client.get(page("check", violation.pk)))

    assert f"{page('edit', violation.pk)}?problems=1#id_facts" in shown
    assert f"{page('edit', violation.pk)}?problems=1#id_acted_on" in shown
    assert "Submit for review" not in shown


REFUSED = {
    "NUL": ({"name": "张\0三"}, "name", "NUL character"),
    "right-to-left": ({"facts": "经查\u202e明"}, "facts", "direction of writing"),
    "control": ({"address": "测试路\x071号"}, "address", "control characters"),
    "over-long": ({"facts": "长" * 5001}, "facts", "may have 5000"),
    "over-long name": ({"name": "长" * 51}, "name", "may have 50"),
    "impossible day": ({"acted_on": "2026-02-30"}, "acted_on", "year, month and day"),
    "ancient day": ({"acted_on": "0026-02-03"}, "acted_on", "too long ago"),
    "negative fine": ({"fine_yuan": "-1"}, "fine_yuan", "0"),
    "huge fine": ({"fine_yuan": "99999999999999999999"}, "fine_yuan", "100000000"),
    "not a number": ({"detention_days": "five"}, "detention_days", "whole number"),
    "unknown offence": ({"offence": "x"}, "offence", "Choose the offence"),
    "unknown document": ({"document_type": "licence"}, "document_type", "cannot be chosen here"),
    "unknown colleague": ({"co_officer": str(uuid.uuid4())}, "co_officer", "cannot be chosen here"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_kept_is_refused_in_one_sentence_with_what_was_typed(city, case):
    changed, field, sentence = REFUSED[case]
    client = signed_in(city.officer)

    response = client.post(page("new"), typed(entry(), **{"evidence": "仍在", **changed, "save": "1"}))

    assert response.status_code == 200
    assert not Violation.objects.exists()
    errors = response.context["form"].errors
    assert list(errors) == [field]
    assert len(errors[field]) == 1
    assert sentence in errors[field][0]
    assert "仍在" in text_of(response)
    assert "<title>Error: " in text_of(response)
    assert response.context["form"][field].value() == next(iter(changed.values()))


def test_a_new_form_that_is_sent_twice_is_one_draft(city):
    client = signed_in(city.officer)
    token = re.search(r'name="token" value="([^"]+)"', text_of(client.get(page("new"))))[1]
    values = typed(entry(), token=token)

    first = client.post(page("new"), values)
    second = client.post(page("new"), values, follow=True)

    assert first.status_code == 302
    assert Violation.objects.count() == 1
    assert "sent twice" in text_of(second)


def test_the_same_token_of_another_person_meets_nothing(city):
    values = typed(entry(), token=str(uuid.uuid4()))

    signed_in(city.officer).post(page("new"), values)
    signed_in(city.officer2).post(page("new"), values)

    assert Violation.objects.count() == 2


def test_a_stale_form_changes_nothing_keeps_what_was_typed_and_may_then_be_saved(city):
    violation = factories.violation_at(Status.DRAFT, city)
    client = signed_in(city.officer)
    stale = typed(actions.entry_of(violation), version=violation.version, facts="我写的")
    actions.save_draft(violation, entry(texts={"facts": "别人写的"}), by=city.officer)

    response = client.post(page("edit", violation.pk), stale)

    assert "saved elsewhere" in text_of(response)
    assert "我写的" in text_of(response)
    assert ("Facts", "别人写的") in response.context["differences"]
    assert actions.read_particulars(Violation.objects.get()).facts == "别人写的"
    again = client.post(page("edit", violation.pk), {**stale, "version": response.context["form"]["version"].value()})
    assert again.status_code == 302
    assert actions.read_particulars(Violation.objects.get()).facts == "我写的"


def test_a_stale_check_page_submits_nothing(city):
    violation = factories.violation_at(Status.DRAFT, city)
    actions.save_draft(violation, entry(), by=city.officer)

    response = signed_in(city.officer).post(page("submit", violation.pk), {"version": 1}, follow=True)

    violation.refresh_from_db()
    assert violation.status == Status.DRAFT
    assert "saved elsewhere" in text_of(response)


def test_submitting_twice_is_said_and_changes_nothing(city):
    violation = factories.violation_at(Status.DRAFT, city)
    client = signed_in(city.officer)
    client.post(page("submit", violation.pk), {"version": violation.version})

    response = client.post(page("submit", violation.pk), {"version": violation.version}, follow=True)

    assert "has moved on" in text_of(response)


def test_the_second_officer_may_go_on_with_the_draft(city):
    client = signed_in(city.officer)
    client.post(page("new"), typed(entry(), co_officer=str(city.officer2.pk)))
    violation = Violation.objects.get()

    response = signed_in(city.officer2).get(page("edit", violation.pk))

    assert response.status_code == 200
    assert set(actions.handlers_of(violation)) == {city.officer, city.officer2}


def test_only_colleagues_who_enter_for_the_unit_are_offered(city):
    factories.user_with(Duty.CONFIRM_VIOLATIONS, organisation=city.station)
    offered = signed_in(city.officer).get(page("new")).context["form"].fields["co_officer"].choices

    assert [value for value, _label in offered] == ["", str(city.officer2.pk)]


def test_the_catalogue_is_offered_in_groups_that_can_be_searched(city):
    shown = text_of(signed_in(city.officer).get(page("new")))

    assert shown.count("data-search=") == 340
    assert "Earlier law, for acts before 2026" in shown
    assert "PSAPL2025-051-p1-i1" in shown


def test_the_bands_of_the_chosen_offence_stand_beside_the_penalty(city):
    violation = factories.violation_at(Status.DRAFT, city)

    response = signed_in(city.officer).get(page("edit", violation.pk))

    assert "What the law provides" in text_of(response)
    assert "At most 15 days for this offence." in text_of(response)


def test_the_entry_form_costs_a_fixed_number_of_queries(city):
    violation = factories.violation_at(Status.DRAFT, city)
    client = signed_in(city.officer)
    _response, first = queries_of(client, page("edit", violation.pk))
    for _each in range(3):
        factories.user_with(Duty.ENTER_VIOLATIONS, organisation=city.station)
        factories.violation_at(Status.DRAFT, city)

    _response, second = queries_of(client, page("edit", violation.pk))

    assert len(first) == len(second)


def test_the_remark_stands_on_the_form_of_what_was_returned(city):
    violation = factories.violation_at(Status.RETURNED, city)

    assert "缺少告知笔录。" in text_of(signed_in(city.officer).get(page("edit", violation.pk)))


def test_a_discarded_draft_can_no_longer_be_changed(city):
    violation = factories.violation_at(Status.DRAFT, city)
    client = signed_in(city.officer)

    response = client.post(page("discard", violation.pk), follow=True)
    again = client.post(page("discard", violation.pk), follow=True)

    assert "is discarded" in text_of(response)
    assert "has moved on" in text_of(again)
    assert client.get(page("edit", violation.pk)).url == page("violation", violation.pk)
    assert client.get(page("check", violation.pk)).url == page("violation", violation.pk)


def test_what_is_submitted_can_no_longer_be_edited(city):
    violation = factories.violation_at(Status.SUBMITTED, city)
    client = signed_in(city.officer)

    assert client.get(page("edit", violation.pk)).url == page("violation", violation.pk)
    values = typed(actions.entry_of(violation), version=violation.version, facts="改动")
    assert client.post(page("edit", violation.pk), values).url == page("violation", violation.pk)
    assert actions.read_particulars(violation).facts != "改动"


# Who sees what


@pytest.mark.parametrize("name", ["violation", "edit", "check", "service"])
def test_a_draft_does_not_exist_for_others(city, name):
    violation = factories.violation_at(Status.DRAFT, city)

    for who in ["officer2", "reviewer", "supervisor", "kindergarten", "auditor"]:
        assert signed_in(city.people()[who]).get(page(name, violation.pk)).status_code == 404


@pytest.mark.parametrize("name", ["submit", "discard"])
def test_the_reviewer_sees_a_record_but_cannot_act_for_its_officer(city, name):
    violation = factories.violation_at(Status.SUBMITTED, city)
    client = signed_in(city.reviewer)

    assert client.get(page("violation", violation.pk)).status_code == 200
    assert client.get(page("edit", violation.pk)).status_code == 403
    assert client.post(page(name, violation.pk), {"version": violation.version}).status_code == 403
    violation.refresh_from_db()
    assert violation.status == Status.SUBMITTED


def test_a_login_that_expired_in_mid_form_keeps_what_was_typed(city):
    values = {**typed(entry(), facts="写了一半"), "typed_by": writer(city.officer)}
    response = Client(headers={"accept-language": "en"}).post(page("new"), values)

    assert response.status_code == 409
    assert "写了一半" not in text_of(response)
    sealed = re.search(r'name="kept" value="([^"]+)"', text_of(response))[1]
    assert unseal(sealed, city.officer)["facts"] == "写了一半"
    assert f'action="{page("new")}"' in text_of(response)
    assert not Violation.objects.exists()


@pytest.mark.parametrize("name", ["submit", "discard", "confirm", "return"])
def test_acts_are_only_posted(city, name):
    violation = factories.violation_at(Status.SUBMITTED, city)

    assert signed_in(city.reviewer).get(page(name, violation.pk)).status_code == 405


def test_the_page_of_a_record_tells_who_saved_which_version(city):
    violation = factories.violation_at(Status.RETURNED, city)

    response = signed_in(city.officer).get(page("violation", violation.pk))

    assert [version.what for version in response.context["versions"]] == [
        "Returned for correction",
        "Submitted for review",
        "Entered",
    ]
    assert str(city.reviewer) in response.context["versions"][0].who


def test_the_unit_sees_only_the_stub_of_a_sealed_record(city):
    person = factories.person(name="欧阳测试")
    violation = factories.sealed(city, person)

    for officer in [city.officer, city.officer2]:
        shown = text_of(signed_in(officer).get(page("violation", violation.pk)))
        assert violation.short_id in shown
        assert "Intact" in shown
        assert "Art. 136" in shown
        assert "欧阳" not in shown
        assert person.number not in shown
        assert violation.offence.name_en not in shown


def test_the_stub_raises_an_alarm_when_the_content_was_altered(city, owner):
    violation = factories.sealed(city, factories.person())
    owner.execute("alter table sealed.record disable trigger user")
    owner.execute("update sealed.record set particulars = particulars || '\\x00' where id = %s", [violation.pk])

    shown = text_of(signed_in(city.officer).get(page("violation", violation.pk)))

    assert "Not intact" in shown
    assert "tell the oversight body" in shown


def normalised(response, pk):
    # Its token, and how many seconds the session lasts.
    body = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"|data-left="\d+"', "", text_of(response))
    return response.status_code, body.replace(str(pk), "ID"), sorted(response.headers.items())


def asked_of(queries, pk):
    """Return what the database was asked, without the id that was asked for and without moments."""
    plain = [sql.replace(str(pk), "ID").replace(pk.hex, "ID") for sql in queries]
    return [re.sub(r"'[^']*'::timestamptz", "MOMENT", sql) for sql in plain]


@pytest.mark.parametrize("who", ["reviewer", "supervisor", "kindergarten", "auditor", "foreign officer"])
def test_a_foreign_sealed_record_and_no_record_are_the_same(city, who):
    violation = factories.sealed(city, factories.person())
    elsewhere = factories.organisation(parent=city.bureau)
    foreign = factories.user_with(Duty.ENTER_VIOLATIONS, organisation=elsewhere)
    client = signed_in({**city.people(), "foreign officer": foreign}[who])
    client.get(page("violation", uuid.uuid4()))

    for name in ["violation", "edit", "check", "service", "review"]:
        nobody = uuid.uuid4()
        there, queries_there = queries_of(client, page(name, violation.pk))
        absent, queries_absent = queries_of(client, page(name, nobody))

        assert there.status_code == 404
        assert normalised(there, violation.pk) == normalised(absent, nobody)
        assert asked_of(queries_there, violation.pk) == asked_of(queries_absent, nobody)


@pytest.mark.parametrize("name", ["submit", "discard", "confirm", "return", "service"])
def test_posts_at_a_sealed_record_and_at_none_are_the_same(city, name):
    violation = factories.sealed(city, factories.person())
    client = signed_in(city.officer)
    nobody = uuid.uuid4()

    there = client.post(page(name, violation.pk), {"version": 1, "remark": "x", "served_on": "2026-01-20"})
    absent = client.post(page(name, nobody), {"version": 1, "remark": "x", "served_on": "2026-01-20"})

    assert there.status_code == 404
    assert normalised(there, violation.pk) == normalised(absent, nobody)


# Service


def test_the_officer_may_record_the_service_and_the_record_seals_itself(city):
    violation = factories.violation_at(Status.CONFIRMED, city)
    client = signed_in(city.officer)
    assert "Record the service and seal" in text_of(client.get(page("violation", violation.pk)))

    response = client.post(page("service", violation.pk), {"served_on": "2026-01-17"}, follow=True)

    assert "is sealed" in text_of(response)
    assert not Violation.objects.filter(pk=violation.pk).exists()


@pytest.mark.parametrize(
    ("served_on", "sentence"),
    [
        ("2026-01-01", "cannot be served before it was made"),
        ("2026-02-30", "year, month and day"),
        ("", "Complete this item"),
        ((timezone.localdate() + timedelta(days=1)).isoformat(), "in the future"),
    ],
)
def test_a_wrong_day_of_service_is_said_beside_the_field(city, served_on, sentence):
    violation = factories.violation_at(Status.CONFIRMED, city)

    response = signed_in(city.officer).post(page("service", violation.pk), {"served_on": served_on})

    assert response.status_code == 200
    assert sentence in response.context["form"].errors["served_on"][0]
    assert Violation.objects.get().served_on is None


def test_only_a_confirmed_record_is_served(city):
    violation = factories.violation_at(Status.SUBMITTED, city)

    response = signed_in(city.officer).post(page("service", violation.pk), {"served_on": "2026-01-17"})

    assert response.url == page("violation", violation.pk)
