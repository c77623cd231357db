"""My security: every change of a factor is proved first, by the strongest, for that change; and is an event."""

from __future__ import annotations

import html
import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.conf import settings
from django.test import Client
from django.urls import reverse

from access.models import ConfirmationUse, Session
from access.sessions import session_digest
from audit.models import Event
from tests import authenticators, clients, worlds
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
HOME = "/security/"
NEW = "another password of the tests"
CHANGES = {
    "password": "/security/password/",
    "app-add": "/security/app/",
    "codes": "/security/codes/",
    "key-add": "/security/keys/",
}


@pytest.fixture
def user(city):
    return city.officer


@pytest.fixture
def client(user) -> Client:
    return clients.signed_in(user)


def page(response) -> str:
    return response.content.decode()


def kinds() -> list[str]:
    return list(Event.objects.filter(actor__isnull=False).order_by("at").values_list("kind", flat=True))


def events(kind: str) -> int:
    return Event.objects.filter(kind=kind).count()


def confirm(client: Client, change: str, **proof: str) -> None:
    response = client.post(f"/identity/change/{change}/", {"password": PASSWORD, **proof}, secure=True)
    assert response.status_code == 302, re.findall(r"<li>(.*?)</li>", page(response))


def types(user) -> list[str]:
    return sorted(Authenticator.objects.filter(user=user).values_list("type", flat=True))


def shown_codes(shown: str) -> list[str]:
    return re.findall(r'<li class="number">(\d+)</li>', shown)


def test_it_is_in_the_header_of_every_page(client):
    assert 'href="/security/"' in page(client.get("/"))
    shown = page(client.get(HOME))
    for word in ("Password", "Authenticator app", "Security keys", "Recovery codes", "Where you are signed in"):
        assert word in shown


@pytest.mark.parametrize("change", CHANGES)
def test_no_change_is_made_or_shown_before_it_is_proved(client, user, change):
    url = CHANGES[change]
    before = types(user), user.password
    for response in (client.get(url), client.post(url, {"new_password": NEW, "new_password_again": NEW, "code": "1"})):
        assert response["Location"] == f"/identity/change/{change}/"
    user.refresh_from_db()
    assert (types(user), user.password) == before
    for other in set(CHANGES) - {change}:  # a confirmation of another change is none
        confirm(client, other)
    assert client.post(url).status_code == 302 and client.post(url)["Location"] == f"/identity/change/{change}/"


def test_the_password_is_changed_by_its_holder_and_ends_other_sessions(client, user):
    elsewhere = worlds.sign_in(user)
    confirm(client, "password")
    assert "not the same" in page(client.post(CHANGES["password"], {"new_password": NEW, "new_password_again": "x"}))
    assert "too short" in page(client.post(CHANGES["password"], {"new_password": "ab", "new_password_again": "ab"}))
    same = {"new_password": PASSWORD, "new_password_again": PASSWORD}
    assert "that you have now" in page(client.post(CHANGES["password"], same))
    assert events("PASSWORD_CHANGED") == 0 and not ConfirmationUse.objects.exists()

    response = client.post(CHANGES["password"], {"new_password": NEW, "new_password_again": NEW}, follow=True)
    assert "Your password is changed." in page(response)
    user.refresh_from_db()
    assert user.check_password(NEW)
    assert events("PASSWORD_CHANGED") == 1 and ConfirmationUse.objects.count() == 1
    assert client.get("/").status_code == 200
    assert worlds.client_of(elsewhere).get("/").status_code == 302
    # Once more needs a proof of its own.
    assert client.get(CHANGES["password"]).status_code == 302


