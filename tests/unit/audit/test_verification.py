"""What the owner of the tables alters is found and named."""

import contextlib
import json

import psycopg
import pytest
from django.core.management import call_command
from django.db import DatabaseError, models, transaction

from access import kinds as access_kinds
from access.models.duty import Duty
from access.models.people import OrganisationKind
from audit import fingerprint, notes, registers, sequencing, trail, verification
from audit import kinds as audit_kinds
from audit.models import Checkpoint, Event
from audit.verification import Wrong
from audit.verify import Frontier
from tests import factories, signing
from tests.tampering import tamper

pytestmark = pytest.mark.django_db


def write(count=1):
    for _number in range(count):
        with transaction.atomic():
            trail.write(access_kinds.SIGNED_IN, by=None, on=None)


@pytest.fixture
def signed(signer):
    """Two checkpoints over nine events or more."""
    for _number in range(2):
        write(5)
        signing.sequence()
        checkpoint = signing.checkpoint()
    return checkpoint


def event_at(index):
    return next(sequencing.leaves(index, index + 1)).event_id


def found():
    result = verification.verify()
    assert not result.holds
    return [(fault.what, fault.index, fault.event_id) for fault in result.faults]


def test_a_whole_trail_holds(signed):
    write(2)
    result = verification.verify()
    assert result.holds, result.faults
    assert (result.size, result.signed_size, result.checkpoints, result.waiting) == (signed.size, signed.size, 2, 2)


def test_a_trail_without_checkpoints_holds(signer):
    write(2)
    signing.sequence()
    assert verification.verify().holds


def test_the_altered_event_is_named_although_all_triggers_are_back(signed, owner):
    event_id = event_at(7)
    tamper(owner, "UPDATE audit_event SET canonical = convert_to(replace("
           "convert_from(canonical, 'UTF8'), 'SIGNED_IN', 'SIGNED_OUT'), 'UTF8') WHERE id = %s", event_id)  # fmt: skip
    assert Event.objects.get(pk=event_id).kind == "SIGNED_OUT"
    assert found() == [(Wrong.EVENT_ALTERED, 7, event_id)]


def test_an_altered_time_or_id_is_named(signed, owner):
    event_id = event_at(3)
    tamper(owner, "UPDATE audit_event SET at = at - interval '1 day' WHERE id = %s", event_id)
    assert found() == [(Wrong.COLUMNS_ALTERED, 3, event_id)]


def test_a_deleted_event_is_named(signed, owner):
    event_id = event_at(2)
    tamper(owner, "DELETE FROM audit_event WHERE id = %s", event_id)
    assert found() == [(Wrong.EVENT_MISSING, 2, event_id)]


def test_a_leaf_taken_out_is_named_with_its_event(signed, owner):
    event_id = event_at(2)
    tamper(owner, "DELETE FROM audit_leaf WHERE index = 2")
    assert {(Wrong.LEAF_MISSING, 2, None), (Wrong.NEVER_QUEUED, None, event_id)} <= set(found())


def test_a_log_cut_short_is_named(signed, owner):
    tamper(owner, "DELETE FROM audit_leaf WHERE index >= %s", signed.size - 1)
    assert (Wrong.LEAF_MISSING, signed.size - 1, None) in found()


def test_a_leaf_put_in_is_named(signed, owner):
    tamper(owner, "INSERT INTO audit_leaf SELECT 500, gen_random_uuid(), sha256('')")
    assert [(what, index) for what, index, _event in found()] == [(Wrong.LEAF_ADDED, 500)]


def test_an_event_rewritten_with_its_leaf_misses_the_signed_root(signed, owner):
    """Only the range between two checkpoints can be named then."""
    first = Checkpoint.objects.order_by("size").first()
    event_id = event_at(first.size + 1)
    tamper(owner, "UPDATE audit_event SET canonical = convert_to(replace("
           "convert_from(canonical, 'UTF8'), 'SIGNED_IN', 'SIGNED_OUT'), 'UTF8') WHERE id = %s", event_id)  # fmt: skip
    tamper(owner, "UPDATE audit_leaf SET hash = sha256('\\x00'::bytea || canonical) FROM audit_event"
           " WHERE audit_event.id = event_id AND event_id = %s", event_id)  # fmt: skip
    assert found() == [(Wrong.ROOT_DIFFERS, first.size, None)]


def test_swapped_leaves_are_named(signed, owner):
    tamper(owner, "UPDATE audit_leaf SET hash = other.hash FROM audit_leaf AS other"
           " WHERE audit_leaf.index IN (4, 5) AND other.index = 9 - audit_leaf.index")  # fmt: skip
    assert [(what, index) for what, index, _event in found()][:2] == [
        (Wrong.EVENT_ALTERED, 4),
        (Wrong.EVENT_ALTERED, 5),
    ]


