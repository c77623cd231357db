"""Sealing moves everything under a new key, tells nobody, and goes on where it was stopped."""

from __future__ import annotations

import threading
import uuid

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from access import vault
from access.exceptions import Unavailable
from access.vault import datakeys
from access.vault.ciphers import Compartment
from audit.models import Event
from config import database
from records import actions, keyservice
from records.keyservice import connection as sealed_connection
from records.models import RecordKey, SealedRecord, Status, Violation
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def served(city, *, count=1):
    """Confirmed records whose service is recorded and whose sealing has not happened yet."""
    found = []
    for _each in range(count):
        violation = factories.violation_at(Status.CONFIRMED, city)
        actions._record_service(violation, by=city.reviewer, served_on=violation.decided_on)
        found.append(violation)
    return found


def rule():
    from django.utils import timezone

    return actions.sealing_rule(timezone.localdate())


def test_everything_of_a_record_moves_and_nothing_stays(app, owner, city):
    violation = factories.violation_at(Status.CONFIRMED, city)
    versions = violation.history.count()
    actions.record_service(violation, by=city.reviewer, served_on=violation.decided_on)
    for table in ("records_violation", "records_historicalviolation"):
        assert app.execute(f"select count(*) from {table} where id = %s", [violation.pk]).fetchone() == (0,)
    assert not RecordKey.objects.exists()
    assert app.execute("select count(*) from records_violationuserobjectpermission").fetchone() == (0,)
    count = owner.execute(
        "select (select count(*) from sealed.record), (select count(*) from sealed.history),"
        " (select count(*) from sealed.handler), (select count(*) from sealed.record_key)"
    ).fetchone()
    assert count == (1, versions + 1, 1, 1)
    stub = SealedRecord.objects.get()
    assert (stub.pk, stub.organ_id) == (violation.pk, city.station.pk)
    assert stub.decision_number_key == violation.decision_number_key is not None


def test_every_version_of_history_is_kept_and_opens_with_the_new_key_only(owner, city):
    violation = factories.violation_at(Status.CONFIRMED, city)
    copied = bytes(RecordKey.objects.get().wrapped)
    old_versions = [bytes(version.particulars) for version in violation.history.order_by("history_id")]
    old_key = vault.unwrap(copied, table=actions.TABLE, record=str(violation.pk))
    actions.record_service(violation, by=city.reviewer, served_on=violation.decided_on)

    (wrapped,) = owner.execute("select wrapped from sealed.record_key").fetchone()
    bodies = [body for (body,) in owner.execute("select body from sealed.history order by position").fetchall()]
    (particulars,) = owner.execute("select particulars from sealed.record").fetchone()
    key = datakeys.unwrap(
        sealed_connection.register_keys(),
        wrapped,
        table="sealed.record",
        record=str(violation.pk),
        compartment=Compartment.SEALED,
    )
    for position, old in enumerate(old_versions, 1):
        facts, _newline, plain = key.decrypt(bodies[position - 1], field=f"version:{position}").partition(b"\n")
        assert plain == old_key.decrypt(old, field="particulars")
        assert b"history_date" in facts
    # What was copied before sealing opens nothing that is behind the seal.
    for sealed in (particulars, *bodies):
        for field in ("particulars", "version:1"):
            with pytest.raises(vault.Tampered):
                old_key.decrypt(sealed, field=field)


def test_the_working_keyring_has_no_key_of_the_register():
    with pytest.raises(vault.KeyUnavailable):
        vault.keyring().current_version(Compartment.SEALED)
    with pytest.raises(vault.KeyUnavailable):
        sealed_connection.register_keys().current_version(Compartment.WORKING)