def test_an_app_is_added_with_recovery_codes_and_removed_by_its_code(client, user):
    confirm(client, "app-add")
    shown = page(client.get(CHANGES["app-add"]))
    secret = re.search(r'break">(\w+)<', shown)[1]
    carried = html.unescape(re.search(r'name="carried_secret" value="([^"]+)"', shown)[1])
    code = authenticators.code_of(secret)
    again = page(client.post(CHANGES["app-add"], {"carried_secret": carried, "code": authenticators.wrong(code)}))
    assert "The code is not right" in again and secret in again
    assert types(user) == []
    done = page(client.post(CHANGES["app-add"], {"carried_secret": carried, "code": code}))
    codes = shown_codes(done)
    assert len(codes) == 10
    assert types(user) == ["recovery_codes", "totp"]
    assert events("FACTOR_ADDED") == 2

    # From now on the password alone changes nothing.
    url = "/identity/change/app-remove/"
    assert client.post(url, {"password": PASSWORD}).status_code == 200
    assert client.post(url, {"password": PASSWORD, "code": codes[0]})["Location"] == "/security/app/remove/"
    assert "Remove the authenticator app" in page(client.get("/security/app/remove/"))
    client.post("/security/app/remove/")
    assert types(user) == []
    assert events("FACTOR_REMOVED") == 2


def test_the_secret_of_somebody_elses_page_is_not_taken(client, city):
    other = clients.signed_in(city.reviewer)
    confirm(other, "app-add")
    foreign = page(other.get(CHANGES["app-add"]))
    secret = re.search(r'break">(\w+)<', foreign)[1]
    carried = html.unescape(re.search(r'name="carried_secret" value="([^"]+)"', foreign)[1])
    confirm(client, "app-add")
    values = {"carried_secret": carried, "code": authenticators.code_of(secret)}
    assert secret not in page(client.post(CHANGES["app-add"], values))
    assert not Authenticator.objects.exists()


def test_a_key_is_added_and_removed_with_the_key(client, user):
    confirm(client, "key-add")
    key = authenticators.Key()
    options = authenticators.options_on(page(client.get(CHANGES["key-add"], secure=True)), "creation_options")
    for nothing in ("0", "[]", "{}", '{"id": "x"}', "null"):
        client.post(CHANGES["key-add"], {"credential": nothing}, secure=True)
    assert types(user) == []
    options = authenticators.options_on(page(client.get(CHANGES["key-add"], secure=True)), "creation_options")
    client.post(CHANGES["key-add"], {"credential": key.registers(options), "name": "蓝色钥匙"}, secure=True)
    assert types(user) == ["recovery_codes", "webauthn"]
    row = Authenticator.objects.get(type="webauthn")
    assert "蓝色钥匙" in page(client.get(HOME))

    url = f"/identity/change/key-remove-{row.pk}/"
    proof = key.proves(authenticators.options_on(page(client.get(url, secure=True)), "request_options"))
    confirm(client, f"key-remove-{row.pk}", credential=proof)
    client.post(f"/security/keys/{row.pk}/remove/", secure=True)
    assert types(user) == []


def test_a_lost_key_is_replaced_with_a_recovery_code(client, user):
    key = authenticators.Key(user)
    code = RecoveryCodes.activate(user).generate_codes()[0]
    confirm(client, f"key-remove-{key.row.pk}", code=code)
    client.post(f"/security/keys/{key.row.pk}/remove/", secure=True)
    assert types(user) == []
    assert events("RECOVERY_CODE_USED") == 1


def test_nobody_reaches_the_key_of_somebody_else(client, city):
    key = authenticators.Key(city.reviewer)
    assert client.get(f"/identity/change/key-remove-{key.row.pk}/").status_code == 404
    assert client.get("/identity/change/everything/").status_code == 404


def test_new_recovery_codes_are_shown_once_and_end_the_old_ones(client, user):
    secret = authenticators.app_of(user)
    old = RecoveryCodes.activate(user).generate_codes()
    confirm(client, "codes", code=authenticators.code_of(secret))
    assert shown_codes(page(client.get(CHANGES["codes"]))) == []
    new = shown_codes(page(client.post(CHANGES["codes"])))
    assert len(new) == 10 and set(new).isdisjoint(old)
    assert client.post(CHANGES["codes"]).status_code == 302
    assert not any(code in page(client.get(HOME)) for code in new)