def test_an_event_that_never_entered_the_queue_is_named(signed, owner):
    event = '{"kind":"SIGNED_OUT"}'
    tamper(owner, "INSERT INTO audit_event (id, canonical) VALUES (gen_random_uuid(), %s::bytea)", event)
    planted = Event.objects.get(kind="SIGNED_OUT")
    assert found() == [(Wrong.NEVER_QUEUED, None, planted.pk)]


def test_a_waiting_event_that_does_not_exist_is_named(signed, owner):
    write(1)
    waiting = Event.objects.order_by("-at").first().pk
    tamper(owner, "DELETE FROM audit_event WHERE id = %s", waiting)
    assert found() == [(Wrong.QUEUE_ALTERED, None, waiting)]


def test_a_forged_or_altered_checkpoint_is_named(signed, owner):
    tamper(owner, "UPDATE audit_checkpoint SET note = 'x' || note WHERE size = %s", signed.size)
    assert (Wrong.CHECKPOINT_INVALID, signed.size, None) in found()


def test_another_tree_state_is_named(signed, owner):
    owner.execute("UPDATE audit_log_state SET frontier[1] = sha256('')")
    assert [what for what, _index, _event in found()] == [Wrong.TREE_ALTERED]


def test_a_restored_database_is_named_by_the_witness(signed, signer, settings, owner):
    secret = notes.load_signing_key(settings.AUDIT_SIGNING_KEY_FILE)
    ahead = notes.Checkpoint(settings.AUDIT_ORIGIN, signed.size + 3, Frontier().root())
    signer.write_text(notes.sign(ahead.text, secret, settings.AUDIT_ORIGIN))
    assert found() == [(Wrong.SET_BACK, signed.size, None)]


def test_a_missing_key_is_named(signed, settings):
    for path in settings.AUDIT_SIGNING_KEY_FILE.parent.glob("signing.pem*"):
        path.unlink()
    assert found() == [(Wrong.KEY_MISSING, None, None)]


def test_the_first_twenty_faults_are_kept_and_all_are_counted(signed, owner):
    write(30)
    signing.sequence()
    tamper(owner, "UPDATE audit_event SET canonical = canonical || ' '")
    result = verification.verify()
    assert len(result.faults) == 20
    assert result.fault_count == result.size
    assert [fault.index for fault in result.faults] == list(range(20))


def test_the_outcome_is_recorded_in_the_trail(signed, owner):
    event_id = event_at(7)
    tamper(owner, "UPDATE audit_event SET canonical = canonical || ' ' WHERE id = %s", event_id)
    result = verification.verify_and_record(by=None)
    recorded = Event.objects.get(kind=audit_kinds.TRAIL_VERIFIED)
    detail = trail_detail(recorded)
    assert detail["holds"] is False
    assert detail["fault_events"] == [str(event_id)]
    again = verification.outcome_of({"detail": detail})
    assert (again.faults, again.fault_count, again.holds) == (result.faults, 1, False)


def trail_detail(event):

    return json.loads(bytes(event.canonical))["detail"]


def test_the_command_says_so_and_its_exit_code_too(signed, owner, capsys):
    call_command("verify_log")
    assert "The trail holds." in capsys.readouterr().out
    event_id = event_at(7)
    tamper(owner, "UPDATE audit_event SET canonical = canonical || ' ' WHERE id = %s", event_id)
    with pytest.raises(SystemExit) as caught:
        call_command("verify_log")
    assert caught.value.code == 1
    assert f"7 {event_id}" in capsys.readouterr().err


# What the owner changed and verification called whole
@pytest.mark.parametrize("column", ["kind", "actor", "unit", "target_type", "target_id"])
def test_a_generated_column_that_was_rewritten_is_named(signed, owner, column):
    """Turned into a plain column, it can say anything: the lists would filter by it."""
    event_id = event_at(4)
    owner.execute(f"ALTER TABLE audit_event ALTER COLUMN {column} DROP EXPRESSION")
    tamper(owner, f"UPDATE audit_event SET {column} = 'OTHER' WHERE id = %s", event_id)
    assert found() == [(Wrong.COLUMNS_ALTERED, 4, event_id), (Wrong.SCHEMA_CHANGED, None, None)]


def test_a_time_altered_by_seconds_is_named(signed, owner):
    event_id = event_at(3)
    tamper(owner, "UPDATE audit_event SET at = at - interval '50 seconds' WHERE id = %s", event_id)
    assert found() == [(Wrong.COLUMNS_ALTERED, 3, event_id)]


