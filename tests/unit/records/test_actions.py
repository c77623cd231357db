"""Moves of a violation, four ways each: it works, wrong person, wrong state, and a failing trail changes nothing."""

from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from access import vault
from access.exceptions import NotAllowed, Refused, Unavailable, WrongState
from access.models import User
from access.vault import Tampered
from audit import trail
from audit.exceptions import TrailUnavailable
from audit.models import Event
from records import actions, disclosure, keyservice, kinds
from records.exceptions import Problems
from records.models import TRANSITIONS, RecordKey, SealedRecord, Status, Violation
from tests import factories

pytestmark = pytest.mark.django_db


def act(move, violation, by):
    """Make a move with the version that is on the screen, where the move takes one."""
    version = {} if move == "discard" else {"version": violation.version}
    return getattr(actions, move)(violation, by=by, **version)


def kinds_about(row) -> list[str]:
    return list(Event.objects.filter(target_id=str(row.pk)).order_by("at").values_list("kind", flat=True))


# The way of a record -------------------------------------------------------------------------------------------------


def test_a_record_seals_itself_when_its_decision_is_served(city):
    violation = factories.violation_at(Status.CONFIRMED, city)
    actions.record_service(violation, by=city.reviewer, served_on=timezone.localdate())

    assert not Violation.objects.filter(pk=violation.pk).exists()
    stub = SealedRecord.objects.get(pk=violation.pk)
    assert (stub.organ, stub.sealing_rule.code) == (city.station, "DECISION_SERVED")
    assert stub.event_id == Event.objects.get(kind="VIOLATION_SEALED").pk
    assert kinds_about(violation) == [
        "VIOLATION_DRAFTED",
        "VIOLATION_SUBMITTED",
        "VIOLATION_CONFIRMED",
        "DECISION_SERVED",
        "VIOLATION_SEALED",
    ]


def test_the_seal_event_holds_a_digest_of_what_the_stubs_show(city, owner):
    violation = factories.sealed(city, factories.person())
    event = json.loads(bytes(Event.objects.get(target_id=str(violation.pk), kind="VIOLATION_SEALED").canonical))
    stub = SealedRecord.objects.get(pk=violation.pk)

    assert event["detail"] == {
        "digest": hashlib.sha256(bytes(stub.digest)).hexdigest(),
        "records": [str(violation.pk)],
        "rule": "DECISION_SERVED",
        "rule_version": 1,
    }
    assert owner.execute("select mac from sealed.record").fetchall() == [(bytes(stub.digest),)]


def test_the_events_of_a_record_say_nothing_of_what_was_sealed(city):
    """Two records that differ in all that is sealed leave events of one shape, with no date, number or name."""
    shapes = []
    for subject, values in (
        (factories.person("甲乙"), {}),
        (
            factories.person("丙丁"),
            {
                "offence_code": "PSAPL2025-058-p1-i1",
                "penalty": factories.Penalty(detention_days=15, fine_yuan=3000),
                "day": date(2026, 5, 5),
            },
        ),
    ):
        violation = factories.sealed(city, subject, **values)
        about = [json.loads(bytes(event.canonical)) for event in Event.objects.filter(target_id=str(violation.pk))]
        shapes.append([(one["kind"], one["actor"], set(one["detail"]), one["texts"]) for one in about])
        written = json.dumps([one["detail"] for one in about])
        for said in ("PSAPL2025", "2026-0", "3000", str(city.officer.pk), str(city.reviewer.pk)):
            assert said not in written
    assert shapes[0] == shapes[1]


def test_service_that_could_not_seal_is_sealed_by_the_worker(city, monkeypatch):
    violation = factories.violation_at(Status.CONFIRMED, city)

    def unreachable(*_arguments):
        raise Unavailable("The sealed part of the database cannot be reached.")

    with monkeypatch.context() as broken:
        broken.setattr(keyservice, "seal", unreachable)
        assert not actions.record_service(violation, by=city.reviewer, served_on=timezone.localdate())
    assert Violation.objects.get(pk=violation.pk).served_on is not None

    assert actions.seal_due() == 1
    assert actions.seal_due() == 0
    assert SealedRecord.objects.filter(pk=violation.pk).exists()


