"""Sessions: digests only, signed for their own key, ended by time and at once, and never prolonged by a timer."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.db import connection
from django.test import Client
from django.utils import timezone

from access import sessions
from access.actions import people
from access.models import Session, SessionEnd
from access.sessions import SessionStore, browser_name, end_all, session_digest
from tests import factories, worlds

pytestmark = pytest.mark.django_db
DESK = "/"


@pytest.fixture(autouse=True)
def seen_every_half_minute(monkeypatch) -> None:
    monkeypatch.setattr(sessions, "SEEN_EVERY_SECONDS", 30)


def shift(session_key: str, **values: timedelta) -> None:
    """Let time pass for one session; only the owner may move its beginning."""
    row = Session.objects.get(digest=session_digest(session_key).hex())
    Session.objects.filter(pk=row.pk).update(**{name: getattr(row, name) - by for name, by in values.items()})


def is_in(session_key: str, **headers: str) -> bool:
    return worlds.client_of(session_key).get(DESK, headers=headers).status_code == 200


def seen(session_key: str):
    return Session.objects.get(digest=session_digest(session_key).hex()).last_seen_at


def test_the_table_holds_no_key_and_what_a_session_holds_is_not_readable_as_anothers(city):
    key = worlds.sign_in(city.officer)
    with connection.cursor() as cursor:
        cursor.execute("select row_to_json(s)::text from access_session s")
        rows = [row for (row,) in cursor.fetchall()]
    assert not any(key in row for row in rows)
    assert sum(session_digest(key).hex() in row for row in rows) == 1


def test_a_copied_row_signs_nobody_in(city):
    """Whoever writes the table copies what a supervisor's session holds into the row of a key that they chose."""
    victim, chosen = worlds.sign_in(city.supervisor), "a" * 32
    row = Session.objects.get(digest=session_digest(victim).hex())
    Session.objects.create(digest=session_digest(chosen).hex(), data=row.data, user=row.user)
    own = worlds.sign_in(city.officer)
    Session.objects.filter(digest=session_digest(own).hex()).update(data=row.data)

    assert is_in(victim)
    assert not is_in(chosen)
    assert not is_in(own)
    assert not is_in(row.digest)


def test_it_ends_after_a_while_without_its_holder(city):
    key = worlds.sign_in(city.officer)
    shift(key, last_seen_at=timedelta(seconds=settings.SESSION_IDLE_SECONDS - 60))
    assert is_in(key)  # which was a sign of life
    shift(key, last_seen_at=timedelta(seconds=settings.SESSION_IDLE_SECONDS - 60))
    assert is_in(key)
    shift(key, last_seen_at=timedelta(seconds=settings.SESSION_IDLE_SECONDS + 1))
    assert not is_in(key)


def test_it_ends_after_a_shift_whatever_its_holder_does(city, owner):
    key = worlds.sign_in(city.officer)
    owner.execute("update access_session set created_at = created_at - make_interval(secs => %s)", [8 * 3600 + 1])
    assert not is_in(key)
    page = worlds.client_of(key).get(DESK, follow=True, headers={"accept-language": "en"})
    assert "Your session has ended" in page.content.decode()