def test_an_event_that_nobody_can_read_is_named(signed, owner):
    deep = '{"kind":"SIGNED_IN","x":' + "[" * 6000 + "]" * 6000 + "}"
    owner.execute("INSERT INTO audit_event (id, canonical) VALUES (gen_random_uuid(), convert_to(%s, 'UTF8'))", [deep])
    signing.sign()
    assert [(what, index) for what, index, _event in found()] == [(Wrong.EVENT_UNREADABLE, signed.size)]


@pytest.mark.parametrize(
    "more",
    ['"kind":"SIGNED_IN","kind":', ' "kind":', '"kind":"SIGNED_OUT","x":1e2,"kind":'],
    ids=["twice", "space", "number"],
)
def test_an_event_that_says_something_in_another_way_is_named(signed, owner, more):
    """What stands twice is read once: words could hide in the first place."""
    owner.execute(
        "INSERT INTO audit_event (id, canonical)"
        " SELECT id, convert_to(replace(convert_from(audit_bytes(id, clock_timestamp(), 'SIGNED_IN', null, null, null, null,"
        " '{}', '{}'), 'UTF8'), '\"kind\":', %s), 'UTF8') FROM (SELECT gen_random_uuid() AS id) AS new",
        [more],
    )
    signing.sign()
    assert [(what, index) for what, index, _event in found()] == [(Wrong.EVENT_NOT_CANONICAL, signed.size)]


@pytest.fixture
def with_tiles(signer, owner):
    owner.execute(
        """INSERT INTO audit_event (id, canonical)
           SELECT id, audit_bytes(id, clock_timestamp(), 'SIGNED_IN', null, null, null, null, '{}', '{}')
           FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, 600)) AS new"""
    )
    checkpoint = signing.sign()
    assert verification.verify().holds
    return checkpoint


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_tile SET hash = sha256('other') WHERE index = 1",
        "DELETE FROM audit_tile WHERE index = 1",
        "INSERT INTO audit_tile VALUES (1, 2, sha256(''))",
        "INSERT INTO audit_tile VALUES (2, 0, sha256(''))",
        "INSERT INTO audit_tile VALUES (-5, 0, sha256(''))",
    ],
)
def test_an_altered_tile_is_named(with_tiles, owner, statement):
    tamper(owner, statement)
    assert [what for what, _index, _event in found()] == [Wrong.TILE_ALTERED]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit_nonce",
        "UPDATE audit_nonce SET name = 'other'",
        "INSERT INTO audit_nonce SELECT event_id, 'more', nonce FROM audit_nonce",
        "INSERT INTO audit_nonce SELECT gen_random_uuid(), name, nonce FROM audit_nonce",
    ],
)
def test_nonces_that_are_not_those_of_the_texts_are_named(signer, owner, statement):
    with transaction.atomic():
        trail.write(access_kinds.REQUEST_LAPSED, by=None, on=None, texts={"reason": "words"})
    signing.sign()
    assert verification.verify().holds
    tamper(owner, statement)
    assert {what for what, _index, _event in found()} == {Wrong.NONCE_ALTERED}


def test_a_checkpoint_taken_out_of_the_middle_is_named(signed, owner):
    first = Checkpoint.objects.order_by("size").first()
    tamper(owner, "DELETE FROM audit_checkpoint WHERE size = %s", first.size)
    assert found() == [(Wrong.CHECKPOINT_MISSING, signed.size, None)]


def test_a_checkpoint_whose_time_was_moved_is_named(signed, owner):
    for moved in ("at + interval '1 hour'", "'infinity'"):
        tamper(owner, f"UPDATE audit_checkpoint SET at = {moved} WHERE size = %s", signed.size)
        assert found() == [(Wrong.CHECKPOINT_MOVED, signed.size, None)]


def test_hostile_checkpoints_are_named_and_stop_nothing(signed, owner):
    for size in (-5, 0, signed.size + 1, 2**63 - 1):
        owner.execute(
            "INSERT INTO audit_checkpoint (size, root, note, frontier) VALUES (%s, sha256(''), %s, '{null}')",
            [size, f"{'9' * 5000}\n\n— a b\n"],
        )
    assert {what for what, _index, _event in found()} == {Wrong.CHECKPOINT_INVALID}


def test_a_missing_an_unreadable_and_an_older_witness_are_named(signed, signer, settings):
    newest = signer.read_text()
    signer.write_text("nonsense")
    assert found() == [(Wrong.WITNESS_INVALID, None, None)]
    signer.write_bytes(b"\xff")
    assert found() == [(Wrong.WITNESS_INVALID, None, None)]
    signer.unlink()
    assert found() == [(Wrong.WITNESS_MISSING, None, None)]
    older = Checkpoint.objects.order_by("size").first()
    signer.write_text(older.note)
    assert found() == [(Wrong.WITNESS_OLDER, older.size, None)]
    signer.write_text(newest)
    assert verification.verify().holds


