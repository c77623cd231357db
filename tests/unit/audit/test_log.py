import shutil
import threading
from datetime import timedelta

import psycopg
import pytest
from django.db import connection, transaction
from psycopg.conninfo import make_conninfo

from audit import log, merkle, notes, trail
from audit.exceptions import SignerRefused
from audit.models import Event
from audit.trail import EventType
from audit.verify import Frontier
from config import database

pytestmark = pytest.mark.django_db


ONE = "INSERT INTO audit_event (id, canonical) VALUES (gen_random_uuid(), '{\"kind\":\"SIGNED_IN\"}')"  # fmt: skip


def write(count=1):
    for _number in range(count):
        with transaction.atomic():
            trail.write(EventType.SIGNED_IN, by=None, on=None)


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


def tamper(owner, statement, *parameters):
    """Change what is append-only, as only the owner of the tables can: by switching the triggers off."""
    tables = ("audit_event", "audit_leaf", "audit_checkpoint", "audit_tile")
    for table in tables:
        owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    owner.execute(statement, parameters)
    for table in tables:
        owner.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL")


# Sequencing
def test_the_databases_frontier_is_that_of_the_reference_at_sizes_0_to_70(owner):
    log.sequence()
    reference = Frontier()
    for leaf in log.leaves(0, state().size):
        reference.append(leaf.hash)
    plant(owner, 70)
    for _number in range(70):
        assert state() == reference
        assert log.sequence(1) == 1
        leaf = next(log.leaves(reference.size, reference.size + 1))
        assert leaf.is_intact
        reference.append(leaf.hash)
    assert state() == reference
    assert state().root() == merkle.root(leaf_hashes())
    assert log.sequence() == 0


def test_a_batch_takes_the_oldest_and_leaves_the_rest(owner):
    log.sequence()
    plant(owner, 10)
    before = state().size
    assert [log.sequence(4), log.sequence(4), log.sequence(4)] == [4, 4, 2]
    times = [leaf.at for leaf in log.leaves(before, before + 10)]
    assert times == sorted(times)


def test_an_uncommitted_event_has_no_place_and_keeps_nobody_waiting(cloned):
    log.sequence()
    before = state().size
    with psycopg.connect(make_conninfo(**{**cloned, "user": database.APP})) as other:
        other.execute(ONE)
        write(2)
        assert log.sequence() == 2
        other.commit()
    assert log.sequence() == 1
    assert state().size == before + 3


def test_eight_writers_and_two_sequencers_lose_nothing_and_repeat_nothing(cloned):
    log.sequence()
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
        with psycopg.connect(conninfo, autocommit=True) as mine:
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
    while log.sequence():
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
    log.sequence()
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
    while log.sequence():
        pass
    hashes = leaf_hashes()
    root = merkle.root(hashes)
    for index in (0, 40_000, 65_535, 65_536, len(hashes) - 1):
        merkle.verify_inclusion(index, len(hashes), hashes[index], log.inclusion_proof(index, len(hashes)), root)


# Signing
def test_a_checkpoint_is_signed_when_the_tree_has_grown_and_only_then(signer):
    write(3)
    log.sequence()
    signed = log.checkpoint()
    assert (signed.size, signed.root) == (state().size, state().root())
    assert notes.open_checkpoint(signer.read_text(), log.verifier_key()) == signed
    assert log.checkpoint() is None
    write(2)
    assert log.checkpoint() is None  # nothing is signed that has no place
    log.sequence()
    assert log.checkpoint().size == signed.size + 2
    assert alarms() == []


def test_an_empty_log_is_not_signed(signer, owner):
    tamper(owner, "TRUNCATE audit_queue")
    assert log.checkpoint() is None


def test_the_signer_takes_up_after_a_crash_between_witness_and_commit(signer, owner):
    write(2)
    log.sequence()
    log.checkpoint()
    write(2)
    log.sequence()
    lost = log.checkpoint()
    tamper(owner, "DELETE FROM audit_checkpoint WHERE size = %s", lost.size)
    write(1)
    log.sequence()
    assert log.checkpoint().size == lost.size + 1