def test_a_backlog_is_sealed_in_batches(city):
    for _number in range(5):
        violation = factories.violation_at(Status.CONFIRMED, city)
        actions._record_service(violation, by=city.reviewer, served_on=timezone.localdate())

    assert actions.seal_due(batch=2) == 5
    assert SealedRecord.objects.count() == 5
    # One event a batch, and each stub names its own.
    assert Event.objects.filter(kind="VIOLATION_SEALED").count() == 3
    assert set(SealedRecord.objects.values_list("event_id", flat=True)) == set(
        Event.objects.filter(kind="VIOLATION_SEALED").values_list("pk", flat=True)
    )


def test_a_returned_record_carries_the_remark_until_it_is_submitted_again(city):
    violation = factories.violation_at(Status.RETURNED, city)
    assert actions.read_particulars(violation).remark == "缺少告知笔录。"

    violation = actions.submit(violation, by=city.officer, version=violation.version)

    assert actions.read_particulars(violation).remark == ""


# Wrong person ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("move", "state", "who"),
    [
        ("submit", Status.DRAFT, "officer2"),
        ("submit", Status.DRAFT, "reviewer"),
        ("discard", Status.DRAFT, "supervisor"),
        ("confirm", Status.SUBMITTED, "officer"),
        ("confirm", Status.SUBMITTED, "auditor"),
        ("confirm", Status.SUBMITTED, "people-admin"),
    ],
)
def test_a_person_whose_move_it_is_not_is_refused_and_nothing_changes(city, move, state, who):
    violation = factories.violation_at(state, city)

    with pytest.raises(NotAllowed):
        act(move, violation, city.people()[who])
    violation.refresh_from_db()
    assert violation.status == state


def test_a_reviewer_who_entered_a_record_cannot_confirm_it(city):
    factories.give(city.officer, factories.Duty.CONFIRM_VIOLATIONS, city.station)
    violation = factories.violation_at(Status.SUBMITTED, city)

    with pytest.raises(NotAllowed, match="cannot review"):
        act("confirm", violation, city.officer)


def test_a_co_officer_handles_the_record_too_and_cannot_review_it(city):
    violation = factories.violation_at(Status.DRAFT, city)
    actions.name_co_officer(violation, by=city.officer, co_officer=city.officer2)
    factories.give(city.officer2, factories.Duty.CONFIRM_VIOLATIONS, city.station)
    violation = act("submit", violation, city.officer2)

    with pytest.raises(NotAllowed, match="cannot review"):
        act("confirm", violation, city.officer2)


# Wrong state ----------------------------------------------------------------------------------------------------------

MOVES = {
    Status.SUBMITTED: lambda city, violation: act("submit", violation, city.officer),
    Status.DISCARDED: lambda city, violation: act("discard", violation, city.officer),
    Status.RETURNED: lambda city, violation: actions.return_for_correction(
        violation, by=city.reviewer, version=violation.version, remark="缺。"
    ),
    Status.CONFIRMED: lambda city, violation: act("confirm", violation, city.reviewer),
}


@pytest.mark.parametrize("state", list(Status))
@pytest.mark.parametrize("target", list(MOVES))
def test_only_the_legal_moves_are_possible(city, state, target):
    violation = factories.violation_at(state, city)

    if target in TRANSITIONS[state]:
        assert MOVES[target](city, violation).status == target
    else:
        with pytest.raises(WrongState):
            MOVES[target](city, violation)


def test_two_tabs_do_not_overwrite_each_other(city):
    violation = factories.violation_at(Status.DRAFT, city)
    entry = actions.entry_of(violation)
    actions.save_draft(violation, entry, by=city.officer, version=violation.version)

    with pytest.raises(WrongState, match="saved elsewhere"):
        actions.save_draft(violation, entry, by=city.officer, version=violation.version)


