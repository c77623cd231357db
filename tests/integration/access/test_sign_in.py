"""Signing in: counted by name and address, with the minutes; and nobody locks anybody else out."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client

from access.models import Attempt
from audit.models import Event
from tests import authenticators, factories
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
LOGIN, SECOND = "/accounts/login/", "/accounts/2fa/authenticate/"


def post(password: str, address: str = "203.0.113.1", client: Client | None = None, **values: str):
    client = client or Client(headers={"accept-language": "en"})
    values = {"login": "supervisor", "password": password, **values}
    return client.post(LOGIN, values, REMOTE_ADDR=address)


def fail(times: int = 5, **values: str) -> None:
    for number in range(times):
        assert post(f"wrong {number}", **values).status_code == 200


def page(response) -> str:
    return response.content.decode()


def test_after_five_wrong_passwords_from_an_address_it_says_how_long_to_wait(city):
    fail()
    shown = page(post(PASSWORD))
    assert "Too many attempts failed. Wait 5 minutes and try again." in shown
    assert Event.objects.filter(kind="SIGN_IN_FAILED").count() == 5
    assert not Event.objects.filter(kind="SIGNED_IN").exists()


def test_what_others_type_elsewhere_locks_nobody_out(city):
    fail(address="198.51.100.66")
    assert post(PASSWORD).status_code == 302
    fail(login="officer")  # another name, same address
    assert post(PASSWORD).status_code == 302


def test_even_at_the_same_address_a_right_password_with_a_right_code_is_let_in(city):
    secret = authenticators.app_of(city.supervisor)
    fail(12)
    code = authenticators.code_of(secret)
    told = page(post("wrong", code=code))
    assert page(post(PASSWORD, code=authenticators.wrong(code))).count("Wait 5 minutes") == told.count("Wait 5 minutes")
    assert 'name="code"' in told
    client = Client()
    assert post(PASSWORD, code=code, client=client)["Location"] == "/"
    assert client.get("/").status_code == 200


def test_guessing_on_tells_nothing_about_the_password(city):
    """Once limited, a right password alone looks like a wrong one."""
    authenticators.app_of(city.supervisor)
    fail()
    answers = [post(password, **code) for password in (PASSWORD, "wrong") for code in ({}, {"code": "123456"})]
    assert [answer.status_code for answer in answers] == [200] * 4
    words = {page(answer)[page(answer).index("Too many") :][:120] for answer in answers}
    assert len(words) == 1


def test_a_success_gives_the_tries_back_and_looking_costs_none(city):
    client = Client()
    for _look in range(20):
        client.get(LOGIN)
        client.head(LOGIN)
    assert Attempt.objects.count() == 0
    fail(4)
    assert post(PASSWORD).status_code == 302
    fail(4)
    assert post(PASSWORD).status_code == 302


def test_a_busy_day_resets_no_limit(city):
    fail()
    for number in range(1000):
        cache.set(f"something-else-{number}", number, 600)
    assert "Too many attempts failed." in page(post(PASSWORD))


def test_wrong_codes_are_events_and_limited_by_person_and_address(city):
    secret = authenticators.app_of(city.supervisor)
    code = authenticators.code_of(secret)
    client = Client(headers={"accept-language": "en"})
    post(PASSWORD, client=client)
    for _try in range(5):
        shown = page(client.post(SECOND, {"code": authenticators.wrong(code)}, REMOTE_ADDR="203.0.113.1"))
        assert "The code is not right." in shown
    limited = page(client.post(SECOND, {"code": code}, REMOTE_ADDR="203.0.113.1"))
    assert "Too many attempts failed. Wait 5 minutes and try again." in limited
    assert Event.objects.filter(kind="SIGN_IN_FAILED", target_id=str(city.supervisor.pk)).count() == 5
    elsewhere = Client()
    post(PASSWORD, address="203.0.113.2", client=elsewhere)
    assert elsewhere.post(SECOND, {"code": code}, REMOTE_ADDR="203.0.113.2")["Location"] == "/"


def test_the_second_step_takes_a_security_key(city):
    key = authenticators.Key(city.supervisor)
    client = Client(headers={"accept-language": "en"})
    client.post(LOGIN, {"login": "supervisor", "password": PASSWORD}, secure=True)
    assert client.post(SECOND, {"credential": "{}"}, secure=True).status_code == 200
    options = authenticators.options_on(page(client.get(SECOND, secure=True)), "request_options")
    assert client.post(SECOND, {"credential": key.proves(options)}, secure=True)["Location"] == "/"
    assert client.get("/", secure=True).status_code == 200


def test_a_disabled_person_does_not_get_in_by_either_way(city):
    from access.actions import people

    secret = authenticators.app_of(city.supervisor)
    people.disable_user(city.supervisor, by=city.people_admin)
    assert post(PASSWORD)["Location"] == "/accounts/inactive/"
    fail()
    assert post(PASSWORD, code=authenticators.code_of(secret)).status_code == 200


def test_a_password_kept_in_an_older_way_is_kept_anew_by_the_sign_in_that_it_lets_in(city, settings):
    today = settings.PASSWORD_HASHERS
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher", *today]
    factories.people.store_password_anew(city.supervisor, PASSWORD)
    older = city.supervisor.password
    settings.PASSWORD_HASHERS = [*today, "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher"]
    rehashed = Event.objects.filter(kind="PASSWORD_REHASHED", target_id=str(city.supervisor.pk))

    assert post("wrong").status_code == 200
    city.supervisor.refresh_from_db()
    assert city.supervisor.password == older and rehashed.count() == 1
    for _time in range(2):  # once is enough
        assert post(PASSWORD).status_code == 302
        city.supervisor.refresh_from_db()
        assert city.supervisor.password != older and not city.supervisor.has_outdated_hash
        assert rehashed.count() == 2