@pytest.fixture
def signed(signer):
    write(5)
    log.sequence()
    return log.checkpoint()


def refused(reason):
    with pytest.raises(SignerRefused) as caught:
        log.checkpoint()
    assert caught.value.reason == reason
    assert alarms()[-1] == reason


def test_the_signer_refuses_after_a_restore(signed, signer, cloned, owner):
    """The witness has seen more leaves than the restored database holds."""
    witness = signer.read_text()
    write(4)
    log.sequence()
    log.checkpoint()
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
    log.sequence()
    refused("INCONSISTENT_WITH_WITNESS")


def test_the_signer_refuses_an_event_altered_before_it_was_signed(signed, owner):
    write(1)
    log.sequence()
    tamper(
        owner,
        "UPDATE audit_event SET canonical = canonical || ' '"
        " WHERE id = (SELECT event_id FROM audit_leaf WHERE index = %s)",
        signed.size,
    )
    refused("EVENT_ALTERED")


def test_the_signer_refuses_a_leaf_taken_out(signed, owner):
    write(2)
    log.sequence()
    tamper(owner, "DELETE FROM audit_leaf WHERE index = %s", signed.size)
    refused("LEAF_MISSING")


def test_the_signer_refuses_a_frontier_that_the_leaves_do_not_give(signed, owner):
    write(1)
    log.sequence()
    owner.execute("UPDATE audit_log_state SET frontier[1] = sha256('other')")
    refused("FRONTIER_DIFFERS")


def test_the_signer_refuses_an_altered_checkpoint(signed, owner):
    write(1)
    log.sequence()
    tamper(owner, "UPDATE audit_checkpoint SET frontier[1] = sha256('other')")
    refused("CHECKPOINT_INVALID")


def test_the_signer_refuses_without_the_witness_file(signed, signer):
    signer.unlink()
    refused("WITNESS_MISSING")


def test_the_signer_refuses_a_witness_file_that_does_not_hold(signed, signer):
    signer.write_text(signer.read_text().replace(f"\n{signed.size}\n", "\n1\n"))
    refused("WITNESS_INVALID")


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
            log.checkpoint()
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
    assert fresh.healthy
    assert (fresh.size, fresh.signed_size) == (signed.size, signed.size)
    assert fresh.oldest_unsequenced_seconds is None
    assert 0 <= fresh.newest_checkpoint_seconds < 60


def test_nothing_new_for_days_is_healthy(signed, owner):
    age(owner, 100_000)
    assert log.freshness().healthy


def test_an_event_waiting_over_ten_seconds_is_not_healthy(signed, owner):
    write(1)
    assert log.freshness().healthy
    age(owner, 11)
    fresh = log.freshness()
    assert fresh.oldest_unsequenced_seconds > 10
    assert [sentence.split(" ")[0] for sentence in fresh.sentences] and not fresh.healthy


def test_events_unsigned_for_over_five_minutes_are_not_healthy(signed, owner):
    write(1)
    log.sequence()
    assert log.freshness().healthy
    age(owner, 301)
    assert not log.freshness().healthy


def test_a_refusal_of_the_signer_is_not_healthy_until_it_signs_again(signed, signer, tmp_path):
    shutil.copy(signer, tmp_path / "kept")
    signer.unlink()
    with pytest.raises(SignerRefused):
        log.checkpoint()
    log.sequence()
    assert not log.freshness().healthy
    shutil.copy(tmp_path / "kept", signer)
    log.checkpoint()
    assert log.freshness().healthy


# The loop
def test_the_loop_sequences_and_signs_until_it_is_stopped(signer):
    write(3)
    stop = threading.Event()
    thread = threading.Thread(target=log.run_forever, args=[stop])
    thread.start()
    for _number in range(100):
        if log.freshness().signed_size and log.freshness().oldest_unsequenced_seconds is None:
            break
        stop.wait(0.05)
    stop.set()
    thread.join(timeout=10)
    assert not thread.is_alive()
    assert log.freshness().signed_size == Event.objects.count()