@pytest.mark.parametrize("days", [-400, 1])
def test_a_date_of_service_before_the_decision_or_in_the_future_is_refused(city, days):
    violation = factories.violation_at(Status.CONFIRMED, city)

    with pytest.raises(Refused):
        actions.record_service(violation, by=city.reviewer, served_on=timezone.localdate() + timedelta(days=days))


def test_what_is_not_right_is_said_field_by_field(city):
    violation = factories.violation_at(Status.DRAFT, city)
    entry = factories.entry_about(
        factories.person("", "11010519491231002A"),
        penalty=factories.Penalty(detention_days=16),
        acted_on=timezone.localdate() + timedelta(days=1),
        texts={"facts": "", "case_number": "1"},
    )
    violation = actions.save_draft(violation, entry, by=city.officer)

    with pytest.raises(Problems) as problems:
        act("submit", violation, city.officer)
    assert {"name", "number", "acted_on", "facts", "case_number", "detention_days"} <= set(problems.value.by_field)


def test_nobody_is_punished_for_what_they_did_under_fourteen(city):
    child = factories.person("小明", factories.id_number(timezone.localdate() - timedelta(days=13 * 365)))
    violation = actions.save_draft(None, factories.entry_about(child), by=city.officer)

    with pytest.raises(Problems, match="Article 12"):
        act("submit", violation, city.officer)


# A failing trail -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", list(MOVES))
def test_without_its_event_no_move_happens(city, owner, target):
    before = next(state for state in Status if target in TRANSITIONS[state])
    violation = factories.violation_at(before, city)
    owner.execute("revoke insert on audit_event from seal_owner")

    with pytest.raises(TrailUnavailable):
        MOVES[target](city, violation)
    violation.refresh_from_db()
    assert violation.status == before


def test_a_record_whose_seal_event_fails_stays_unsealed(city, owner):
    violation = factories.violation_at(Status.CONFIRMED, city)
    actions._record_service(violation, by=city.reviewer, served_on=timezone.localdate())
    owner.execute("revoke insert on audit_event from seal_owner")

    with pytest.raises(Unavailable):
        actions.seal_due()
    assert owner.execute("select count(*) from sealed.record").fetchone() == (0,)
    assert Violation.objects.filter(pk=violation.pk, status=Status.CONFIRMED).exists()


# What the database keeps by itself -------------------------------------------------------------------------------------


SEALED_TABLES = ("record", "record_key", "history", "handler", "shown", "asked")


def test_the_application_role_sees_no_sealed_row_key_history_or_handler(city, cloned, owner):
    sealed = factories.sealed(city, factories.person())
    for table in ("record", "record_key", "history", "handler"):
        assert owner.execute(f"select count(*) > 0 from sealed.{table}").fetchone() == (True,)
    with psycopg.connect(**{**cloned, "user": "seal_app"}, autocommit=True) as stranger:
        for table, column in (
            ("records_violation", "id"),
            ("records_recordkey", "violation_id"),
            ("records_historicalviolation", "id"),
            ("records_violationuserobjectpermission", "content_object_id"),
        ):
            assert stranger.execute(f"select count(*) from {table} where {column} = %s", [sealed.pk]).fetchone() == (0,)
            assert stranger.execute(f"select count(*) from {table}").fetchone() == (0,)
        for table in SEALED_TABLES:
            for statement in ("select 1 from sealed.{}", "select count(*) from sealed.{}", "delete from sealed.{}"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege, match="schema sealed"):
                    stranger.execute(statement.format(table))
    assert RecordKey.objects.count() == 0
    assert Violation.history.count() == 0


def test_nothing_of_a_record_stays_where_it_was_worked_on_for_the_owner_either(city, owner):
    factories.sealed(city, factories.person())

    for table in (
        "records_violation",
        "records_recordkey",
        "records_historicalviolation",
        "records_violationuserobjectpermission",
    ):
        assert owner.execute(f"select count(*) from {table}").fetchone() == (0,)


