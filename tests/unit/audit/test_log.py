import shutil
import threading
from datetime import datetime, timedelta

import psycopg
import pytest
from django.db import connection, transaction
from psycopg.conninfo import make_conninfo

from access import kinds
from audit import fingerprint, log, merkle, notes, trail
from audit.exceptions import SignerRefused
from audit.models import Event
from audit.verify import Frontier
from config import database
from tests import signing
from tests.tampering import tamper

pytestmark = pytest.mark.django_db


ONE = "SELECT audit_write('SIGNED_IN', null, null, null, null, '{}')"


def write(count=1):
    for _number in range(count):
        with transaction.atomic():
            trail.write(kinds.SIGNED_IN, by=None, on=None)


def state():
    with connection.cursor() as cursor:
        cursor.execute("SELECT size, frontier FROM audit_log_state")
        size, nodes = cursor.fetchone()
        return Frontier(size, [bytes(node) for node in nodes])


def leaf_hashes():
    return [leaf.hash for leaf in log.leaves(0, state().size)]


def plant(owner, count):
    """Queue many events at once, as the owner."""
    owner.execute(
        """INSERT INTO audit_event (id, canonical)
           SELECT id, convert_to(json_build_object('id', id, 'kind', 'SIGNED_IN')::text, 'UTF8')
           FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, %s)) AS new""",
        [count],
    )


def alarms():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT audit_json(canonical) -> 'detail' ->> 'reason' FROM audit_event"
            " WHERE kind = 'TRAIL_ALARM' ORDER BY at"
        )
        return [reason for (reason,) in cursor.fetchall()]


# Sequencing
def test_the_databases_frontier_is_that_of_the_reference_at_sizes_0_to_70(owner):
    signing.sequence()
    reference = Frontier()
    for leaf in log.leaves(0, state().size):
        reference.append(leaf.hash)
    plant(owner, 70)
    for _number in range(70):
        assert state() == reference
        assert signing.sequence(1) == 1
        leaf = next(log.leaves(reference.size, reference.size + 1))
        assert leaf.is_intact
        reference.append(leaf.hash)
    assert state() == reference
    assert state().root() == merkle.root(leaf_hashes())
    assert signing.sequence() == 0


def test_a_batch_takes_the_oldest_and_leaves_the_rest(owner):
    signing.sequence()
    plant(owner, 10)
    before = state().size
    assert [signing.sequence(4), signing.sequence(4), signing.sequence(4)] == [4, 4, 2]
    times = [leaf.at for leaf in log.leaves(before, before + 10)]
    assert times == sorted(times)


def test_an_uncommitted_event_has_no_place_and_keeps_nobody_waiting(cloned):
    signing.sequence()
    before = state().size
    with psycopg.connect(make_conninfo(**{**cloned, "user": database.APP})) as other:
        other.execute(ONE)
        write(2)
        assert signing.sequence() == 2
        other.commit()
    assert signing.sequence() == 1
    assert state().size == before + 3


def test_eight_writers_and_two_sequencers_lose_nothing_and_repeat_nothing(cloned):
    signing.sequence()
    before = state().size
    conninfo = make_conninfo(**{**cloned, "user": database.APP})
    done, failures = threading.Event(), []

    def writer():
        with psycopg.connect(conninfo, autocommit=True) as mine:
            for number in range(60):
                with mine.transaction(force_rollback=number % 10 == 9):
                    mine.execute(ONE)
                    if number % 7 == 0:
                        mine.execute("SELECT pg_sleep(0.005)")

    def sequencer():
        with psycopg.connect(make_conninfo(**{**cloned, "user": database.SIGNER}), autocommit=True) as mine:
            while not done.is_set():
                mine.execute("SELECT audit_sequence(37)")

    def guarded(work):
        try:
            work()
        except Exception as error:
            failures.append(error)

    sequencers = [threading.Thread(target=guarded, args=[sequencer]) for _number in range(2)]
    writers = [threading.Thread(target=guarded, args=[writer]) for _number in range(8)]
    for thread in [*sequencers, *writers]:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in sequencers:
        thread.join()
    while signing.sequence():
        pass

    assert not failures
    assert state().size == before + 8 * 54 == Event.objects.count()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(DISTINCT event_id), min(index), max(index) FROM audit_leaf")
        size = state().size
        assert cursor.fetchone() == (size, size, 0, size - 1)
    assert state().root() == merkle.root(leaf_hashes())