def test_two_workers_with_the_same_records_seal_each_once(city):
    violations = served(city, count=6)
    ids = [violation.pk for violation in violations]
    results, start = [], threading.Barrier(2)

    def work():
        start.wait()
        results.extend(keyservice.seal(ids, rule().pk))

    from django.db import connections

    def run():
        try:
            work()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _each in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == sorted(ids)
    assert not Violation.objects.exists()
    sealed = [row.detail for row in sealing_events()]
    assert sorted(one for detail in sealed for one in detail["records"]) == sorted(map(str, ids))


def sealing_events():
    import json

    events = list(Event.objects.filter(kind="VIOLATION_SEALED").order_by("at"))
    for event in events:
        event.detail = json.loads(bytes(event.canonical))["detail"]
    return events


def test_a_backlog_is_one_event_a_batch(city):
    ids = [violation.pk for violation in served(city, count=5)]
    assert actions.seal_due(batch=2) == 5
    assert [len(event.detail["records"]) for event in sealing_events()] == [2, 2, 1]
    assert keyservice.check(ids).holds


def test_a_run_that_is_stopped_goes_on_where_it_stopped(city, monkeypatch):
    served(city, count=5)
    original, calls = keyservice.seal, []

    def stopped(ids, rule):
        if len(calls) == 1:
            raise KeyboardInterrupt
        calls.append(ids)
        return original(ids, rule)

    monkeypatch.setattr("records.keyservice.seal", stopped)
    with pytest.raises(KeyboardInterrupt):
        actions.seal_due(batch=2)
    monkeypatch.undo()
    assert (SealedRecord.objects.count(), Violation.objects.count()) == (2, 3)
    assert actions.seal_due(batch=2) == 3
    assert (SealedRecord.objects.count(), Violation.objects.count()) == (5, 0)


def test_one_record_that_its_key_does_not_open_keeps_no_other_back(owner, city):
    violations = served(city, count=3)
    owner.execute("alter table records_recordkey disable trigger user")
    owner.execute(
        "update records_recordkey set wrapped = set_byte(wrapped, 30, 7) where violation_id = %s", [violations[1].pk]
    )
    with pytest.raises(Unavailable, match="key does not open it"):
        actions.seal_due()
    assert set(SealedRecord.objects.values_list("pk", flat=True)) == {violations[0].pk, violations[2].pk}
    assert Violation.objects.get().pk == violations[1].pk


def test_a_history_row_that_somebody_planted_keeps_no_record_unsealed(app, owner, city):
    violation = served(city)[0]
    columns = [field.column for field in Violation._meta.concrete_fields if field.column != "particulars"]
    listed = ", ".join(columns)
    plant = (
        f"insert into records_historicalviolation ({listed}, particulars, history_date, history_type)"
        f" select {listed}, 'planted', now(), '~' from records_violation where id = %s"
    )
    with pytest.raises(psycopg.IntegrityError, match="needs its change and its event"):
        app.execute(plant, [violation.pk])
    # Whoever owns the tables can still.
    owner.execute("alter table records_historicalviolation disable trigger records_historicalviolation_needs_change")
    owner.execute(plant, [violation.pk])
    assert actions.seal_due() == 1
    assert keyservice.check([violation.pk]).holds
    # What was planted is kept with the rest, under the record's key.
    assert owner.execute("select count(*) from sealed.history").fetchone()[0] >= 2


def test_a_record_that_changed_since_it_was_read_is_left_out(owner, city, monkeypatch):
    from records.keyservice import sealing

    violation = served(city)[0]
    original = sealing._sealed

    def changed_meanwhile(keys, row, rule_id):
        owner.execute("alter table records_violation disable trigger user")
        owner.execute("update records_violation set version = version + 1")
        return original(keys, row, rule_id)

    monkeypatch.setattr(sealing, "_sealed", changed_meanwhile)
    assert keyservice.seal([violation.pk], rule().pk) == []
    assert not SealedRecord.objects.exists()


