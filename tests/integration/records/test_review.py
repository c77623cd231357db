"""The pages on which a record is read, returned, confirmed and, when it is served, sealed."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from access import kinds
from access.models.duty import Duty
from audit.models import Event
from records import actions, tasks
from records.models import SealedRecord, Status, Violation
from tests import factories
from tests.clients import signed_in

pytestmark = pytest.mark.django_db


def page(name, *args):
    return reverse(f"records:{name}", args=args)


def text_of(response):
    return response.content.decode()


def test_the_queue_shows_what_was_submitted_first_and_names_nobody(city):
    later = factories.violation_at(Status.DRAFT, city, factories.person(name="欧阳测试"))
    first = factories.violation_at(Status.SUBMITTED, city)
    actions.submit(later, by=city.officer, version=later.version)

    shown = text_of(signed_in(city.reviewer).get(page("review_queue")))

    assert shown.index(first.short_id) < shown.index(later.short_id)
    assert "欧阳" not in shown


def test_the_queue_of_another_district_is_empty(city):
    factories.violation_at(Status.SUBMITTED, city)
    elsewhere = factories.organisation(parent=city.bureau)
    foreign = factories.user_with(Duty.CONFIRM_VIOLATIONS, organisation=elsewhere)

    assert "The queue is empty" in text_of(signed_in(foreign).get(page("review_queue")))


@pytest.mark.parametrize("who", ["officer", "supervisor", "kindergarten", "auditor"])
def test_who_reviews_nothing_has_no_queue(city, who):
    assert signed_in(city.people()[who]).get(page("review_queue")).status_code == 403


def test_the_queries_of_the_queue_do_not_grow(city):
    client = signed_in(city.reviewer)
    counts = []
    for _each in range(2):
        factories.violation_at(Status.SUBMITTED, city)
        factories.violation_at(Status.CONFIRMED, city)
        with CaptureQueriesContext(connection) as captured:
            client.get(page("review_queue"))
        counts.append(len(captured))

    assert counts[0] == counts[1]


def test_the_reviewer_reads_the_whole_record(city):
    person = factories.person(name="欧阳测试")
    violation = factories.violation_at(Status.SUBMITTED, city, person)

    shown = text_of(signed_in(city.reviewer).get(page("review", violation.pk)))

    for said in [
        "欧阳测试",
        "测试路1号",
        "经查明的违法事实。",
        violation.offence.name_en,
        "5 days of detention",
        str(city.officer),
    ]:
        assert said in shown
    assert "Confirm this record?" in shown


def test_the_officer_of_a_record_does_not_review_it(city):
    violation = factories.violation_at(Status.SUBMITTED, city)
    client = signed_in(city.officer)

    assert client.get(page("review", violation.pk)).status_code == 403
    assert client.post(page("confirm", violation.pk), {"version": violation.version}).status_code == 403
    assert client.post(page("return", violation.pk), {"version": violation.version, "remark": "x"}).status_code == 403
    violation.refresh_from_db()
    assert violation.status == Status.SUBMITTED


def test_a_record_does_not_exist_for_other_reviewers(city):
    violation = factories.violation_at(Status.SUBMITTED, city)
    elsewhere = factories.organisation(parent=city.bureau)
    client = signed_in(factories.user_with(Duty.CONFIRM_VIOLATIONS, organisation=elsewhere))

    assert client.get(page("review", violation.pk)).status_code == 404
    assert client.post(page("confirm", violation.pk), {"version": violation.version}).status_code == 404


def test_a_draft_and_a_returned_record_do_not_exist_for_the_reviewer(city):
    for status in [Status.DRAFT, Status.RETURNED, Status.DISCARDED]:
        violation = factories.violation_at(status, city)
        assert signed_in(city.reviewer).get(page("review", violation.pk)).status_code == 404


def test_returning_needs_a_remark_and_keeps_what_was_typed(city):
    violation = factories.violation_at(Status.SUBMITTED, city)
    client = signed_in(city.reviewer)

    empty = client.post(page("return", violation.pk), {"version": violation.version, "remark": "  "})
    hidden = client.post(page("return", violation.pk), {"version": violation.version, "remark": "缺\u202e笔录"})

    assert empty.context["form"].errors["remark"] == ["Complete this item."]
    assert "direction of writing" in hidden.context["form"].errors["remark"][0]
    assert "笔录" in text_of(hidden)
    violation.refresh_from_db()
    assert violation.status == Status.SUBMITTED


def test_a_returned_record_leaves_the_queue_with_its_remark(city):
    violation = factories.violation_at(Status.SUBMITTED, city)
    client = signed_in(city.reviewer)

    response = client.post(
        page("return", violation.pk), {"version": violation.version, "remark": "缺少告知笔录。"}, follow=True
    )

    assert "is returned with your remark" in text_of(response)
    violation = Violation.objects.get(pk=violation.pk)
    assert violation.status == Status.RETURNED
    assert actions.read_particulars(violation).remark == "缺少告知笔录。"


def test_what_was_changed_since_it_was_read_is_not_confirmed_or_returned(city):
    violation = factories.violation_at(Status.SUBMITTED, city)
    read = violation.version
    actions.return_for_correction(violation, by=city.reviewer, version=read, remark="补正")
    returned = Violation.objects.get(pk=violation.pk)
    actions.submit(returned, by=city.officer, version=returned.version)
    client = signed_in(city.reviewer)

    confirmed = client.post(page("confirm", violation.pk), {"version": read}, follow=True)
    returned = client.post(page("return", violation.pk), {"version": read, "remark": "我的意见"})

    assert "has changed since you opened it" in text_of(confirmed)
    assert "has changed since you opened it" in text_of(returned)
    assert "我的意见" in text_of(returned)
    assert Violation.objects.get(pk=violation.pk).status == Status.SUBMITTED


def test_confirming_leads_to_the_service_and_the_service_seals(city):
    violation = factories.violation_at(Status.SUBMITTED, city)
    client = signed_in(city.reviewer)

    confirmed = client.post(page("confirm", violation.pk), {"version": violation.version}, follow=True)
    assert "Record when the decision was served" in text_of(confirmed)
    assert "sealed automatically as soon as its service is recorded" in text_of(confirmed)
    assert f'value="{timezone.localdate().isoformat()}"' in text_of(confirmed)
    served = client.post(page("service", violation.pk), {"served_on": violation.decided_on.isoformat()}, follow=True)

    assert "is sealed" in text_of(served)
    assert served.redirect_chain[-1][0] == page("review_queue")
    assert SealedRecord.objects.filter(pk=violation.pk).exists()
    assert client.get(page("review", violation.pk)).status_code == 404
    assert client.get(page("violation", violation.pk)).status_code == 404


def test_the_worker_seals_what_was_served_and_not_sealed(city):
    violation = factories.violation_at(Status.CONFIRMED, city)
    actions._record_service(violation, by=city.reviewer, served_on=violation.decided_on)
    client = signed_in(city.reviewer)
    assert client.get(page("review", violation.pk)).status_code == 200

    tasks.seal_due(timestamp=0)
    tasks.seal_due(timestamp=60)

    assert SealedRecord.objects.get().pk == violation.pk
    assert client.get(page("review", violation.pk)).status_code == 404


def test_the_worker_notes_a_grant_that_time_has_ended_once(city, owner):
    factories.approved(city, factories.person())
    owner.execute("alter table access_grant disable trigger user")
    owner.execute(
        "update access_grant set starts_at = starts_at - interval '9 days', ends_at = now() - interval '1 day'"
    )

    tasks.end_what_is_over(timestamp=0)
    tasks.end_what_is_over(timestamp=60)

    assert Event.objects.filter(kind=kinds.GRANT_EXPIRED).count() == 1


def test_confirming_twice_is_said(city):
    violation = factories.violation_at(Status.SUBMITTED, city)
    client = signed_in(city.reviewer)
    client.post(page("confirm", violation.pk), {"version": violation.version})

    again = client.post(page("confirm", violation.pk), {"version": violation.version}, follow=True)

    assert "has moved on" in text_of(again)


def test_an_incomplete_form_confirms_nothing(city):
    violation = factories.violation_at(Status.SUBMITTED, city)

    response = signed_in(city.reviewer).post(page("confirm", violation.pk), {}, follow=True)

    assert "nothing was confirmed" in text_of(response)
    violation.refresh_from_db()
    assert violation.status == Status.SUBMITTED


def test_a_departure_from_the_bands_is_shown_to_the_reviewer(city):
    from records.penalties import Penalty

    violation = factories.violation_at(
        Status.SUBMITTED,
        city,
        penalty=Penalty(detention_days=3, fine_yuan=100),
        texts={"penalty_reason": "有立功表现。"},
    )

    shown = text_of(signed_in(city.reviewer).get(page("review", violation.pk)))

    assert "有立功表现。" in shown
    assert "Give the reason" in shown