# Proofs from the stored tree
def test_inclusion_proofs_of_a_tree_with_tiles_are_those_of_the_reference(owner, django_assert_num_queries):
    plant(owner, 1000)
    signing.sequence()
    hashes = leaf_hashes()
    for size in (1, 2, 255, 256, 257, 511, 768, 1001):
        root = merkle.root(hashes[:size])
        for index in {0, size // 2, size - 1}:
            with django_assert_num_queries(2):
                proof = log.inclusion_proof(index, size)
            assert proof == merkle.inclusion_proof(index, hashes[:size])
            merkle.verify_inclusion(index, size, hashes[index], proof, root)


@pytest.mark.slow
def test_inclusion_proofs_of_a_tree_with_two_levels_of_tiles(owner):
    plant(owner, 66_000)
    while signing.sequence():
        pass
    hashes = leaf_hashes()
    root = merkle.root(hashes)
    for index in (0, 40_000, 65_535, 65_536, len(hashes) - 1):
        merkle.verify_inclusion(index, len(hashes), hashes[index], log.inclusion_proof(index, len(hashes)), root)


# Signing
def test_a_checkpoint_is_signed_when_the_tree_has_grown_and_only_then(signer):
    write(3)
    signing.sequence()
    signed = signing.checkpoint()
    assert (signed.size, signed.root) == (state().size, state().root())
    assert notes.open_checkpoint(signer.read_text(), log.verifier_key()) == signed
    assert signing.checkpoint() is None
    write(2)
    assert signing.checkpoint() is None  # nothing is signed that has no place
    signing.sequence()
    assert signing.checkpoint().size == signed.size + 2
    assert alarms() == []


def test_an_empty_log_is_not_signed(signer, owner):
    tamper(owner, "TRUNCATE audit_queue")
    assert signing.checkpoint() is None


def test_the_signer_takes_up_after_a_crash_between_witness_and_commit(signer, owner):
    write(2)
    signing.sequence()
    signing.checkpoint()
    write(2)
    signing.sequence()
    lost = signing.checkpoint()
    tamper(owner, "DELETE FROM audit_checkpoint WHERE size = %s", lost.size)
    write(1)
    signing.sequence()
    assert signing.checkpoint().size == lost.size + 1


@pytest.fixture
def signed(signer):
    write(5)
    signing.sequence()
    return signing.checkpoint()


def refused(reason):
    with pytest.raises(SignerRefused) as caught:
        signing.checkpoint()
    assert caught.value.reason == reason
    assert alarms()[-1] == reason


def test_the_signer_refuses_after_a_restore(signed, signer, cloned, owner):
    """The witness has seen more leaves than the restored database holds."""
    witness = signer.read_text()
    write(4)
    signing.sequence()
    signing.checkpoint()
    ahead = signer.read_text()
    tamper(owner, "DELETE FROM audit_checkpoint WHERE size > %s", signed.size)
    tamper(owner, "DELETE FROM audit_leaf WHERE index >= %s", signed.size)
    restored = Frontier()
    for leaf in log.leaves(0, signed.size):
        restored.append(leaf.hash)
    owner.execute("UPDATE audit_log_state SET size = %s, frontier = %s", [signed.size, restored.nodes])
    refused("BEHIND_WITNESS")
    assert signer.read_text() == ahead != witness


def test_the_signer_refuses_a_past_that_differs_from_the_witness(signed, owner):
    """Restored, and grown again beyond the witnessed size."""
    tamper(owner, "DELETE FROM audit_checkpoint")
    tamper(owner, "DELETE FROM audit_leaf")
    owner.execute("UPDATE audit_log_state SET size = 0, frontier = '{}'")
    plant(owner, 9)
    signing.sequence()
    refused("INCONSISTENT_WITH_WITNESS")


def test_the_signer_refuses_an_event_altered_before_it_was_signed(signed, owner):
    write(1)
    signing.sequence()
    tamper(
        owner,
        "UPDATE audit_event SET canonical = canonical || ' '"
        " WHERE id = (SELECT event_id FROM audit_leaf WHERE index = %s)",
        signed.size,
    )
    refused("EVENT_ALTERED")


def test_the_signer_refuses_a_leaf_taken_out(signed, owner):
    write(2)
    signing.sequence()
    tamper(owner, "DELETE FROM audit_leaf WHERE index = %s", signed.size)
    refused("LEAF_MISSING")


def test_the_signer_refuses_a_frontier_that_the_leaves_do_not_give(signed, owner):
    write(1)
    signing.sequence()
    owner.execute("UPDATE audit_log_state SET frontier[1] = sha256('other')")
    refused("FRONTIER_DIFFERS")


def test_an_altered_checkpoint_keeps_nobody_from_signing(signed, owner):
    """It is passed over, and the tree is made again from further back; verification names it."""
    for change in ("frontier[1] = sha256('other')", "frontier = array[array[root]]", "note = 'x'", "root = sha256('')"):
        write(1)
        signing.sequence()
        tamper(owner, f"UPDATE audit_checkpoint SET {change}")
        assert signing.checkpoint().size == state().size


def test_hostile_checkpoints_keep_nobody_from_signing(signed, owner):
    for size in (-5, 0, signed.size + 1, signed.size + 10**6, 2**63 - 1):
        owner.execute(
            "INSERT INTO audit_checkpoint (size, root, note, frontier) VALUES (%s, sha256(''), 'not a note', '{null}')",
            [size],
        )
    write(1)
    assert signing.sign().size == signed.size + 1
    write(1)
    assert signing.sign().size == signed.size + 2
    assert log.freshness().signed_size == signed.size + 2
    assert alarms() == []


def test_the_signer_refuses_without_the_witness_file(signed, signer):
    signer.unlink()
    refused("WITNESS_MISSING")


def test_the_signer_refuses_a_witness_file_that_does_not_hold(signed, signer):
    signer.write_text(signer.read_text().replace(f"\n{signed.size}\n", "\n1\n"))
    refused("WITNESS_INVALID")


def test_the_signer_refuses_a_witness_older_than_the_database(signed, signer):
    older = signer.read_text()
    write(1)
    signing.sign()
    signer.write_text(older)
    refused("WITNESS_OLDER")


def test_nothing_is_begun_without_being_told_to(signed, signer, owner):
    """Whoever deletes checkpoints and witness together does not get the rest signed anew."""
    signer.unlink()
    tamper(owner, "DELETE FROM audit_checkpoint")
    write(1)
    signing.sequence()
    refused("WITNESS_MISSING")


def test_a_log_is_begun_once(signed, signer, owner):
    for _there in ("witness and checkpoint", "checkpoint"):
        with pytest.raises(SignerRefused) as caught:
            log.begin()
        assert caught.value.reason == "BEGUN_BEFORE"
        signer.unlink(missing_ok=True)
    tamper(owner, "DELETE FROM audit_checkpoint")
    log.begin()
    assert log.witness(log.verifier_key())[0].size == 0


def test_a_checkpoint_says_when_after_which_and_over_which_database(signed):
    write(1)
    grown = signing.sign()
    assert grown.said(log.PREVIOUS) == [str(signed.size)]
    assert grown.said(log.SCHEMA) == [fingerprint.current()]
    assert datetime.fromisoformat(grown.said(log.TIME)[0]) <= trail.database_now()


def confirmed():
    with connection.cursor() as cursor:
        cursor.execute("SELECT confirmed_at FROM audit_log_state")
        return cursor.fetchone()[0]


def test_a_database_that_continues_the_witness_is_confirmed_and_one_that_is_behind_never(signed, signer, owner):
    assert confirmed() is None
    signing.confirm()
    first = confirmed()
    write(2)
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
        log.freshness()


def test_a_change_of_the_database_raises_an_alarm_and_is_signed(signed, owner):
    assert signing.checkpoint() is None
    owner.execute("GRANT SELECT ON audit_limit TO public")
    assert signing.checkpoint() is None
    assert alarms() == ["SCHEMA_CHANGED"]
    assert signing.sign().said(log.SCHEMA) == [fingerprint.current()] != signed.said(log.SCHEMA)


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


# Freshness
def age(owner, seconds):
    """Make every event, queue row and checkpoint older."""
    older = timedelta(seconds=seconds)
    for table in ("audit_event", "audit_checkpoint"):
        tamper(owner, f"UPDATE {table} SET at = at - %s", older)
    owner.execute("UPDATE audit_queue SET at = at - %s", [older])


def test_a_log_that_is_up_to_date_is_healthy(signed):
    fresh = log.freshness()
    assert fresh.sentences == []
    assert (fresh.size, fresh.signed_size) == (signed.size, signed.size)
    assert fresh.oldest_unsequenced_seconds is None
    assert 0 <= fresh.newest_checkpoint_seconds < 60


def test_nothing_new_for_days_is_healthy(signed, owner):
    age(owner, 100_000)
    assert log.freshness().sentences == []


def test_an_event_waiting_over_ten_seconds_is_not_healthy(signed, owner):
    write(1)
    assert log.freshness().sentences == []
    age(owner, 11)
    fresh = log.freshness()
    assert fresh.oldest_unsequenced_seconds > 10
    assert (len(fresh.sentences), fresh.reasons) == (1, ["UNSEQUENCED"])


def test_events_unsigned_for_over_five_minutes_are_not_healthy(signed, owner):
    write(1)
    signing.sequence()
    assert log.freshness().sentences == []
    age(owner, 301)
    assert log.freshness().sentences


def test_a_refusal_of_the_signer_is_not_healthy_until_it_signs_again(signed, signer, tmp_path):
    shutil.copy(signer, tmp_path / "kept")
    signer.unlink()
    with pytest.raises(SignerRefused):
        signing.checkpoint()
    signing.sequence()
    assert log.freshness().sentences
    shutil.copy(tmp_path / "kept", signer)
    signing.checkpoint()
    assert log.freshness().sentences == []


# The loop
def test_the_loop_sequences_and_signs_until_it_is_stopped(signer):
    write(3)
    stop = threading.Event()
    with signing.as_signer():
        thread = threading.Thread(target=log.run_forever, args=[stop])
        thread.start()
        for _number in range(200):
            if log.freshness().signed_size and log.freshness().oldest_unsequenced_seconds is None:
                break
            stop.wait(0.05)
        stop.set()
        thread.join(timeout=10)
    assert not thread.is_alive()
    assert log.freshness().signed_size == Event.objects.count()