def test_another_content_than_what_stands_is_refused(city, monkeypatch):
    from records.keyservice import sealing

    violation = served(city)[0]
    monkeypatch.setattr(sealing, "_content", lambda *_values: b"x" * 32)
    with pytest.raises(Unavailable, match="refused to seal"):
        keyservice.seal([violation.pk], rule().pk)
    assert Violation.objects.get().status == Status.CONFIRMED


@pytest.mark.parametrize("kind", ["VIOLATION_CONFIRMED", "VIOLATION_SUBMITTED", "DECISION_SERVED"])
def test_what_the_trail_does_not_know_is_not_sealed(owner, city, kind):
    violation = served(city)[0]
    owner.execute("alter table audit_event disable trigger user")
    owner.execute("delete from audit_event where kind = %s and target_id = %s", [kind, str(violation.pk)])
    assert keyservice.seal([violation.pk], rule().pk) == []


def test_only_confirmed_and_served_records_are_sealed(city):
    ids = [factories.violation_at(state, city).pk for state in (Status.DRAFT, Status.SUBMITTED, Status.CONFIRMED)]
    assert keyservice.seal([*ids, uuid.uuid4()], rule().pk) == []
    assert Violation.objects.count() == 3


def test_sealing_leaves_no_mark_on_any_other_row(app, city):
    """`xmax` of a locked row is readable by every role: a foreign key check would name offence, unit and officers."""
    [violation] = served(city)

    def marks():
        tables = app.execute(
            "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where n.nspname = 'public' and c.relkind = 'r' and has_table_privilege(c.oid, 'select')"
        ).fetchall()
        return {
            name: app.execute(f"select ctid::text, xmin::text, xmax::text from public.{name} order by 1").fetchall()
            for (name,) in tables
        }

    before = marks()
    actions.seal_due(only=violation.pk)
    after = marks()
    moved = {
        "records_violation",
        "records_historicalviolation",
        "records_recordkey",
        "records_violationuserobjectpermission",
    }
    grown = {"audit_event", "audit_queue", "records_stub"}
    assert {name for name in before if before[name] != after[name]} == moved | grown


