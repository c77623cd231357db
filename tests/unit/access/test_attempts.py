"""The cache of attempts and used codes: JSON, atomic, never evicted, over by the database's clock - and never code."""

from __future__ import annotations

import base64
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.cache import cache, caches
from django.db import DataError, connection, connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.attempts import AttemptsCache
from access.models import Attempt
from audit.models import Event
from tests import factories

pytestmark = pytest.mark.django_db


def let_pass(owner, seconds: float, key: str = "%") -> None:
    """Let this much time be over for the rows of a key, by the only clock that counts."""
    owner.execute(
        "update access_attempt set until = until - make_interval(secs => %s) where key like %s", [seconds, f"%{key}"]
    )


def test_it_is_the_only_cache_of_the_product(settings):
    assert {name: values["BACKEND"] for name, values in settings.CACHES.items()} == {
        "default": "access.attempts.AttemptsCache"
    }
    assert isinstance(caches["default"], AttemptsCache)
    assert settings.SESSION_ENGINE == "access.sessions"
    assert "PickleSerializer" not in settings.SESSION_SERIALIZER


@pytest.mark.parametrize(
    "value", [1, 0, -7, 1.5, True, False, None, "", "a text", "汉字 😀", [], [1, [2, "3"]], {"a": {"b": None}}]
)
def test_what_json_can_hold_comes_back_as_it_was(value):
    cache.set("key", value)

    assert cache.get("key", "nothing") == value
    assert type(cache.get("key", "nothing")) is type(value)
    assert cache.get_many(["key", "other"]) == {"key": value}
    assert "key" in cache and "other" not in cache


@pytest.mark.parametrize("value", [b"bytes", object(), {1, 2}, timezone.now(), float("nan"), "a\0b"])
def test_what_json_cannot_hold_is_refused_and_nothing_is_kept(value):
    with pytest.raises(Exception, match="(?i)json|token|null|unicode|surrogate|NUL"):
        cache.set("key", value)
    assert not Attempt.objects.exists()


def test_add_keeps_the_first_and_says_so():
    assert cache.add("key", "first", 60)
    assert not cache.add("key", "second", 60)
    assert cache.get("key") == "first"
    cache.set("key", "third", 60)
    assert cache.get("key") == "third"
    assert cache.delete("key") and not cache.delete("key")
    assert cache.add("key", "fourth", 60)


def racing(times: int, act):
    """Run an act so many times at once, each on a connection of its own; return what each said."""
    start = threading.Barrier(times)

    def one(place: int):
        try:
            connection.ensure_connection()
            start.wait(30)
            return act(place)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as threads:
        return [future.result() for future in [threads.submit(one, place) for place in range(times)]]


def test_of_many_who_add_at_once_one_does():
    for attempt in range(5):
        added = racing(8, lambda place, attempt=attempt: cache.add(f"key {attempt}", place, 60))

        assert added.count(True) == 1
        assert cache.get(f"key {attempt}") == added.index(True)


def test_of_many_who_add_to_what_is_over_one_does(owner):
    cache.add("key", "old", 60)
    let_pass(owner, 61)

    assert racing(8, lambda place: cache.add("key", place, 60)).count(True) == 1


def test_counting_at_once_loses_nothing():
    cache.set("counted", 5, 60)

    seen = racing(8, lambda _place: cache.incr("counted"))

    assert sorted(seen) == list(range(6, 14))
    assert cache.get("counted") == 13
    assert cache.decr("counted", 3) == 10
    with pytest.raises(ValueError, match="no such attempt"):
        cache.incr("never set")


def test_time_is_over_by_the_databases_clock_whatever_the_applications_says(owner, monkeypatch):
    cache.set("key", 1, 60)
    for off in (-1, 1):
        now = timezone.now() + timedelta(days=off)
        monkeypatch.setattr(timezone, "now", lambda now=now: now)
        monkeypatch.setattr("time.time", lambda now=now: now.timestamp())
        assert cache.get("key") == 1 and not cache.add("key", 2, 60)
    monkeypatch.undo()

    let_pass(owner, 60)

    assert cache.get("key") is None and not cache.has_key("key") and cache.get_many(["key"]) == {}
    assert not cache.touch("key", 60)
    with pytest.raises(ValueError, match="no such attempt"):
        cache.incr("key")
    assert cache.add("key", 2, 60)


@pytest.mark.parametrize("seconds", [0, -1])
def test_what_is_over_at_once_is_not_kept(seconds):
    cache.set("key", 1, 60)
    cache.set("key", 2, seconds)

    assert cache.get("key") is None


def test_touching_gives_more_time(owner):
    cache.set("key", 1, 60)
    assert cache.touch("key", 600)
    let_pass(owner, 120)

    assert cache.get("key") == 1


