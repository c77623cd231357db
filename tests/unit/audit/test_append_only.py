"""UPDATE, DELETE and TRUNCATE fail: for the application by its rights, for the owner by triggers."""

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from access import kinds
from audit import trail
from tests import signing

pytestmark = pytest.mark.django_db

CHANGES = {
    "audit_event": "canonical = canonical",
    "audit_nonce": "nonce = nonce",
    "audit_leaf": "hash = hash",
    "audit_tile": "hash = hash",
    "audit_checkpoint": "note = note",
}
STATEMENTS = [
    statement
    for table, change in CHANGES.items()
    for statement in (f"UPDATE {table} SET {change}", f"DELETE FROM {table}", f"TRUNCATE {table}")
]
# What only the sequencer's function may do, and columns that only the database may fill.
FORBIDDEN = [
    *STATEMENTS,
    "UPDATE audit_log_state SET size = 0",
    "DELETE FROM audit_log_state",
    "TRUNCATE audit_queue",
    "DELETE FROM audit_queue",
    "INSERT INTO audit_queue SELECT gen_random_uuid(), now()",
    "INSERT INTO audit_leaf SELECT 1000, gen_random_uuid(), sha256('')",
    "INSERT INTO audit_tile SELECT 1, 1000, sha256('')",
    "INSERT INTO audit_event (id, canonical, at) SELECT gen_random_uuid(), canonical, at FROM audit_event",
    "INSERT INTO audit_event (id, canonical, xid) SELECT gen_random_uuid(), canonical, xid FROM audit_event",
    "ALTER TABLE audit_event DISABLE TRIGGER ALL",
    "DROP TRIGGER audit_event_append_only ON audit_event",
    "SET session_replication_role = replica",
    "SELECT audit_event_queued()",
]


@pytest.fixture
def logged(signer, owner):
    for number in range(260):
        with transaction.atomic():
            trail.write(kinds.SIGNED_IN, by=None, on=None, texts={"a": "b"} if number == 0 else None)
    signing.sequence()
    signing.checkpoint()


def test_the_application_is_refused(logged):
    for statement in FORBIDDEN:
        refused = pytest.raises(DatabaseError, match="permission denied|must be owner")
        with refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_the_owner_is_refused_by_triggers_even_as_a_replica(logged, owner):
    for statement in STATEMENTS:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            owner.execute(statement)


def test_triggers_fire_always():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, count(*) FROM pg_trigger"
            " WHERE tgrelid::regclass::text LIKE 'audit%' AND tgenabled = 'A' GROUP BY 1 ORDER BY 1"
        )
        assert dict(cursor.fetchall()) == {
            "audit_checkpoint": 2, "audit_event": 4, "audit_finding": 3, "audit_kind": 2, "audit_leaf": 2, "audit_nonce": 2, "audit_tile": 2,
        }  # fmt: skip
        cursor.execute(
            "SELECT count(*) FROM pg_trigger WHERE tgrelid::regclass::text LIKE 'audit%' AND tgenabled <> 'A'"
        )
        assert cursor.fetchone() == (0,)