def test_statistics_and_plans_tell_nothing(app, owner, city):
    subject = factories.person()
    factories.sealed(city, subject)
    owner.execute("analyze")
    assert app.execute("select count(*) from pg_stats where schemaname = 'sealed'").fetchone() == (0,)
    (key,) = owner.execute("select subject_key from sealed.record").fetchone()
    for statement in (
        "explain (analyze) select from sealed.record where subject_key = %s",
        "explain select from sealed.record where subject_key = %s",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute(statement, [key])


def test_an_opening_of_one_four_or_nine_records_moves_no_counter_that_anybody_reads(cloned, owner, city):
    """Read with the superuser, who alone may: the key service's session counts nothing."""
    from tests.integration.database.test_replays import open_event

    people = [factories.person() for _each in range(3)]
    for subject, count in zip(people, (1, 4, 9), strict=True):
        for _each in range(count):
            factories.sealed(city, subject)
    grants = [factories.ready(factories.approved(city, subject)) for subject in people]
    with psycopg.connect(make_conninfo(**cloned), autocommit=True) as superuser:

        def read():
            superuser.execute("select pg_stat_clear_snapshot()")
            return superuser.execute(
                "select coalesce(sum(idx_tup_read), 0), (select coalesce(sum(seq_tup_read), 0) from pg_stat_user_tables"
                " where schemaname = 'sealed') from pg_stat_user_indexes where schemaname = 'sealed'"
            ).fetchone()

        keyservice.close()
        before = read()
        for grant in grants:
            keyservice.open([open_event(grant)])
        keyservice.close()  # a backend hands over what it counted when it ends
        assert read() == before


# When something is missing ------------------------------------------------------------------------------------------


def test_without_the_second_connection_nothing_is_sealed_and_nothing_lost(settings, city):
    violations = served(city)
    keyservice.close()
    settings.SEALED_DATABASE_URL = ""
    with pytest.raises(Unavailable, match="SEALED_DATABASE_URL is not set"):
        actions.seal_due()
    assert Violation.objects.get().pk == violations[0].pk


def test_a_second_connection_that_is_refused_says_what_to_check(settings, cloned, monkeypatch):
    monkeypatch.setattr(sealed_connection, "WAIT_SECONDS", 0.5)
    keyservice.close()
    settings.SEALED_DATABASE_URL = make_conninfo(**{**cloned, "user": "nobody_here"})
    with pytest.raises(Unavailable, match="Check SEALED_DATABASE_URL"):
        keyservice.check([])


def test_a_second_connection_that_can_do_too_much_is_not_used(settings, cloned, monkeypatch):
    monkeypatch.setattr(sealed_connection, "WAIT_SECONDS", 0.5)
    for role in (database.OWNER, database.APP, "postgres"):
        keyservice.close()
        settings.SEALED_DATABASE_URL = make_conninfo(**{**cloned, "user": role})
        with pytest.raises(Unavailable):
            keyservice.check([])


@pytest.mark.parametrize("content", [None, "not json", "{}"])
def test_without_a_usable_keyring_of_the_register_nothing_is_sealed(settings, tmp_path, city, content):
    served(city)
    settings.SEALED_KEYRING = tmp_path / "keyring.json"
    if content is not None:
        settings.SEALED_KEYRING.write_text(content)
        settings.SEALED_KEYRING.chmod(0o600)
    with pytest.raises(Unavailable):
        actions.seal_due()
    assert Violation.objects.exists()
    assert not SealedRecord.objects.exists()


@pytest.mark.parametrize("name", ["sealed.working(uuid[])", "sealed.mark(uuid[])", "sealed.audited(uuid[])"])
def test_a_function_that_is_missing_after_half_an_upgrade_says_so(owner, city, name):
    served(city)
    owner.execute(f"drop function {name}")
    calls = {
        "sealed.working(uuid[])": actions.seal_due,
        "sealed.mark(uuid[])": lambda: keyservice.open([uuid.uuid4()]),
        "sealed.audited(uuid[])": lambda: keyservice.check([]),
    }
    with pytest.raises(Unavailable, match="manage.py migrate"):
        calls[name]()
    assert Violation.objects.exists()


def test_service_is_kept_when_sealing_cannot_happen(settings, city):
    violation = factories.violation_at(Status.CONFIRMED, city)
    keyservice.close()
    address, settings.SEALED_DATABASE_URL = settings.SEALED_DATABASE_URL, ""
    assert actions.record_service(violation, by=city.reviewer, served_on=violation.decided_on) is False
    assert Violation.objects.get().served_on == violation.decided_on
    settings.SEALED_DATABASE_URL = address
    assert actions.seal_due() == 1


def test_a_record_altered_behind_the_seal_is_found(owner, city):
    ids = [factories.sealed(city, factories.person()).pk for _each in range(4)]
    assert keyservice.check(ids).holds
    owner.execute("alter table sealed.record disable trigger user; alter table sealed.history disable trigger user")
    owner.execute("update sealed.record set fine_yuan = 1 where id = %s", [ids[0]])
    owner.execute("update sealed.history set body = 'x' where record_id = %s and position = 1", [ids[1]])
    owner.execute("delete from sealed.record where id = %s", [ids[2]])
    copy = [
        name
        for (name,) in owner.execute(
            "select attname from pg_attribute where attrelid = 'sealed.record'::regclass and attnum > 0 and attname <> 'id'"
        ).fetchall()
    ]
    owner.execute(
        f"insert into sealed.record (id, {', '.join(copy)}) select gen_random_uuid(), {', '.join(copy)}"
        " from sealed.record where id = %s",
        [ids[3]],
    )
    found = keyservice.check(ids)
    assert (set(found.altered), found.missing, len(found.strays)) == ({ids[0], ids[1]}, [ids[2]], 1)
