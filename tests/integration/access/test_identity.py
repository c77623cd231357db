"""Confirming one's identity: recorded both ways, limited, and never a way out of this site."""

from __future__ import annotations

import json

import pytest
from allauth.mfa.totp.internal import auth as totp
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import translation

from access.actions import opening
from access.models import IdentityConfirmation
from audit.models import Event
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def city(db) -> factories.City:
    return factories.City()


@pytest.fixture
def grant(city):
    return factories.approved(city)


@pytest.fixture
def url(grant) -> str:
    return f"/identity/{grant.pk}/"


@pytest.fixture
def user(client: Client, city):
    client.cookies["django_language"] = "en"
    translation.activate("en")
    client.force_login(city.requester)
    return city.requester


def kinds() -> list[str]:
    return list(Event.objects.filter(kind__startswith="IDENTITY").order_by("at").values_list("kind", flat=True))


def page(response) -> str:
    return response.content.decode()


def test_the_address_has_a_name_and_names_a_grant(grant, url):
    assert reverse("access:identity", args=[grant.pk]) == url


@pytest.mark.parametrize("who", ["court", "supervisor", "auditor", "officer"])
def test_the_page_of_somebody_elses_grant_does_not_exist_and_takes_no_attempt(client, city, url, who):
    client.force_login(city.people()[who])

    assert client.get(url).status_code == 404
    assert client.post(url, {"password": factories.PASSWORD}).status_code == 404
    assert client.post(url, {"password": "wrong"}).status_code == 404
    assert kinds() == []


def test_a_confirmation_for_one_grant_is_none_for_another(client, city, grant, url, user):
    other = factories.approved(city)

    assert client.post(url, {"password": factories.PASSWORD}).status_code == 302
    assert opening.identity_is_fresh(user, client.session.session_key, grant)
    assert not opening.identity_is_fresh(user, client.session.session_key, other)


def test_the_right_password_confirms_this_session_and_leads_on(client, user, grant, url):
    response = client.post(url, {"password": factories.PASSWORD, "next": "/requests/"})

    assert response["Location"] == "/requests/"
    assert opening.identity_is_fresh(user, client.session.session_key, grant)
    assert not opening.identity_is_fresh(user, "another session", grant)
    assert kinds() == ["IDENTITY_CONFIRMED"]


def test_a_wrong_password_confirms_nothing_and_is_recorded(client, user, url):
    response = client.post(url, {"password": "wrong", "next": "/requests/"})

    assert "The password is not right" in page(response) and "4 attempts are left." in page(response)
    assert 'value="/requests/"' in page(response)
    assert "wrong" not in page(response).replace("wrong-", "")
    assert not IdentityConfirmation.objects.exists()
    assert kinds() == ["IDENTITY_NOT_CONFIRMED"]
    assert all("wrong" not in json.dumps(bytes(event.canonical).decode()) for event in Event.objects.all())


def test_an_empty_password_is_asked_for_and_costs_no_attempt(client, user, url):
    assert "Enter your password." in page(client.post(url, {"password": ""}))
    assert kinds() == []


def test_after_five_failures_even_the_right_password_waits(client, user, url):
    for _attempt in range(5):
        client.post(url, {"password": "wrong"})
    response = client.post(url, {"password": factories.PASSWORD})

    assert response.status_code == 429
    assert "Too many attempts failed. Wait 5 minutes and try again." in page(response)
    assert not IdentityConfirmation.objects.exists()
    assert kinds() == ["IDENTITY_NOT_CONFIRMED"] * 5


def test_waiting_over_and_a_success_both_give_the_attempts_back(client, user, url, owner):
    for _attempt in range(4):
        client.post(url, {"password": "wrong"})
    assert client.post(url, {"password": factories.PASSWORD}).status_code == 302
    assert "4 attempts are left." in page(client.post(url, {"password": "wrong"}))
    cache.clear()  # forgets only what is over: the attempt that was just taken is not
    assert "3 attempts are left." in page(client.post(url, {"password": "wrong"}))
    owner.execute("update access_attempt set until = now()")
    assert "4 attempts are left." in page(client.post(url, {"password": "wrong"}))


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "http:evil", "", "desk", "x", "9" * 5000, "{}"],
)
def test_next_never_leads_away(client, user, url, target):
    response = client.post(url, {"password": factories.PASSWORD, "next": target})
    assert response["Location"] == "/"
    shown = page(client.get(url, {"next": target}))
    assert '<input type="hidden" name="next" value="/">' in shown
    assert "evil" not in shown[shown.index("Confirm that it is you</h1>") :]


def test_a_second_factor_is_asked_for_where_there_is_one(client, user, url):
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(user, secret)
    code = totp.format_hotp_value(totp.hotp_value(secret, next(totp.yield_hotp_counters_from_time())))
    wrong = f"{(int(code) + 1) % 1000000:06d}"

    assert "Code of your authenticator app" in page(client.get(url))
    assert "Enter the code." in page(client.post(url, {"password": factories.PASSWORD}))
    assert "The password or the code is not right" in page(
        client.post(url, {"password": factories.PASSWORD, "code": wrong})
    )
    assert "The password or the code is not right" in page(client.post(url, {"password": "wrong", "code": code}))
    assert client.post(url, {"password": factories.PASSWORD, "code": code}).status_code == 302
    assert IdentityConfirmation.objects.count() == 1


def test_who_is_not_signed_in_is_asked_to_sign_in(client, url):
    assert client.get(url)["Location"].startswith("/accounts/login/")
