"""Confirming one's identity: for one act, by the strongest factor, recorded both ways, limited, and never a way out."""

from __future__ import annotations

import json

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from access.actions import identity, opening
from access.database import Act
from access.models import IdentityConfirmation
from audit.models import Event
from tests import authenticators, clients, factories
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(city):
    return city.requester


@pytest.fixture
def grant(city):
    return factories.approved(city)


@pytest.fixture
def url(grant) -> str:
    return reverse("access:identity", args=[grant.pk])


@pytest.fixture
def client(user) -> Client:
    return clients.signed_in(user)


def outcomes() -> list[tuple[str, dict]]:
    """What the trail says about the requester's proofs; the votes were confirmed before."""
    events = Event.objects.filter(kind__startswith="IDENTITY").order_by("at")
    read = [(event.kind, json.loads(bytes(event.canonical))["detail"]) for event in events]
    return [(kind.removeprefix("IDENTITY_"), detail) for kind, detail in read if detail["act"] != "VOTE"]


def kinds() -> list[str]:
    return [kind for kind, _detail in outcomes()]


def page(response) -> str:
    return response.content.decode()


def confirmations() -> int:
    return IdentityConfirmation.objects.exclude(kind="VOTE").count()


def test_the_right_password_confirms_this_session_and_this_grant_and_leads_on(client, city, user, grant, url):
    response = client.post(url, {"password": PASSWORD, "next": "/requests/"})

    assert response["Location"] == "/requests/"
    key = client.session.session_key
    assert opening.identity_is_fresh(user, key, grant)
    assert not opening.identity_is_fresh(user, "another session", grant)
    assert not opening.identity_is_fresh(user, key, factories.approved(city))
    assert not identity.is_confirmed(user, key, Act.change(user, "password"))
    assert outcomes() == [("CONFIRMED", {"act": "GRANT", "grant": str(grant.pk), "proof": "password"})]


def test_a_wrong_password_confirms_nothing_and_is_recorded(client, url):
    response = client.post(url, {"password": "wrong", "next": "/requests/"})

    assert "The password is not right" in page(response) and "4 attempts are left." in page(response)
    assert 'value="/requests/"' in page(response)
    assert confirmations() == 0
    assert kinds() == ["NOT_CONFIRMED"]


def test_an_empty_password_is_asked_for_and_costs_no_attempt(client, url):
    assert "Enter your password." in page(client.post(url, {"password": ""}))
    assert kinds() == []


def test_after_five_failures_even_the_right_password_waits(client, url):
    for _attempt in range(5):
        client.post(url, {"password": "wrong"})
    response = client.post(url, {"password": PASSWORD})

    assert response.status_code == 429
    assert "Too many attempts failed. Wait 5 minutes and try again." in page(response)
    assert confirmations() == 0
    assert kinds() == ["NOT_CONFIRMED"] * 5


def test_failures_elsewhere_do_not_count_here(client, user, url):
    """Somebody who has stolen a session guesses from another place; the holder goes on."""
    thief = clients.signed_in(user)
    for _attempt in range(6):
        thief.post(url, {"password": "wrong"}, REMOTE_ADDR="203.0.113.9")
    assert client.post(url, {"password": PASSWORD}).status_code == 302


def test_waiting_over_and_a_success_both_give_the_attempts_back(client, url):
    for _attempt in range(4):
        client.post(url, {"password": "wrong"})
    assert client.post(url, {"password": PASSWORD}).status_code == 302
    assert "4 attempts are left." in page(client.post(url, {"password": "wrong"}))
    cache.clear()


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "http:evil", ""])
def test_next_never_leads_away(client, url, target):
    response = client.post(url, {"password": PASSWORD, "next": target})
    assert response["Location"] == "/"
    shown = page(client.get(url, {"next": target}))
    assert '<input type="hidden" name="next" value="/">' in shown
    assert "evil" not in shown[shown.index("Confirm that it is you</h1>") :]


def test_a_code_is_asked_for_where_there_is_an_app(client, user, url):
    secret = authenticators.app_of(user)
    code = authenticators.code_of(secret)

    assert "Code of your authenticator app" in page(client.get(url))
    assert "Enter the code." in page(client.post(url, {"password": PASSWORD}))
    for password, typed in ((PASSWORD, authenticators.wrong(code)), ("wrong", code)):
        assert "The password or the code is not right" in page(client.post(url, {"password": password, "code": typed}))
    assert client.post(url, {"password": PASSWORD, "code": code}).status_code == 302
    assert confirmations() == 1
    assert outcomes()[-1][1]["proof"] == "totp"


def test_whoever_has_a_key_is_asked_for_the_key_and_nothing_else_is_enough(client, user, url):
    secret = authenticators.app_of(user)
    key = authenticators.Key(user)

    shown = page(client.get(url, secure=True))
    assert "Use the security key" in shown and "Code of your authenticator app" not in shown
    for values in ({}, {"code": authenticators.code_of(secret)}, {"credential": "{}"}, {"credential": '{"id": 1}'}):
        assert client.post(url, {"password": PASSWORD, **values}, secure=True).status_code == 200
    assert confirmations() == 0

    proof = key.proves(authenticators.options_on(page(client.get(url, secure=True)), "request_options"))
    assert client.post(url, {"password": "wrong", "credential": proof}, secure=True).status_code == 200
    proof = key.proves(authenticators.options_on(page(client.get(url, secure=True)), "request_options"))
    assert client.post(url, {"password": PASSWORD, "credential": proof}, secure=True).status_code == 302
    assert outcomes()[-1] == ("CONFIRMED", {"act": "GRANT", "grant": outcomes()[-1][1]["grant"], "proof": "webauthn"})
    # The same answer proves nothing twice.
    assert client.post(url, {"password": PASSWORD, "credential": proof}, secure=True).status_code == 200


def test_what_a_key_signed_for_one_act_confirms_no_other(client, city, user, url):
    key = authenticators.Key(user)
    other = reverse("access:identity", args=[factories.approved(city).pk])
    proof = key.proves(authenticators.options_on(page(client.get(url, secure=True)), "request_options"))
    client.get(other, secure=True)
    assert client.post(other, {"password": PASSWORD, "credential": proof}, secure=True).status_code == 200
    assert confirmations() == 0


def test_the_grant_of_somebody_else_is_not_confirmed(city, url):
    assert clients.signed_in(city.judge).get(url).status_code == 404
    assert clients.signed_in(city.judge).post(url, {"password": PASSWORD}).status_code == 404


def test_who_is_not_signed_in_is_asked_to_sign_in(url):
    assert Client().get(url)["Location"].startswith("/accounts/login/")