def test_nothing_is_remembered_for_ever(owner):
    cache.set("key", 1, None)
    [(days,)] = owner.execute("select extract(day from until - now()) from access_attempt").fetchall()

    assert 364 <= days <= 365


def test_no_other_row_pushes_one_out(owner):
    """A day on which somebody fills the table forgets nobody's failures."""
    cache.add("failed", 1, 600)
    owner.execute(
        "insert into access_attempt (key, value, until)"
        " select 'filling ' || n, '1', now() + interval '1 year' from generate_series(1, 20000) as n"
    )
    for number in range(20):
        cache.set(f"more-{number}", number, 600)
    cache.clear()

    assert cache.get("failed") == 1
    assert Attempt.objects.count() == 20021


def test_clearing_forgets_what_is_over_and_nothing_else(owner):
    for key in ("over", "live"):
        cache.set(key, 1, 60)
    let_pass(owner, 61, "over")
    cache.clear()

    assert list(Attempt.objects.values_list("key", flat=True)) == [cache.make_key("live")]


def test_a_key_that_does_not_fit_is_refused_and_never_cut_to_be_that_of_another():
    with pytest.warns(Warning, match="longer than 250"), pytest.raises(DataError, match="too long"):
        cache.set("k" * 400, 1, 60)
    assert not Attempt.objects.exists()


# No pickle -----------------------------------------------------------------------------------------------------------

RAN: list[str] = []


def run(what: str) -> None:
    RAN.append(what)


class Payload:
    """What runs when it is unpickled."""

    def __reduce__(self):
        return run, ("code ran",)


def test_a_row_that_the_application_role_planted_runs_no_code(client):
    pickled = pickle.dumps(Payload())
    pickle.loads(pickled)
    assert RAN == ["code ran"]  # it does where somebody unpickles it
    RAN.clear()
    user = factories.UserFactory()
    client.force_login(user)
    plants = [base64.b64encode(pickled).decode(), pickled.hex(), pickled.decode("latin-1").replace("\0", "")]
    keys = [cache.make_key(key) for key in ("planted", f"identity-attempt:{user.pk}:1")]
    for key in keys:
        for planted in plants:
            with connection.cursor() as cursor:
                cursor.execute(
                    "insert into access_attempt (key, value, until) values (%s, to_jsonb(%s::text), now() + interval '1 hour')"
                    " on conflict (key) do update set value = excluded.value",
                    [key, planted],
                )
            assert cache.get("planted") in (None, *plants)
            cache.get_many(["planted"])
            cache.add("planted", 1)
            cache.has_key("planted")
    assert client.get(reverse("desk")).status_code == 200
    assert RAN == []


def test_there_is_no_table_that_anybody_unpickles(owner):
    tables = owner.execute("select tablename from pg_tables where tablename like '%cache%'").fetchall()
    columns = owner.execute(
        "select data_type from information_schema.columns where table_name = 'access_attempt' and column_name = 'value'"
    ).fetchall()

    assert (tables, columns) == ([], [("jsonb",)])


@pytest.mark.parametrize("value", ["[]", '"text"', "null", '{"a": 1}', "1e300"])
@pytest.mark.parametrize(
    "until", ["now() + interval '1 minute'", "now() + interval '9000 years'", "infinity", "-infinity"]
)
def test_whatever_stands_in_a_row_stops_nobody_from_signing_in_elsewhere_and_no_page(owner, value, until):
    factories.UserFactory(username="officer9")
    browser = Client(headers={"accept-language": "en"})
    for _attempt in range(6):
        browser.post(reverse("account_login"), {"login": "officer9", "password": "wrong"})
    when = f"'{until}'" if "infinity" in until else until
    owner.execute(f"update access_attempt set value = %s::jsonb, until = {when}", [value])

    answer = browser.post(reverse("account_login"), {"login": "officer9", "password": "wrong"})
    assert answer.status_code == 200
    elsewhere = browser.post(
        reverse("account_login"), {"login": "officer9", "password": factories.PASSWORD}, REMOTE_ADDR="203.0.113.9"
    )
    assert elsewhere.status_code == 302


def test_a_failed_sign_in_is_remembered_here_and_ends_by_its_time(owner):
    """allauth's own limits stand on this cache: five failures, then nobody is asked for a password any more."""
    factories.UserFactory(username="officer9")
    browser = Client(headers={"accept-language": "en"})

    def sign_in(password: str) -> int:
        return browser.post(reverse("account_login"), {"login": "officer9", "password": password}).status_code

    for _attempt in range(12):
        sign_in("wrong")
    assert Attempt.objects.exists()
    before = Event.objects.filter(kind="SIGN_IN_FAILED").count()
    assert before < 12
    assert sign_in(factories.PASSWORD) != 302
    assert Event.objects.filter(kind="SIGNED_IN").count() == 0

    let_pass(owner, 24 * 60 * 60)

    assert sign_in(factories.PASSWORD) == 302
