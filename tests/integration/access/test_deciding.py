"""Deciding asks who is there as opening does: once for each vote, without losing what was typed."""

from __future__ import annotations

import html
import re

import pytest
from django.urls import reverse

from access.models import Decision, IdentityConfirmation
from access.models.requests import CheckPoint
from tests import authenticators, clients, factories
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
REASON = "依据与用途相符，\n“最小”必要。"


def vote(access_request, **values) -> dict[str, str]:
    points = {f"point_{point.lower()}": "yes" for point in [*CheckPoint.values, "PERSON_1"]}
    return {**points, "version": str(access_request.version), "outcome": "approve", "reason": REASON, **values}


def carried(page: str) -> dict[str, str]:
    """Return what the form of a page would send."""
    tags = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page[page.index("<main") :])
    return {name: html.unescape(value) for name, value in tags if name != "csrfmiddlewaretoken"}


def url_of(access_request) -> str:
    return reverse("access:decide", args=[access_request.pk])


def test_a_vote_is_cast_after_the_decider_has_proved_who_they_are(city):
    access_request = factories.submitted(city)
    client = clients.signed_in(city.supervisor)
    asked = client.post(url_of(access_request), vote(access_request)).content.decode()
    assert "Approve as asked" in asked and "Confirm that it is you" in asked
    assert not Decision.objects.exists()

    kept = carried(asked)
    assert kept["reason"] == REASON
    wrong = client.post(url_of(access_request), {**kept, "password": "wrong"}).content.decode()
    assert "The password is not right" in wrong and carried(wrong) == kept
    assert not Decision.objects.exists()

    response = client.post(url_of(access_request), {**carried(wrong), "password": PASSWORD}, follow=True)
    assert "is approved" in response.content.decode()
    assert Decision.objects.get().decider == city.supervisor


def test_the_way_back_keeps_what_was_typed(city):
    access_request = factories.submitted(city)
    client = clients.signed_in(city.supervisor)
    asked = client.post(url_of(access_request), vote(access_request, outcome="refuse")).content.decode()
    back = client.post(url_of(access_request), {**carried(asked), "back": "1"}).content.decode()
    assert html.escape(REASON.split("\n")[0]) in back and "Points to check" in back
    assert not Decision.objects.exists() and not IdentityConfirmation.objects.exists()


def test_one_confirmation_is_one_vote(city):
    first, second = factories.submitted(city), factories.submitted(city)
    client = clients.signed_in(city.supervisor)
    assert client.post(url_of(first), {**vote(first), "proof": "1", "password": PASSWORD}).status_code == 302
    assert client.post(url_of(second), vote(second)).status_code == 200
    assert Decision.objects.count() == 1


def test_a_confirmation_is_for_the_decision_that_it_named(city):
    """Somebody who proved who they are for an approval is asked again before they refuse."""
    access_request = factories.submitted(city)
    client = clients.signed_in(city.supervisor)
    asked = carried(client.post(url_of(access_request), vote(access_request)).content.decode())
    factories.confirmed(access_request, scope=factories.scope_for(access_request), by=city.supervisor)
    other = client.post(url_of(access_request), {**asked, "outcome": "refuse"}).content.decode()
    assert "Confirm that it is you" in other and "Refuse" in other
    assert not Decision.objects.exists()


def test_a_point_answered_with_no_is_told_before_anybody_is_asked(city):
    access_request = factories.submitted(city)
    client = clients.signed_in(city.supervisor)
    page = client.post(url_of(access_request), vote(access_request, point_scope="no")).content.decode()
    assert "A point of the checklist is answered with no" in page and "Confirm that it is you" not in page


def test_a_vote_on_a_request_that_was_withdrawn_says_only_that(city):
    from access.actions import requests

    access_request = factories.submitted(city)
    client = clients.signed_in(city.supervisor)
    old = vote(access_request)
    requests.withdraw(access_request, by=city.requester, version=access_request.version)
    page = client.post(
        url_of(access_request), {**old, "proof": "1", "password": PASSWORD}, follow=True
    ).content.decode()
    assert "Answer this point with yes or no" not in page


def test_a_request_that_moved_on_is_read_again_before_anybody_is_asked(city):
    access_request = factories.submitted(city)
    client = clients.signed_in(city.supervisor)
    old = vote(access_request, version="1", proof="1", password=PASSWORD)
    page = client.post(url_of(access_request), old).content.decode()
    assert "has changed since you opened it" in page and html.escape(REASON.split("\n")[0]) in page
    assert not IdentityConfirmation.objects.exists()


def test_a_key_is_asked_for_where_there_is_one(city):
    key = authenticators.Key(city.supervisor)
    access_request = factories.submitted(city)
    client = clients.signed_in(city.supervisor)
    asked = client.post(url_of(access_request), vote(access_request), secure=True).content.decode()
    asked = client.post(url_of(access_request), {**carried(asked), "password": PASSWORD}, secure=True).content.decode()
    assert not Decision.objects.exists()
    proof = key.proves(authenticators.options_on(asked, "request_options"))
    values = {**carried(asked), "password": PASSWORD, "credential": proof}
    assert client.post(url_of(access_request), values, secure=True).status_code == 302
    assert Decision.objects.count() == 1
    assert IdentityConfirmation.objects.get().factor == "webauthn"