def test_where_no_witness_is_kept_that_is_said(signed, signer, settings):
    settings.AUDIT_WITNESS_FILE = None
    result = verification.verify_and_record(by=None)
    assert result.holds and not result.has_witness
    recorded = json.loads(bytes(Event.objects.get(kind=audit_kinds.TRAIL_VERIFIED).canonical))
    assert verification.outcome_of(recorded).has_witness is False


# How the database is built
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE OR REPLACE FUNCTION audit_json(canonical bytea) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE"
        " AS $$ select '{}'::jsonb $$",
        "DROP TRIGGER audit_event_append_only ON audit_event",
        "ALTER TABLE audit_event ENABLE TRIGGER audit_event_append_only",
        "GRANT INSERT ON audit_event TO seal_app",
        "GRANT SELECT (canonical) ON audit_event TO public",
        "GRANT EXECUTE ON FUNCTION audit_sequence(integer) TO seal_app",
        "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO seal_app",
        "CREATE RULE quiet AS ON INSERT TO audit_queue DO INSTEAD NOTHING",
        "ALTER TABLE audit_event ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY one ON audit_event USING (true)",
        "ALTER TABLE audit_event DROP CONSTRAINT audit_event_pkey",
        "CREATE VIEW public.peephole AS SELECT * FROM sealed.record",
        "CREATE SCHEMA elsewhere",
        "GRANT USAGE ON SCHEMA sealed TO seal_app",
        "ALTER TABLE audit_nonce OWNER TO seal_mover",
    ],
)
def test_a_change_of_how_the_database_is_built_is_named(signed, owner, statement):
    assert verification.verify().holds
    with contextlib.suppress(psycopg.errors.InsufficientPrivilege):
        owner.execute(statement)
        assert Wrong.SCHEMA_CHANGED in [what for what, _index, _event in found()]


def test_a_change_holds_once_two_people_have_accepted_it_and_not_before(signed, owner):
    owner.execute("GRANT EXECUTE ON FUNCTION audit_limit_of(text) TO public")
    write(1)
    grown = signing.sign()
    schema = fingerprint.current()
    bureau = factories.organisation(OrganisationKind.PUBLIC_SECURITY_BUREAU)
    one, two = (factories.user_with(Duty.OVERSEE, organisation=bureau) for _each in range(2))
    for by in (one, one):
        assert (Wrong.SCHEMA_CHANGED, grown.size, None) in found()
        verification.accept_schema(schema, by=by)
    assert (Wrong.SCHEMA_CHANGED, grown.size, None) in found()
    verification.accept_schema(schema, by=two)
    assert verification.verify().holds

    # Back to what the log began with is no change; a third state is one.
    owner.execute("REVOKE EXECUTE ON FUNCTION audit_limit_of(text) FROM public")
    assert verification.verify().holds
    owner.execute("GRANT EXECUTE ON FUNCTION audit_staleness() TO public")
    assert found() == [(Wrong.SCHEMA_CHANGED, None, None)]


# The recorded outcome
@pytest.mark.parametrize(
    "detail",
    [
        None,
        5,
        {},
        {"size": "x"},
        {"fault_kinds": 5},
        {"fault_kinds": ["NONE"], "fault_indexes": [1], "fault_events": [None], "fault_rows": [None], "faults": 1},
        {"fault_kinds": ["SET_BACK"], "fault_indexes": [1], "fault_events": ["x"], "fault_rows": [None], "faults": 1},
        {"fault_kinds": ["SET_BACK"], "fault_indexes": [], "fault_events": [], "fault_rows": [], "faults": 1},
        {"fault_kinds": [["a"]], "fault_indexes": [{}], "fault_events": [[]], "fault_rows": [{}], "faults": 1},
    ],
)
def test_what_is_no_outcome_is_refused(detail):
    numbers = {"size": 1, "signed_size": 1, "checkpoints": 1, "waiting": 0, "faults": 0}
    with pytest.raises(ValueError):  # noqa: PT011 - its one reason
        verification.outcome_of({"detail": {**numbers, **detail} if isinstance(detail, dict) else detail})


def test_a_check_that_cannot_be_made_is_a_fault(signed, monkeypatch):
    def broken():
        raise DatabaseError
        yield

    monkeypatch.setattr(registers, "checks", lambda: [broken])
    assert found() == [(Wrong.CHECK_FAILED, None, None)]


def test_two_registers_cannot_mean_different_things_by_one_code():
    with pytest.raises(ValueError, match="Two registers"):
        registers.register(OtherWrong)


class OtherWrong(models.TextChoices):
    SET_BACK = "SET_BACK", "Something else"