@pytest.mark.parametrize(
    "headers",
    [{"X-Timer": "1"}, {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin"}],
    ids=["a script's own request", "a page that goes on by itself"],
)
def test_a_timer_prolongs_nothing(city, headers):
    key = worlds.sign_in(city.officer)
    shift(key, last_seen_at=timedelta(minutes=5))
    before = seen(key)
    assert is_in(key, **headers)
    assert seen(key) == before
    assert is_in(key, **{"Sec-Fetch-Mode": "navigate", "Sec-Fetch-User": "?1"})
    assert seen(key) > before


def test_asking_how_long_is_left_prolongs_nothing_and_staying_does(city):
    key = worlds.sign_in(city.officer)
    shift(key, last_seen_at=timedelta(minutes=14))
    client = worlds.client_of(key)
    left = client.get("/session/", headers={"X-Timer": "1"}).json()["left"]
    assert 0 < left <= 60
    assert client.post("/session/").json()["left"] > 14 * 60
    assert Client().get("/session/").json() == {"left": 0}


def test_a_disabled_persons_sessions_end_and_do_not_come_back(city):
    first, second, other = (worlds.sign_in(user) for user in (city.officer, city.officer, city.officer2))
    store = SessionStore(first)
    assert store["_auth_user_id"] == str(city.officer.pk)
    people.disable_user(city.officer, by=city.people_admin)

    assert list(Session.objects.live().values_list("digest", flat=True)) == [session_digest(other).hex()]
    assert not is_in(first) and not is_in(second) and is_in(other)
    # A request that was under way when it ended writes nothing back.
    store["page"] = 1
    with pytest.raises(UpdateError):
        store.save()


def test_end_all_ends_those_of_the_people_named(city):
    keys = {user: worlds.sign_in(user) for user in (city.officer, city.officer2, city.reviewer)}
    assert end_all(city.officer, city.officer2) == 2
    assert [is_in(key) for key in keys.values()] == [False, False, True]


def test_where_somebody_is_signed_in_is_kept_in_a_few_words(city):
    agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/90.0.4430.212 Safari/537.36"
    client = Client(headers={"user-agent": agent})
    client.post("/accounts/login/", {"login": "officer", "password": factories.PASSWORD})
    session = Session.objects.get(user=city.officer)
    assert (session.address, session.browser) == ("127.0.0.1", "Chrome 90 · Windows")
    assert browser_name("") == ""


def test_what_is_over_is_forgotten(city, owner):
    worlds.sign_in(city.officer)
    owner.execute("update access_session set created_at = created_at - interval '9 hours'")
    kept = worlds.sign_in(city.officer)
    SessionStore.clear_expired()
    assert list(Session.objects.values_list("digest", flat=True)) == [session_digest(kept).hex()]


def test_what_somebody_ended_is_forgotten_and_its_mark_stays(city, owner):
    ended = worlds.sign_in(city.officer)
    row = Session.objects.live().get()
    end_all(city.officer)
    SessionStore.clear_expired()
    assert not Session.objects.exists()
    # Who kept a copy of the row brings nothing back, and a week later nothing that was signed for it is taken.
    Session.objects.create(digest=row.digest, data=row.data, user=row.user)
    assert not is_in(ended)
    SessionStore.clear_expired()
    assert SessionEnd.objects.filter(digest=row.digest).exists()
    owner.execute("update access_sessionend set at = at - interval '8 days'")
    SessionStore.clear_expired()
    assert not SessionEnd.objects.exists()


def test_a_session_that_says_it_is_somebody_elses_is_over(city, owner):
    key = worlds.sign_in(city.officer)
    owner.execute("alter table access_session disable trigger access_keep_session")
    for user in (city.officer2, None):
        Session.objects.update(user=user)
        assert not is_in(key)
    Session.objects.update(user=city.officer)
    assert is_in(key)


@pytest.mark.parametrize("column", ["last_seen_at", "created_at"])
def test_a_session_of_the_future_is_over(city, owner, column):
    key = worlds.sign_in(city.officer)
    owner.execute(f"update access_session set {column} = clock_timestamp() + interval '2 seconds'")
    assert is_in(key)
    owner.execute(f"update access_session set {column} = clock_timestamp() + interval '1 minute'")
    assert not is_in(key)
    SessionStore.clear_expired()
    assert not Session.objects.filter(digest=session_digest(key).hex()).exists()


def test_signing_in_changes_the_key(city):
    client = Client()
    client.get("/accounts/login/")
    client.cookies[settings.SESSION_COOKIE_NAME] = "chosen-by-somebody-else"
    client.post("/accounts/login/", {"login": "officer", "password": factories.PASSWORD})
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != "chosen-by-somebody-else"
    assert Session.objects.get().created_at <= timezone.now()
