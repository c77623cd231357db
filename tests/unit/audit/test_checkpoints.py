"""What is signed continues everything signed before; everything else is refused, with an alarm."""

from datetime import datetime

import pytest
from django.db import connection

from audit import checkpoints, fingerprint, freshness, notes, sequencing, trail
from audit.exceptions import SignerRefused
from audit.verify import Frontier
from tests import signing
from tests.tampering import tamper

pytestmark = pytest.mark.django_db


def alarms():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT audit_json(canonical) -> 'detail' ->> 'reason' FROM audit_event"
            " WHERE kind = 'TRAIL_ALARM' ORDER BY at"
        )
        return [reason for (reason,) in cursor.fetchall()]


def test_a_checkpoint_is_signed_when_the_tree_has_grown_and_only_then(signer):
    signing.write(3)
    signing.sequence()
    signed = signing.checkpoint()
    assert (signed.size, signed.root) == (signing.state().size, signing.state().root())
    assert notes.open_checkpoint(signer.read_text(), checkpoints.verifier_key()) == signed
    assert signing.checkpoint() is None
    signing.write(2)
    assert signing.checkpoint() is None  # nothing is signed that has no place
    signing.sequence()
    assert signing.checkpoint().size == signed.size + 2
    assert alarms() == []


def test_an_empty_log_is_not_signed(signer, owner):
    tamper(owner, "TRUNCATE audit_queue")
    assert signing.checkpoint() is None


def test_the_signer_takes_up_after_a_crash_between_witness_and_commit(signer, owner):
    signing.write(2)
    signing.sequence()
    signing.checkpoint()
    signing.write(2)
    signing.sequence()
    lost = signing.checkpoint()
    tamper(owner, "DELETE FROM audit_checkpoint WHERE size = %s", lost.size)
    signing.write(1)
    signing.sequence()
    assert signing.checkpoint().size == lost.size + 1


def refused(reason):
    with pytest.raises(SignerRefused) as caught:
        signing.checkpoint()
    assert caught.value.reason == reason
    assert alarms()[-1] == reason


def test_the_signer_refuses_after_a_restore(signed, signer, cloned, owner):
    """The witness has seen more leaves than the restored database holds."""
    witness = signer.read_text()
    signing.write(4)
    signing.sequence()
    signing.checkpoint()
    ahead = signer.read_text()
    tamper(owner, "DELETE FROM audit_checkpoint WHERE size > %s", signed.size)
    tamper(owner, "DELETE FROM audit_leaf WHERE index >= %s", signed.size)
    restored = Frontier()
    for leaf in sequencing.leaves(0, signed.size):
        restored.append(leaf.hash)
    owner.execute("UPDATE audit_log_state SET size = %s, frontier = %s", [signed.size, restored.nodes])
    refused("BEHIND_WITNESS")
    assert signer.read_text() == ahead != witness


def test_the_signer_refuses_a_past_that_differs_from_the_witness(signed, owner):
    """Restored, and grown again beyond the witnessed size."""
    tamper(owner, "DELETE FROM audit_checkpoint")
    tamper(owner, "DELETE FROM audit_leaf")
    owner.execute("UPDATE audit_log_state SET size = 0, frontier = '{}'")
    signing.plant(owner, 9)
    signing.sequence()
    refused("INCONSISTENT_WITH_WITNESS")


def test_the_signer_refuses_an_event_altered_before_it_was_signed(signed, owner):
    signing.write(1)
    signing.sequence()
    tamper(
        owner,
        "UPDATE audit_event SET canonical = canonical || ' '"
        " WHERE id = (SELECT event_id FROM audit_leaf WHERE index = %s)",
        signed.size,
    )
    refused("EVENT_ALTERED")


def test_the_signer_refuses_a_leaf_taken_out(signed, owner):
    signing.write(2)
    signing.sequence()
    tamper(owner, "DELETE FROM audit_leaf WHERE index = %s", signed.size)
    refused("LEAF_MISSING")


def test_the_signer_refuses_a_frontier_that_the_leaves_do_not_give(signed, owner):
    signing.write(1)
    signing.sequence()
    owner.execute("UPDATE audit_log_state SET frontier[1] = sha256('other')")
    refused("FRONTIER_DIFFERS")


def test_an_altered_checkpoint_keeps_nobody_from_signing(signed, owner):
    """It is passed over, and the tree is made again from further back; verification names it."""
    for change in ("frontier[1] = sha256('other')", "frontier = array[array[root]]", "note = 'x'", "root = sha256('')"):
        signing.write(1)
        signing.sequence()
        tamper(owner, f"UPDATE audit_checkpoint SET {change}")
        assert signing.checkpoint().size == signing.state().size


