"""Events get their places in the tree: each once, in the order of the queue, however many write and sequence."""

import threading

import psycopg
import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from audit import merkle, sequencing
from audit.models import Event
from audit.verify import Frontier
from config import database
from tests import signing

pytestmark = pytest.mark.django_db


ONE = "SELECT audit_write('SIGNED_IN', null, null, null, null, '{}')"


def test_the_databases_frontier_is_that_of_the_reference_at_sizes_0_to_70(owner):
    signing.sequence()
    reference = Frontier()
    for leaf in sequencing.leaves(0, signing.state().size):
        reference.append(leaf.hash)
    signing.plant(owner, 70)
    for _number in range(70):
        assert signing.state() == reference
        assert signing.sequence(1) == 1
        leaf = next(sequencing.leaves(reference.size, reference.size + 1))
        assert leaf.is_intact
        reference.append(leaf.hash)
    assert signing.state() == reference
    assert signing.state().root() == merkle.root(signing.leaf_hashes())
    assert signing.sequence() == 0


def test_a_batch_takes_the_oldest_and_leaves_the_rest(owner):
    signing.sequence()
    signing.plant(owner, 10)
    before = signing.state().size
    assert [signing.sequence(4), signing.sequence(4), signing.sequence(4)] == [4, 4, 2]
    times = [leaf.at for leaf in sequencing.leaves(before, before + 10)]
    assert times == sorted(times)


def test_an_uncommitted_event_has_no_place_and_keeps_nobody_waiting(cloned):
    signing.sequence()
    before = signing.state().size
    with psycopg.connect(make_conninfo(**{**cloned, "user": database.APP})) as other:
        other.execute(ONE)
        signing.write(2)
        assert signing.sequence() == 2
        other.commit()
    assert signing.sequence() == 1
    assert signing.state().size == before + 3


def test_eight_writers_and_two_sequencers_lose_nothing_and_repeat_nothing(cloned):
    signing.sequence()
    before = signing.state().size
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
    assert signing.state().size == before + 8 * 54 == Event.objects.count()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(DISTINCT event_id), min(index), max(index) FROM audit_leaf")
        size = signing.state().size
        assert cursor.fetchone() == (size, size, 0, size - 1)
    assert signing.state().root() == merkle.root(signing.leaf_hashes())