def test_the_last_factor_stays_where_one_is_demanded(client, user, settings):
    settings.SECOND_FACTOR_REQUIRED = True
    secret = authenticators.app_of(user)
    confirm(client, "app-remove", code=authenticators.code_of(secret))
    shown = page(client.post("/security/app/remove/", follow=True))
    assert "Every account needs a second factor" in shown
    assert types(user) == ["totp"]


def test_without_a_factor_that_is_demanded_only_this_page_is_reached(client, settings):
    settings.SECOND_FACTOR_REQUIRED = True
    assert client.get("/")["Location"] == HOME
    assert "Set up a second factor before you go on" in page(client.get(HOME))
    assert client.get("/identity/change/app-add/").status_code == 200
    confirm(client, "app-add")
    assert client.get(CHANGES["app-add"]).status_code == 200


def test_sessions_are_shown_and_ended(client, user, city):
    one, two, foreign = worlds.sign_in(user), worlds.sign_in(user), worlds.sign_in(city.reviewer)
    shown = page(client.get(HOME))
    assert shown.count("End this session") == 2 and "this one" in shown
    assert not any(key in shown for key in (one, two, client.session.session_key))

    own = session_digest(client.session.session_key).hex()
    other = Session.objects.filter(user=user).exclude(digest=own).first()
    client.post(reverse("access:session_end", args=[other.pk]))
    assert sorted(worlds.client_of(key).get("/").status_code for key in (one, two)) == [200, 302]
    client.post(reverse("access:sessions_end"))
    assert [worlds.client_of(key).get("/").status_code for key in (one, two, foreign)] == [302, 302, 200]
    assert client.get("/").status_code == 200
    assert events("SESSION_ENDED") == 2
    # Nobody ends the sessions of others.
    theirs = Session.objects.get(user=city.reviewer)
    assert client.post(reverse("access:session_end", args=[theirs.pk])).status_code == 404


def test_language_and_single_keys_are_kept_for_the_person(client, user):
    assert 'data-keys="off"' not in page(client.get(HOME))
    client.post("/security/preferences/", {"language": "zh-hans"})
    user.refresh_from_db()
    assert (user.language, user.single_keys) == ("zh-hans", False)
    assert events("USER_CHANGED") == 1
    shown = page(client.get(HOME))
    assert 'data-keys="off"' in shown and 'lang="zh-hans"' in shown
    client.post("/security/preferences/", {"language": "zh-hans"})
    assert events("USER_CHANGED") == 1  # nothing changed
    assert client.post("/security/preferences/", {"language": "fr"}).status_code == 302

    browser = Client(headers={"accept-language": "en"})
    browser.post("/accounts/login/", {"login": user.username, "password": PASSWORD})
    assert browser.cookies[settings.LANGUAGE_COOKIE_NAME].value == "zh-hans"


@pytest.mark.parametrize(
    "address",
    [
        *(
            "reauthenticate/",
            "password/change/",
            "password/set/",
            "password/reset/",
            "email/",
            "2fa/",
            "2fa/totp/activate/",
        ),
        *(
            "2fa/totp/deactivate/",
            "2fa/recovery-codes/",
            "2fa/recovery-codes/generate/",
            "2fa/recovery-codes/download/",
        ),
        *(
            "2fa/webauthn/",
            "2fa/webauthn/add/",
            "2fa/webauthn/login/",
            "2fa/webauthn/reauthenticate/",
            "2fa/reauthenticate/",
        ),
        *("2fa/webauthn/keys/1/remove/", "2fa/webauthn/keys/1/edit/", "2fa/trust/", "login/code/confirm/"),
    ],
)
def test_no_page_of_allauth_leads_around_it(client, address):
    for method in (client.get, client.post):
        assert method(f"/accounts/{address}").status_code == 404
