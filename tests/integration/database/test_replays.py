"""An event shows once, and only while everything that an opening needs still holds: asked with the key service's role."""

from __future__ import annotations

import json
import secrets
import threading
import uuid

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from access.actions import decisions, opening, people
from access.exceptions import NothingToShow, Unavailable
from audit.models import Event
from config import database
from records import disclosure, keyservice
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
MARK = "select sealed.mark(%s)"
SHOW = "select * from sealed.disclosed(%s)"


@pytest.fixture
def someone(city):
    subject = factories.person()
    factories.sealed(city, subject)
    return subject


@pytest.fixture
def grant(city, someone):
    return factories.ready(factories.approved(city, someone))


def open_event(grant, *, token=None) -> uuid.UUID:
    [counted] = opening.open_grant(
        grant,
        [factories.subject_of(grant)],
        by=grant.access_request.requester,
        session_key=factories.SESSION,
        token=token or factories.token(),
    )
    return counted.event


def shows(keys: psycopg.Connection, event: uuid.UUID) -> int | None:
    """Return how many rows an event shows, or None where the database refuses."""
    try:
        keys.execute(MARK, [[event]])
        return len(keys.execute(SHOW, [[event]]).fetchall())
    except psycopg.DatabaseError as error:
        assert error.sqlstate == "SE001"
        return None


def test_an_event_shows_once(keys, grant):
    event = open_event(grant)
    assert shows(keys, event) == 1
    assert [shows(keys, event) for _again in range(3)] == [None] * 3


def test_what_is_rolled_back_shows_nothing_and_what_is_shown_is_committed(keys, grant):
    """A caller may roll back its own transaction: then nothing was read in it either."""
    event = open_event(grant)
    for statement in ("select 1", "savepoint s"):
        keys.execute("begin")
        keys.execute(statement)
        keys.execute(MARK, [[event]])
        with pytest.raises(psycopg.DatabaseError) as error:
            keys.execute(SHOW, [[event]])
        assert error.value.sqlstate == "SE001"
        keys.execute("rollback")
        assert not Event.objects.filter(kind="ANSWER_SHOWN").exists()
    assert shows(keys, event) == 1
    assert Event.objects.filter(kind="ANSWER_SHOWN").count() == 1


def test_only_the_session_that_marked_reads(cloned, keys, grant):
    event = open_event(grant)
    keys.execute(MARK, [[event]])
    address = make_conninfo(**{**cloned, "user": database.KEYS})
    with psycopg.connect(address, autocommit=True) as other, pytest.raises(psycopg.DatabaseError) as error:
        other.execute(SHOW, [[event]])
    assert error.value.sqlstate == "SE001"
    assert len(keys.execute(SHOW, [[event]]).fetchall()) == 1


def test_showing_again_within_the_time_is_an_event_of_its_own(keys, grant):
    token = factories.token()
    first, again = open_event(grant, token=token), open_event(grant, token=token)
    assert (shows(keys, first), shows(keys, again)) == (1, 1)
    assert grant.counted_openings.count() == 1


