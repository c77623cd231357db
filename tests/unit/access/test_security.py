"""Changes of one's own password, factors, sessions and preferences: without their event none happens."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import generate_totp_secret

from access.actions import identity, security
from access.database import Act
from access.models import Session, User
from access.sessions import session_digest
from tests import authenticators, worlds
from tests.architecture.test_layers import actions
from tests.factories import SESSION

CREDENTIAL = {"publicKey": {"challenge": "AAAA"}}


@dataclass
class Change:
    """One change as its holder makes it: what they have before, what they proved it for, and what they do."""

    act: Callable[[User], object]
    proved: Callable[[User], str] | None = None
    factor: str = "password"
    has: Callable[[User], object] = lambda user: None
    # What the change alters, so that it is sure to have altered something where the trail can be written.
    seen: Callable[[User], object] = lambda user: sorted(
        Authenticator.objects.filter(user=user).values_list("type", "data").order_by("pk"), key=str
    )


def key_of(user: User) -> int:
    return Authenticator.objects.get(user=user, type="webauthn").pk


def sessions_of(user: User) -> list[object]:
    return sorted(Session.objects.not_ended().filter(user=user).values_list("pk", flat=True), key=str)


def preferences_of(user: User) -> tuple[str, bool]:
    user.refresh_from_db()
    return user.language, user.single_keys


CHANGES = {
    "change_password": Change(
        lambda user: security.change_password(by=user, session_key=SESSION, password="another one of the tests"),
        lambda user: "password",
        seen=lambda user: User.objects.get(pk=user.pk).password,
    ),
    "add_app": Change(
        lambda user: security.add_app(by=user, session_key=SESSION, secret=generate_totp_secret()),
        lambda user: "app-add",
    ),
    "remove_app": Change(
        lambda user: security.remove_app(by=user, session_key=SESSION),
        lambda user: "app-remove",
        "totp",
        authenticators.app_of,
    ),
    "add_key": Change(
        lambda user: security.add_key(
            by=user, session_key=SESSION, name="", credential=json.loads(authenticators.Key().registers(CREDENTIAL))
        ),
        lambda user: "key-add",
    ),
    "remove_key": Change(
        lambda user: security.remove_key(by=user, session_key=SESSION, key=key_of(user)),
        lambda user: f"key-remove-{key_of(user)}",
        "webauthn",
        authenticators.Key,
    ),
    "make_codes": Change(
        lambda user: security.make_codes(by=user, session_key=SESSION),
        lambda user: "codes",
        "totp",
        authenticators.app_of,
    ),
    "set_preferences": Change(
        lambda user: security.set_preferences(by=user, language="zh-hans", single_keys=False), seen=preferences_of
    ),
    "end_session": Change(
        lambda user: security.end_session(Session.objects.get(user=user).pk, by=user),
        has=worlds.sign_in,
        seen=sessions_of,
    ),
    "end_other_sessions": Change(
        lambda user: security.end_other_sessions(by=user, session_key=SESSION), has=worlds.sign_in, seen=sessions_of
    ),
}


@pytest.fixture
def prepared(city) -> Callable[[Change], User]:
    def prepare(change: Change) -> User:
        change.has(city.officer)
        if change.proved:
            act = Act.change(city.officer, change.proved(city.officer))
            identity.confirm_identity(by=city.officer, session_key=SESSION, act=act, factor=change.factor, proved=True)
        return city.officer

    return prepare


def test_every_change_is_here():
    assert set(CHANGES) == set(actions("access/actions/security.py"))


@pytest.mark.parametrize("name", CHANGES)
def test_without_its_event_no_change_is_made(prepared, owner, refused_without_trail, name):
    change = CHANGES[name]
    user = prepared(change)
    owned = owner.execute("select * from mfa_authenticator order by id").fetchall()
    before = change.seen(user)

    with refused_without_trail():
        change.act(user)
    assert owner.execute("select * from mfa_authenticator order by id").fetchall() == owned
    assert change.seen(user) == before

    # The proof was not used up either: the same change is made as soon as the trail can be written.
    change.act(user)
    assert change.seen(user) != before


def test_the_session_that_ends_the_others_goes_on(prepared, city):
    user = prepared(CHANGES["end_other_sessions"])
    mine = worlds.sign_in(user)
    security.end_other_sessions(by=user, session_key=mine)
    assert [session.digest for session in Session.objects.not_ended().filter(user=user)] == [session_digest(mine).hex()]