def test_hostile_checkpoints_keep_nobody_from_signing(signed, owner):
    for size in (-5, 0, signed.size + 1, signed.size + 10**6, 2**63 - 1):
        owner.execute(
            "INSERT INTO audit_checkpoint (size, root, note, frontier) VALUES (%s, sha256(''), 'not a note', '{null}')",
            [size],
        )
    signing.write(1)
    assert signing.sign().size == signed.size + 1
    signing.write(1)
    assert signing.sign().size == signed.size + 2
    assert freshness.current().signed_size == signed.size + 2
    assert alarms() == []


def test_the_signer_refuses_without_the_witness_file(signed, signer):
    signer.unlink()
    refused("WITNESS_MISSING")


def test_the_signer_refuses_a_witness_file_that_does_not_hold(signed, signer):
    signer.write_text(signer.read_text().replace(f"\n{signed.size}\n", "\n1\n"))
    refused("WITNESS_INVALID")


def test_the_signer_refuses_a_witness_older_than_the_database(signed, signer):
    older = signer.read_text()
    signing.write(1)
    signing.sign()
    signer.write_text(older)
    refused("WITNESS_OLDER")


def test_nothing_is_begun_without_being_told_to(signed, signer, owner):
    """Whoever deletes checkpoints and witness together does not get the rest signed anew."""
    signer.unlink()
    tamper(owner, "DELETE FROM audit_checkpoint")
    signing.write(1)
    signing.sequence()
    refused("WITNESS_MISSING")


def test_a_log_is_begun_once(signed, signer, owner):
    for _there in ("witness and checkpoint", "checkpoint"):
        with pytest.raises(SignerRefused) as caught:
            checkpoints.begin()
        assert caught.value.reason == "BEGUN_BEFORE"
        signer.unlink(missing_ok=True)
    tamper(owner, "DELETE FROM audit_checkpoint")
    checkpoints.begin()
    assert checkpoints.witness(checkpoints.verifier_key())[0].size == 0


def test_a_checkpoint_says_when_after_which_and_over_which_database(signed):
    signing.write(1)
    grown = signing.sign()
    assert grown.said(checkpoints.PREVIOUS) == [str(signed.size)]
    assert grown.said(checkpoints.SCHEMA) == [fingerprint.current()]
    assert datetime.fromisoformat(grown.said(checkpoints.TIME)[0]) <= trail.database_now()


def confirmed():
    with connection.cursor() as cursor:
        cursor.execute("SELECT confirmed_at FROM audit_log_state")
        return cursor.fetchone()[0]


def test_a_database_that_continues_the_witness_is_confirmed_and_one_that_is_behind_never(signed, signer, owner):
    assert confirmed() is None
    signing.confirm()
    first = confirmed()
    signing.write(2)
    signing.sign()
    tamper(owner, "DELETE FROM audit_checkpoint WHERE size > %s", signed.size)
    tamper(owner, "DELETE FROM audit_leaf WHERE index >= %s", signed.size)
    owner.execute("UPDATE audit_log_state SET size = %s", [signed.size])
    with pytest.raises(SignerRefused):
        signing.confirm()
    assert confirmed() == first
    assert alarms() == ["BEHIND_WITNESS"]


def test_disclosures_stop_unless_the_signer_has_just_confirmed(signed, owner):
    def staleness():
        with connection.cursor() as cursor:
            cursor.execute("SELECT audit_staleness()")
            return cursor.fetchone()[0]

    owner.execute("UPDATE audit_limit SET value = 1 WHERE name = 'STALE_TRAIL_STOPS'")
    assert staleness() == "UNCONFIRMED"
    signing.confirm()
    assert staleness() is None
    for wrong in ("now() - interval '1 minute'", "now() + interval '1 hour'", "'infinity'", "null"):
        owner.execute(f"UPDATE audit_log_state SET confirmed_at = {wrong}")
        assert staleness() == "UNCONFIRMED"
        freshness.current()


def test_a_change_of_the_database_raises_an_alarm_and_is_signed(signed, owner):
    assert signing.checkpoint() is None
    owner.execute("GRANT SELECT ON audit_limit TO public")
    assert signing.checkpoint() is None
    assert alarms() == ["SCHEMA_CHANGED"]
    assert signing.sign().said(checkpoints.SCHEMA) == [fingerprint.current()] != signed.said(checkpoints.SCHEMA)


def test_the_signer_refuses_another_origin(signed, settings):
    settings.AUDIT_ORIGIN = "log.example/other"
    refused("ORIGIN_CHANGED")


def test_the_signer_refuses_without_its_key(signed, settings):
    settings.AUDIT_SIGNING_KEY_FILE.unlink()
    refused("KEY_UNUSABLE")


def test_one_alarm_an_hour_is_raised_for_one_reason(signed, signer):
    signer.unlink()
    for _number in range(3):
        with pytest.raises(SignerRefused):
            signing.checkpoint()
    assert alarms() == ["WITNESS_MISSING"]
