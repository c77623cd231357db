"""Moves of a violation, four ways each: it works, wrong person, wrong state, and a failing trail changes nothing."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from access.exceptions import NotAllowed, Refused, WrongState
from access.models import User
from audit.exceptions import TrailUnavailable
from audit.models import Event
from records import actions
from records.exceptions import Problems
from records.models import TRANSITIONS, RecordKey, SealedRecord, Status, Violation
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def city():
    return factories.City()


def kinds_about(row) -> list[str]:
    return list(Event.objects.filter(target_id=str(row.pk)).order_by("at").values_list("kind", flat=True))


# The way of a record -------------------------------------------------------------------------------------------------


def test_a_record_seals_itself_when_its_decision_is_served(city):
    violation = factories.violation_at(Status.CONFIRMED, city)
    actions.record_service(violation, by=city.reviewer, served_on=timezone.localdate())

    assert not Violation.objects.filter(pk=violation.pk).exists()
    stub = SealedRecord.objects.get(pk=violation.pk)
    assert (stub.organ, stub.sealing_rule.code) == (city.station, "DECISION_SERVED")
    assert kinds_about(violation) == [
        "VIOLATION_DRAFTED",
        "VIOLATION_SUBMITTED",
        "VIOLATION_CONFIRMED",
        "DECISION_SERVED",
        "VIOLATION_SEALED",
    ]


def test_the_seal_event_holds_the_digest_that_the_stub_shows(city):
    violation = factories.sealed(city, factories.person())
    event = Event.objects.get(target_id=str(violation.pk), kind="VIOLATION_SEALED")

    assert SealedRecord.objects.get(pk=violation.pk).digest.hex() in bytes(event.canonical).decode()
    assert bytes(SealedRecord.objects.get().digest) == hashlib.sha256(bytes(violation.particulars)).digest()


def test_service_that_could_not_seal_is_sealed_by_the_worker(city, monkeypatch):
    violation = factories.violation_at(Status.CONFIRMED, city)
    with monkeypatch.context() as broken:
        broken.setattr(actions.vault, "rewrap", lambda *_args, **_values: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            actions.record_service(violation, by=city.reviewer, served_on=timezone.localdate())
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


def test_a_returned_record_carries_the_remark_until_it_is_submitted_again(city):
    violation = factories.violation_at(Status.RETURNED, city)
    assert actions.read_particulars(violation).remark == "缺少告知笔录。"

    violation = actions.submit(violation, by=city.officer)

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
        getattr(actions, move)(violation, by=city.people()[who])
    violation.refresh_from_db()
    assert violation.status == state


def test_a_reviewer_who_entered_a_record_cannot_confirm_it(city):
    factories.duties.give(city.officer, factories.Duty.CONFIRM_VIOLATIONS, city.station)
    violation = factories.violation_at(Status.SUBMITTED, city)

    with pytest.raises(NotAllowed, match="cannot review"):
        actions.confirm(violation, by=city.officer)


def test_a_co_officer_handles_the_record_too_and_cannot_review_it(city):
    violation = factories.violation_at(Status.DRAFT, city)
    actions.name_co_officer(violation, by=city.officer, co_officer=city.officer2)
    factories.duties.give(city.officer2, factories.Duty.CONFIRM_VIOLATIONS, city.station)
    violation = actions.submit(violation, by=city.officer2)

    with pytest.raises(NotAllowed, match="cannot review"):
        actions.confirm(violation, by=city.officer2)


# Wrong state ----------------------------------------------------------------------------------------------------------

MOVES = {
    Status.SUBMITTED: lambda city, violation: actions.submit(violation, by=city.officer),
    Status.DISCARDED: lambda city, violation: actions.discard(violation, by=city.officer),
    Status.RETURNED: lambda city, violation: actions.return_for_correction(violation, by=city.reviewer, remark="缺。"),
    Status.CONFIRMED: lambda city, violation: actions.confirm(violation, by=city.reviewer),
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
        actions.submit(violation, by=city.officer)
    assert {"name", "number", "acted_on", "facts", "case_number", "detention_days"} <= set(problems.value.by_field)


def test_nobody_is_punished_for_what_they_did_under_fourteen(city):
    child = factories.person("小明", factories.id_number(timezone.localdate() - timedelta(days=13 * 365)))
    violation = actions.save_draft(None, factories.entry_about(child), by=city.officer)

    with pytest.raises(Problems, match="Article 12"):
        actions.submit(violation, by=city.officer)


# A failing trail -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", list(MOVES))
def test_without_its_event_no_move_happens(city, owner, target):
    before = next(state for state in Status if target in TRANSITIONS[state])
    violation = factories.violation_at(before, city)
    owner.execute("revoke insert (id, canonical) on audit_event from seal_app")

    with pytest.raises(TrailUnavailable):
        MOVES[target](city, violation)
    violation.refresh_from_db()
    assert violation.status == before


def test_a_record_whose_seal_event_fails_stays_unsealed(city, owner):
    violation = factories.violation_at(Status.CONFIRMED, city)
    actions._record_service(violation, by=city.reviewer, served_on=timezone.localdate())
    owner.execute("revoke insert (id, canonical) on audit_event from seal_app")

    with pytest.raises(TrailUnavailable):
        actions.seal_due()
    assert Violation.objects.filter(pk=violation.pk, status=Status.CONFIRMED).exists()


# What the database keeps by itself (3, 7) ------------------------------------------------------------------------------


def test_the_application_role_sees_no_sealed_row_key_history_or_handler(city, cloned):
    sealed = factories.sealed(city, factories.person())
    with psycopg.connect(**{**cloned, "user": "seal_app"}, autocommit=True) as stranger:
        for table, column in (
            ("records_violation", "id"),
            ("records_recordkey", "violation_id"),
            ("records_historicalviolation", "id"),
            ("records_violationuserobjectpermission", "content_object_id"),
        ):
            assert stranger.execute(f"select count(*) from {table} where {column} = %s", [sealed.pk]).fetchone() == (0,)
            assert stranger.execute(f"select count(*) from {table}").fetchone() == (0,)
    assert RecordKey.objects.count() == 0
    assert Violation.history.count() == 0


@pytest.mark.parametrize(
    "statement",
    [
        "update records_violation set sealed_at = now()",
        "update records_violation set status = 'SEALED'",
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
        "alter table records_violation disable row level security",
        "drop policy unsealed on records_violation",
        "select sha256(particulars) from records_stub",
    ],
)
def test_the_application_role_cannot(city, statement):
    factories.violation_at(Status.CONFIRMED, city)

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("table", ["records_historicalviolation", "access_historicaluser", "access_decision"])
@pytest.mark.parametrize("statement", ["update {} set id = id", "delete from {}", "truncate {} cascade"])
def test_even_the_owner_cannot_change_history_without_switching_the_trigger_off(city, owner, table, statement):
    factories.violation_at(Status.CONFIRMED, city)
    factories.request_at(factories.RequestStatus.REFUSED, city)

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        owner.execute(statement.format(table))


@pytest.mark.parametrize(
    "write",
    [
        lambda violation: Violation.objects.filter(pk=violation.pk).update(warning=True),
        lambda violation: Violation.objects.bulk_update([violation], ["warning"]),
        lambda violation: Violation.objects.bulk_create(
            [Violation(organ=violation.organ, entered_by=violation.entered_by, particulars=b"")]
        ),
        lambda violation: setattr(violation, "skip_history_when_saving", True) or violation.save(),
        lambda violation: violation.save_base(raw=True),
        lambda violation: connection.cursor().execute("update records_violation set warning = true"),
    ],
    ids=["update", "bulk_update", "bulk_create", "skip flag", "raw save", "raw SQL"],
)
def test_no_write_without_its_history_row(city, write):
    violation = factories.violation_at(Status.DRAFT, city)

    with pytest.raises(DatabaseError, match="history"), transaction.atomic():
        write(violation)


def test_sealing_writes_history_too(city, owner):
    violation = factories.sealed(city, factories.person())
    rows = owner.execute(
        "select status from records_historicalviolation where id = %s order by history_id", [violation.pk]
    ).fetchall()

    assert [status for (status,) in rows] == ["DRAFT", "SUBMITTED", "CONFIRMED", "CONFIRMED", "SEALED"]


def test_the_history_says_who(city, owner):
    violation = factories.violation_at(Status.CONFIRMED, city)

    names = [User.objects.get(pk=row.history_user_id).username for row in violation.history.order_by("history_id")]

    assert names == ["officer", "officer", "reviewer"]


def test_the_sealing_function_seals_only_what_is_confirmed_and_served(city):
    violation = factories.violation_at(Status.SUBMITTED, city)
    rule = actions.sealing_rule(timezone.localdate())
    key = actions.vault.rewrap(
        bytes(violation.key.wrapped),
        table=actions.TABLE,
        record=str(violation.pk),
        compartment=actions.vault.Compartment.WORKING,
        to=actions.vault.Compartment.SEALED,
    )

    with pytest.raises(DatabaseError, match="confirmed, served and due"), connection.cursor() as cursor:
        cursor.execute("select records_seal(%s::uuid[], %s::bytea[], %s)", [[violation.pk], [key], rule.pk])
