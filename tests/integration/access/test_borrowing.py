"""Whoever can write the rows of people and factors signs nobody in: what proves a person is bound to them by a key that is not
in the database."""

from __future__ import annotations

import json

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import make_password
from django.test import Client
from django.urls import reverse

from access import factors
from access.exceptions import Refused
from access.models import User
from audit.models import Event
from tests import authenticators, factories

pytestmark = pytest.mark.django_db
LOGIN, SECOND = "/accounts/login/", "/accounts/2fa/authenticate/"
BROKEN = "is not as its holder set it up"


def sign_in(client: Client, username: str, password: str = factories.PASSWORD):
    return client.post(LOGIN, {"login": username, "password": password})


def put_hash(owner, user: User, kept: str) -> None:
    owner.execute("alter table access_user disable trigger user")
    owner.execute("update access_user set password = %s where id = %s", [kept, user.pk])


def test_no_hash_that_was_made_without_the_key_signs_anybody_in(city, owner):
    put_hash(owner, city.judge, make_password("known to its maker"))
    assert sign_in(Client(), "court", "known to its maker").status_code == 200
    assert Event.objects.filter(kind="SIGNED_IN").count() == 0


def test_no_hash_is_copied_from_one_person_to_another(city, owner):
    owner.execute("select 1")
    put_hash(owner, city.judge, User.objects.get(username="officer").password)
    assert sign_in(Client(), "court").status_code == 200
    assert sign_in(Client(), "officer").status_code == 302


COPIED = (
    "insert into mfa_authenticator (user_id, type, data, created_at)"
    " select %s, type, data, now() from mfa_authenticator where user_id = %s"
)
INVENTED = "insert into mfa_authenticator (user_id, type, data, created_at) values (%s, %s, %s, now())"


def test_no_factor_is_copied_from_one_person_to_another(city, owner):
    secret = authenticators.app_of(city.officer)
    owner.execute(COPIED, [city.supervisor.pk, city.officer.pk])

    client = Client(headers={"accept-language": "en"})
    response = sign_in(client, "supervisor")
    assert response["Location"] == LOGIN
    assert BROKEN in client.get(LOGIN).content.decode()
    assert client.post(SECOND, {"code": authenticators.code_of(secret)})["Location"].startswith(LOGIN)
    assert client.get("/").status_code == 302
    assert Event.objects.filter(kind="SIGN_IN_FAILED", target_id=str(city.supervisor.pk)).exists()
    # Their own goes on to work for the officer.
    own = Client()
    sign_in(own, "officer")
    assert own.post(SECOND, {"code": authenticators.code_of(secret)})["Location"] == "/"


def test_a_security_key_that_was_planted_opens_nothing(city, owner):
    key = authenticators.Key(city.officer)
    owner.execute(COPIED, [city.supervisor.pk, city.officer.pk])
    client = Client(headers={"accept-language": "en"})
    assert client.post(LOGIN, {"login": "supervisor", "password": factories.PASSWORD}, secure=True)["Location"] == LOGIN
    assert (
        client.post(SECOND, {"credential": key.proves({"publicKey": {"challenge": "AAAA"}})}, secure=True).status_code
        == 302
    )
    assert client.get("/", secure=True).status_code == 302


@pytest.mark.parametrize("kind", ["totp", "webauthn", "recovery_codes"])
@pytest.mark.parametrize("data", ["{}", "[]", '"s"', '{"secret": 5}', '{"seed": [], "used_mask": "x"}', '{"code": 7}'])
def test_a_row_that_nobody_set_up_stops_no_page_and_proves_nothing(city, owner, kind, data):
    client = Client(headers={"accept-language": "en"})
    sign_in(client, "supervisor")
    owner.execute(INVENTED, [city.supervisor.pk, kind, data])

    page = client.get(reverse("access:security"))
    assert page.status_code == 200 and BROKEN in page.content.decode()
    for method in (client.get, client.post):
        asked = method(reverse("access:identity_change", args=["password"]), {"password": factories.PASSWORD})
        assert asked.status_code == 409 and BROKEN in asked.content.decode()
    again = sign_in(Client(), "supervisor")
    # Recovery codes alone are no second step.
    assert again["Location"] == ("/" if kind == "recovery_codes" else LOGIN)
    with pytest.raises(Refused):
        factors.of(city.supervisor)


def test_what_is_used_up_and_renamed_by_the_product_itself_stays_sound(city):
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    authenticators.app_of(city.supervisor)
    code, *_others = RecoveryCodes.activate(city.supervisor).generate_codes()
    client = Client()
    sign_in(client, "supervisor")
    assert client.post(SECOND, {"code": f" {code} "})["Location"] == "/"
    assert {factor.type for factor in factors.of(city.supervisor)} == {"totp", "recovery_codes"}


def test_an_altered_factor_is_not_taken(city, owner):
    authenticators.app_of(city.supervisor)
    row = Authenticator.objects.get(user=city.supervisor)
    other = {**row.data, "secret": row.data["secret"][:-1] + "x"}
    owner.execute("update mfa_authenticator set data = %s where id = %s", [json.dumps(other), row.pk])
    with pytest.raises(Refused):
        factors.of(city.supervisor)


def test_a_code_in_full_width_digits_is_the_same_code(city):
    secret = authenticators.app_of(city.supervisor)
    client = Client()
    sign_in(client, "supervisor")
    code = authenticators.code_of(secret).translate({ord("0") + n: 0xFF10 + n for n in range(10)})
    assert client.post(SECOND, {"code": f"{code[:3]}\u3000{code[3:]}"})["Location"] == "/"


def test_a_name_in_capitals_is_the_same_person_when_it_is_limited_and_in_the_trail(city):
    secret = authenticators.app_of(city.supervisor)
    for _attempt in range(6):
        sign_in(Client(), "SUPERVISOR", "wrong")
    assert Event.objects.filter(kind="SIGN_IN_FAILED", target_id=str(city.supervisor.pk)).count() == 5
    both = {"login": "SUPERVISOR", "password": factories.PASSWORD, "code": authenticators.code_of(secret)}
    assert Client().post(LOGIN, both).status_code == 302