def test_the_key_a_record_had_while_it_was_worked_on_opens_nothing_sealed(city, owner):
    violation = factories.violation_at(Status.CONFIRMED, city)
    copied = bytes(violation.key.wrapped)
    actions.record_service(violation, by=city.reviewer, served_on=timezone.localdate())
    old = vault.unwrap(copied, table=actions.TABLE, record=str(violation.pk))
    [(particulars, wrapped)] = owner.execute(
        "select particulars, wrapped from sealed.record join sealed.record_key on record_id = id"
    ).fetchall()

    for field in ("particulars", "version:1"):
        with pytest.raises(Tampered):
            old.decrypt(particulars, field=field)
    with pytest.raises(Tampered):
        vault.unwrap(wrapped, table=actions.TABLE, record=str(violation.pk))
    for (body,) in owner.execute("select body from sealed.history").fetchall():
        with pytest.raises(Tampered):
            old.decrypt(body, field="particulars")


@pytest.mark.parametrize(
    "statement",
    [
        "update records_violation set served_on = decided_on, version = version + 1",
        "update records_violation set warning = true, version = version + 1",
        "update records_violation set status = 'SEALED', version = version + 1",
        "update records_violation set status = 'DRAFT', version = version + 1",
        "insert into records_stub select id, organ_id, now(), organ_id, '', null, id from records_violation",
        "update records_stub set digest = ''",
        "delete from records_stub",
        "insert into records_offence select * from records_offence",
        "update records_sealingrule set valid_until = current_date",
        "set role seal_mover",
        "update records_recordkey set wrapped = ''",
        "delete from records_violation",
        "delete from records_recordkey",
        "truncate records_violation cascade",
        "update records_historicalviolation set status = 'DRAFT'",
        "delete from records_historicalviolation",
        "truncate records_historicalviolation",
        "update records_offence set max_fine_yuan = 9",
        "delete from access_decision",
        "update access_historicaluser set full_name = ''",
        "delete from access_accessrequest",
        "create temporary table leak as select 1",
        "alter table records_violation disable trigger user",
        "drop trigger records_guard_violation on records_violation",
        "select particulars from records_stub",
        "set session_replication_role = replica",
    ],
)
def test_the_application_role_cannot(city, statement):
    factories.violation_at(Status.CONFIRMED, city)

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(
    "table", ["records_historicalviolation", "access_historicaluser", "access_decision", "records_recordkey"]
)
@pytest.mark.parametrize("statement", ["update {} set id = id", "delete from {}", "truncate {} cascade"])
def test_even_the_owner_cannot_change_history_without_switching_the_trigger_off(city, owner, table, statement):
    factories.violation_at(Status.CONFIRMED, city)
    factories.request_at(factories.RequestStatus.REFUSED, city)

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        owner.execute(statement.format(table).replace("id = id", "wrapped = ''" if "recordkey" in table else "id = id"))


@pytest.mark.parametrize("table", ["record", "history", "handler", "shown"])
@pytest.mark.parametrize("statement", ["update sealed.{} set {} = {}", "delete from sealed.{}", "truncate sealed.{}"])
def test_nor_what_is_behind_the_seal(city, owner, table, statement):
    person = factories.person()
    factories.sealed(city, person)
    grant = factories.ready(factories.approved(city, person))
    disclosure.open_answer(
        grant,
        factories.subject_of(grant),
        by=city.requester,
        session_key=factories.SESSION,
        token=factories.token(),
    )
    column = {"record": "id", "shown": "event_id"}.get(table, "record_id")

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        owner.execute(statement.format(table, column, column))


def changed(violation, **values):
    """What a write of the next version sets; everything but its history is right."""
    return {"warning": True, "version": violation.version + 1, **values}


def saved(violation, save):
    for name, value in changed(violation).items():
        setattr(violation, name, value)
    save(violation)