def test_forty_at_once_show_one(cloned, grant):
    event = open_event(grant)
    shown, start = [], threading.Barrier(40)

    def ask():
        with psycopg.connect(make_conninfo(**{**cloned, "user": database.KEYS}), autocommit=True) as connection:
            start.wait()
            shown.append(shows(connection, event))

    threads = [threading.Thread(target=ask) for _each in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(shown, key=str) == [1] + [None] * 39


def test_an_uncommitted_or_undone_event_shows_nothing(app, keys, grant):
    ask = "select event from access_open(%s, %s, %s, %s, %s)"
    values = [
        grant.pk,
        [factories.subject_of(grant).pk],
        grant.access_request.requester_id,
        opening.session_digest(factories.SESSION),
        uuid.uuid4(),
    ]
    app.execute("begin")
    (event,) = app.execute(ask, values).fetchone()
    assert shows(keys, event) is None
    app.execute("rollback")
    assert shows(keys, event) is None
    # A subtransaction that was undone, in a transaction that commits.
    app.execute("begin")
    app.execute("savepoint s")
    (event,) = app.execute(ask, values).fetchone()
    app.execute("rollback to s")
    app.execute("commit")
    assert shows(keys, event) is None
    assert grant.counted_openings.count() == 0


def test_a_transaction_cannot_be_prepared(app, grant):
    app.execute("begin")
    app.execute("select 1")
    with pytest.raises(psycopg.Error, match="prepared"):
        app.execute("prepare transaction 'keep'")


def test_an_event_of_more_than_a_minute_ago_shows_nothing(owner, keys, grant):
    event = open_event(grant)
    owner.execute("alter table audit_event disable trigger user")
    owner.execute("update audit_event set at = at - interval '61 seconds' where id = %s", [event])
    assert shows(keys, event) is None


def test_events_of_other_kinds_and_invented_ones_show_nothing(keys, grant):
    open_event(grant)
    for event in (Event.objects.get(kind="GRANT_MADE").pk, Event.objects.first().pk, uuid.uuid4()):
        assert shows(keys, event) is None


def revoked(city, grant, owner):
    decisions.revoke(grant, by=city.supervisor, reason="已不需要。")


def disabled(city, grant, owner):
    people.disable_user(city.requester, by=factories.administrator_of(city.kindergarten))


def agreement_ended(city, grant, owner):
    owner.execute("alter table access_organisation disable trigger user")
    owner.execute(
        "update access_organisation set agreement_ends_on = '2026-01-01' where id = %s", [city.kindergarten.pk]
    )


def duty_withdrawn(city, grant, owner):
    factories.withdraw(city.requester, factories.Duty.FILE_REQUESTS, city.kindergarten)


def _as_owner(owner, table, statement, values=()):
    owner.execute(f"alter table {table} disable trigger user")
    owner.execute(statement, values)


def undertaking_missing(city, grant, owner):
    _as_owner(owner, "access_undertaking", "delete from access_undertaking")


def confirmation_of_another_grant(city, grant, owner):
    other = factories.approved(city)
    _as_owner(owner, "access_identityconfirmation", "update access_identityconfirmation set target_id = %s", [other.pk])


def level_changed(city, grant, owner):
    _as_owner(owner, "access_grant", "update access_grant set rung = 'FULL'")


def time_over(city, grant, owner):
    _as_owner(owner, "access_grant", "update access_grant set ends_at = starts_at + interval '1 microsecond'")


def viewing_over(city, grant, owner):
    _as_owner(owner, "access_opening", "update access_opening set viewable_until = opened_at")


def moved_to_another_unit(city, grant, owner):
    _as_owner(
        owner,
        "access_user",
        "update access_user set organisation_id = %s where id = %s",
        [city.court.pk, city.requester.pk],
    )


def recipient_removed(city, grant, owner):
    _as_owner(owner, "access_grantuserobjectpermission", "delete from access_grantuserobjectpermission")


def opening_of_another_person(city, grant, owner):
    other = factories.subject_of(factories.approved(city))
    _as_owner(owner, "access_opening", "update access_opening set subject_id = %s", [other.pk])


def more_openings_than_granted(city, grant, owner):
    columns = "opened_at, viewable_until, confirmation_id, grant_id, subject_id, user_id"
    for _more in range(grant.openings):
        owner.execute(
            f"insert into access_opening (id, token, {columns})"
            f" select gen_random_uuid(), gen_random_uuid(), {columns} from access_opening limit 1"
        )


def trail_stale(city, grant, owner):
    owner.execute("update audit_limit set value = 1 where name = 'STALE_TRAIL_STOPS'")


@pytest.mark.parametrize(
    "happens",
    [
        revoked,
        disabled,
        agreement_ended,
        duty_withdrawn,
        undertaking_missing,
        confirmation_of_another_grant,
        level_changed,
        time_over,
        viewing_over,
        moved_to_another_unit,
        recipient_removed,
        opening_of_another_person,
        more_openings_than_granted,
        trail_stale,
    ],
)
def test_what_happens_between_the_two_steps_shows_nothing(city, owner, keys, grant, happens):
    event = open_event(grant)
    happens(city, grant, owner)
    assert shows(keys, event) is None
    assert not Event.objects.filter(kind="ANSWER_SHOWN").exists()


@pytest.mark.parametrize(
    "happens", [revoked, disabled, agreement_ended, duty_withdrawn, time_over, moved_to_another_unit, trail_stale]
)
def test_what_happened_before_the_first_step_opens_nothing(city, owner, grant, happens):
    happens(city, grant, owner)
    with pytest.raises((NothingToShow, Unavailable, opening.Refused)):
        open_event(grant)
    assert grant.counted_openings.count() == 0


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_an_old_snapshot_shows_nothing(city, keys, grant, level):
    event = open_event(grant)
    keys.execute(f"begin isolation level {level}")
    assert shows(keys, event) is None
    keys.execute("rollback")
    assert shows(keys, event) == 1


def test_the_second_event_looks_the_same_for_something_and_for_nothing(city, someone):
    nobody = factories.person()
    grant = factories.ready(factories.approved(city, someone, nobody))
    for position in (1, 2):
        answer = disclosure.open_answer(
            grant,
            factories.subject_of(grant, position),
            by=city.requester,
            session_key=factories.SESSION,
            token=factories.token(),
        )
        assert answer.is_present is (position == 1)
    shown = [json.loads(bytes(event.canonical))["detail"] for event in Event.objects.filter(kind="ANSWER_SHOWN")]
    assert len(shown) == 2
    assert shown[0].keys() == shown[1].keys()
    assert [len(detail["digest"]) for detail in shown] == [64, 64]
    assert "count" not in json.dumps(shown)


def test_a_grant_that_ends_between_the_steps_leaves_an_event_that_nothing_was_shown(city, grant, monkeypatch):
    original = keyservice.open

    def late(events):
        decisions.revoke(grant, by=city.supervisor, reason="已不需要。")
        return original(events)

    monkeypatch.setattr("records.keyservice.open", late)
    with pytest.raises(NothingToShow):
        disclosure.open_answer(
            grant,
            factories.subject_of(grant),
            by=city.requester,
            session_key=factories.SESSION,
            token=factories.token(),
        )
    kinds = list(Event.objects.order_by("-at").values_list("kind", flat=True)[:3])
    assert kinds == ["ANSWER_REFUSED", "GRANT_REVOKED", "OPENING"]


def test_a_record_that_was_altered_is_never_shown(city, owner, grant):
    owner.execute("alter table sealed.record disable trigger user")
    owner.execute("update sealed.record set fine_yuan = fine_yuan + 1")
    with pytest.raises(Unavailable, match="not what was sealed"):
        keyservice.open([open_event(grant)])


def test_the_ciphertext_of_another_record_is_never_shown(city, owner):
    """Swapped bytes and keys: the MAC names them, and the key would not open them."""
    people_ = [factories.person() for _each in range(2)]
    for subject in people_:
        factories.sealed(city, subject, offence_code="PSAPL2025-058-p1-i1", penalty=factories.Penalty(detention_days=6))
    grant = factories.ready(factories.approved(city, people_[0], by=city.judge, code="PSAPL-136-CASE"))
    owner.execute("alter table sealed.record_key disable trigger user")
    owner.execute(
        "update sealed.record_key set wrapped = (select wrapped from sealed.record_key k where k.record_id <> sealed.record_key.record_id limit 1)"
    )
    with pytest.raises(Unavailable):
        keyservice.open([open_event(grant)])


def test_asking_is_counted_and_ends_at_the_ceiling(owner, keys, city):
    owner.execute("update audit_limit set value = 3 where name = 'PEOPLE_ASKED_PER_DAY'")
    ask = "select sealed.count_asked(%s, %s)"
    answers = [keys.execute(ask, [city.requester.pk, people_]).fetchone()[0] for people_ in (2, 2, 1, 1, 0)]
    assert answers == [True, False, True, False, False]
    assert keys.execute(ask, [city.judge.pk, 3]).fetchone() == (True,)
    assert keys.execute(ask, [uuid.uuid4(), 1]).fetchone() == (False,)


def test_an_opening_inside_a_transaction_is_refused(grant):
    from django.db import transaction

    with pytest.raises(RuntimeError, match="commits by itself"), transaction.atomic():
        open_event(grant)


def test_a_session_that_is_not_the_one_that_confirmed_opens_nothing(app, grant):
    row = app.execute(
        "select outcome from access_open(%s, %s, %s, %s, %s)",
        [
            grant.pk,
            [factories.subject_of(grant).pk],
            grant.access_request.requester_id,
            secrets.token_bytes(32),
            uuid.uuid4(),
        ],
    ).fetchone()
    assert row == ("CONFIRM_FIRST",)
