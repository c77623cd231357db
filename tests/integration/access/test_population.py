"""A name that does not belong to a number: told beside the person when a request is submitted, compared by who decides."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from access.models import AccessRequest
from access.models.requests import Status
from tests import factories, residents

pytestmark = pytest.mark.django_db

RIGHT = factories.person("宋知远")
WRONG = factories.person("宋知圆", RIGHT.number)
OTHER = factories.person("江予白")
TOLD = "In the population register another name belongs to a number below"


@pytest.fixture(autouse=True)
def register(settings, client: Client):
    settings.POPULATION_REGISTER = residents.PATH
    residents.live(RIGHT, OTHER)
    client.cookies["django_language"] = "en"
    translation.activate("en")


@pytest.fixture
def city() -> factories.City:
    return factories.City()


def submitted(client: Client, draft: AccessRequest, **values):
    client.force_login(draft.requester)
    sent = {"version": draft.version, "declared": "on", **values}
    return client.post(reverse("access:request_submit", args=[draft.pk]), sent, follow=True)


def main(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode().split("<main", 1)[1]).split())


def test_the_page_before_it_says_that_the_register_will_be_asked_and_asks_nobody(client, city, settings):
    draft = factories.request_draft(city, WRONG)
    client.force_login(draft.requester)
    check = reverse("access:request_check", args=[draft.pk])
    assert "the population register is asked whether" in main(client.get(check))
    assert "insists" not in client.get(check).content.decode()
    settings.POPULATION_REGISTER = ""
    assert "population register" not in main(client.get(check))
    assert residents.ASKED == []


def test_another_name_is_told_beside_the_person_with_the_way_to_the_field_and_what_was_typed_stays(client, city):
    draft = factories.request_draft(city, OTHER, WRONG)

    response = submitted(client, draft)

    shown = response.content.decode()
    assert response.status_code == 200 and TOLD in main(response)
    rows = re.findall(r"<tr>.*?</tr>", shown, re.S)[1:]
    assert ["Another name in the population register" in row for row in rows] == [False, True]
    assert f'href="{reverse("access:request_edit", args=[draft.pk])}#id_name_2"' in rows[1]
    assert "宋知圆" in shown and "宋知远" not in shown
    assert re.search(r'<input[^>]*name="declared"[^>]*checked', shown)
    assert AccessRequest.objects.get(pk=draft.pk).status == Status.DRAFT


def test_corrected_it_is_submitted_and_says_so(client, city):
    response = submitted(client, factories.request_draft(city, RIGHT))

    assert "The request is submitted." in main(response)
    access_request = AccessRequest.objects.get()
    page = main(client.get(reverse("access:request", args=[access_request.pk])))
    assert "Belong together, by the population register" in page
    client.force_login(city.supervisor)
    review = client.get(reverse("access:review", args=[access_request.pk])).content.decode()
    assert "Belong together, by the population register" in review and "point_person_1" not in review


def test_whoever_insists_on_the_document_submits_and_the_decider_sees_both(client, city):
    draft = factories.request_draft(city, WRONG, OTHER)
    assert 'name="insists"' in submitted(client, draft).content.decode()

    assert "The request is submitted." in main(submitted(client, draft, insists="on"))
    client.force_login(city.supervisor)
    review = client.get(reverse("access:review", args=[draft.pk]))
    assert "Another name in the population register" in main(review)
    assert "Name and number of 宋知圆 belong together, as the document shows" in main(review)
    assert "point_person_1" in review.content.decode() and "point_person_2" not in review.content.decode()


def test_what_else_is_wrong_with_the_page_does_not_take_the_insisting_away(client, city):
    draft = factories.request_draft(city, WRONG)
    response = submitted(client, draft, insists="on", declared="")
    assert "Confirm the declaration" in main(response)
    assert re.search(r'<input[^>]*name="insists"[^>]*checked', response.content.decode())


def test_a_register_that_is_out_of_reach_keeps_nobody_from_filing(client, city):
    residents.TROUBLE.append(OSError("unreachable"))
    assert "The request is submitted." in main(submitted(client, factories.request_draft(city, WRONG)))
    client.force_login(city.supervisor)
    review = client.get(reverse("access:review", args=[AccessRequest.objects.get().pk]))
    assert "To be compared with the document" in main(review) and "point_person_1" in review.content.decode()


def test_a_decider_says_no_about_one_person_and_who_asked_reads_on_what_the_refusal_rests(client, city, settings):
    settings.POPULATION_REGISTER = ""
    access_request = factories.submitted(city, RIGHT, OTHER)
    factories.refuse(
        access_request, by=city.supervisor, review=factories.review("请核对证件。", people=2, PERSON_2=False)
    )
    client.force_login(city.requester)
    page = main(client.get(reverse("access:request", args=[access_request.pk])))
    assert "It is not established that name and number of everybody asked about belong together." in page


def test_what_is_told_is_byte_for_byte_the_same_whether_there_is_a_record(client, city):
    """Rule 3: the register of residents knows people with and without records."""
    factories.sealed(city, RIGHT)
    pages = []
    for typed in (WRONG, factories.person("江予黑", OTHER.number)):
        draft = factories.request_draft(city, typed)
        shown = submitted(client, draft).content.decode()
        assert TOLD in shown
        number = f"{typed.number[:6]} {typed.number[6:14]} {typed.number[14:]}"
        for own in (str(draft.pk), draft.number, typed.name, number):
            shown = shown.replace(own, "OWN")
        pages.append(re.sub(r'(name="csrfmiddlewaretoken" value="|data-left=")[^"]*', "OWN", shown))
    assert pages[0] == pages[1]