@pytest.mark.parametrize(
    "write",
    [
        lambda violation: Violation.objects.filter(pk=violation.pk).update(**changed(violation)),
        lambda violation: saved(violation, lambda row: Violation.objects.bulk_update([row], ["warning", "version"])),
        lambda violation: setattr(violation, "skip_history_when_saving", True) or saved(violation, Violation.save),
        lambda violation: saved(violation, lambda row: row.save_base(raw=True)),
        lambda violation: connection.cursor().execute(
            "update records_violation set warning = true, version = version + 1"
        ),
        # A history that says something else than the row is none.
        lambda violation: saved(
            violation,
            lambda row: (
                Violation.save(row),
                Violation.objects.filter(pk=row.pk).update(warning=False, version=row.version + 1),
            ),
        ),
    ],
    ids=["update", "bulk_update", "skip flag", "raw save", "raw SQL", "another history"],
)
def test_no_write_without_its_history_row(city, write):
    violation = factories.violation_at(Status.DRAFT, city)

    with pytest.raises(DatabaseError, match="history"), transaction.atomic():
        write(violation)
        trail.write(kinds.VIOLATION_EDITED, by=city.officer, on=violation)


def test_no_new_row_without_its_history_either(city):
    row = Violation(pk=factories.token(), organ=city.station, entered_by=city.officer, particulars=b"")

    with pytest.raises(DatabaseError, match="history"), transaction.atomic():
        Violation.objects.bulk_create([row])
        trail.write(kinds.VIOLATION_DRAFTED, by=city.officer, on=row)


@pytest.mark.parametrize(
    "change",
    [
        "delete from sealed.history where position = 2",
        "update sealed.history set position = position + 10",
        "update sealed.history set body = (select body from sealed.history where position = 2) where position = 1",
        "update sealed.history set body = body || '\\x00' where position = 1",
        "delete from sealed.handler",
        "insert into sealed.handler select record_id, gen_random_uuid() from sealed.handler",
    ],
)
def test_history_and_handlers_that_the_owner_altered_are_named(city, owner, change):
    violation = factories.sealed(city, factories.person())
    assert keyservice.check([violation.pk]).holds
    for table in ("history", "handler"):
        owner.execute(f"alter table sealed.{table} disable trigger user")
    owner.execute(change)

    assert keyservice.check([violation.pk]).altered == [violation.pk]


def test_the_history_says_who(city, owner):
    violation = factories.violation_at(Status.CONFIRMED, city)

    names = [User.objects.get(pk=row.history_user_id).username for row in violation.history.order_by("history_id")]

    assert names == ["officer", "officer", "reviewer"]


@pytest.mark.parametrize("state", [status for status in Status if status != Status.SEALED])
def test_the_sealing_function_seals_only_what_is_confirmed_and_served(city, state):
    violation = factories.violation_at(state, city)
    rule = actions.sealing_rule(timezone.localdate())

    assert keyservice.seal([violation.pk], rule.pk) == []
    violation.refresh_from_db()
    assert violation.status == state
    assert not SealedRecord.objects.exists()


def test_a_rule_that_is_not_in_force_seals_nothing(city, enact):
    violation = factories.violation_at(Status.CONFIRMED, city)
    actions._record_service(violation, by=city.reviewer, served_on=timezone.localdate())
    rule = actions.sealing_rule(timezone.localdate())
    over = enact(factories.version_of(rule, 9, valid_until=timezone.localdate() - timedelta(days=1)))

    for wrong in (over.pk, factories.token()):
        with pytest.raises(Unavailable, match="no sealing rule"):
            keyservice.seal([violation.pk], wrong)
    assert Violation.objects.filter(pk=violation.pk).exists()


def test_a_batch_has_a_limit(city):
    with pytest.raises(ValueError, match="at most 500"):
        keyservice.seal([factories.token() for _record in range(501)], factories.token())
    assert keyservice.seal([], factories.token()) == []
