"""What the owner of the tables alters is found and named."""

import json

import pytest
from django.core.management import call_command
from django.db import transaction

from audit import log, notes, trail, verification
from audit.models import Checkpoint, Event
from audit.trail import EventType
from audit.verification import Wrong
from audit.verify import Frontier
from tests import signing
from tests.tampering import tamper

pytestmark = pytest.mark.django_db


def write(count=1):
    for _number in range(count):
        with transaction.atomic():
            trail.write(EventType.SIGNED_IN, by=None, on=None)


@pytest.fixture
def signed(signer):
    """Two checkpoints over nine events or more."""
    for _number in range(2):
        write(5)
        signing.sequence()
        checkpoint = signing.checkpoint()
    return checkpoint


def event_at(index):
    return next(log.leaves(index, index + 1)).event_id


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
    event = '{"kind":"OPENING"}'
    tamper(owner, "INSERT INTO audit_event (id, canonical) VALUES (gen_random_uuid(), %s::bytea)", event)
    planted = Event.objects.get(kind="OPENING")
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
    recorded = Event.objects.get(kind=EventType.TRAIL_VERIFIED)
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
