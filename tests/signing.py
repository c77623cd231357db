"""The signing machine in tests: its role for a block, and what it does each second and each minute."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from django.conf import settings
from django.db import connection, connections, transaction

from access import kinds
from audit import checkpoints, sequencing, trail
from audit.verify import Checkpoint, Frontier
from config import database


@contextmanager
def as_role(role: str) -> Iterator[None]:
    """Let Django's own connection be this role for a block."""
    default = connections["default"]
    before = default.settings_dict["USER"]
    default.close()
    default.settings_dict["USER"] = role
    try:
        yield
    finally:
        default.close()
        default.settings_dict["USER"] = before


def as_signer() -> AbstractContextManager[None]:
    return as_role(database.SIGNER)


def sequence(limit: int = sequencing.BATCH) -> int:
    """Give waiting events their place, as the signer does each second."""
    with as_signer():
        return sequencing.sequence(limit)


def checkpoint() -> Checkpoint | None:
    """Sign the log, as the signer does each minute."""
    with as_signer():
        return checkpoints.checkpoint()


def begin() -> None:
    """Begin the log of a database, where that has not been done."""
    if not settings.AUDIT_WITNESS_FILE.exists():
        checkpoints.begin()


def confirm() -> None:
    with as_signer():
        checkpoints.confirm()


def sign() -> Checkpoint | None:
    """Sequence everything and sign it."""
    while sequence():
        pass
    return checkpoint()


def write(count: int = 1) -> None:
    """Write events that mean nothing."""
    for _number in range(count):
        with transaction.atomic():
            trail.write(kinds.SIGNED_IN, by=None, on=None)


def state() -> Frontier:
    """Return the tree as the sequencer keeps it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT size, frontier FROM audit_log_state")
        size, nodes = cursor.fetchone()
        return Frontier(size, [bytes(node) for node in nodes])


def leaf_hashes() -> list[bytes]:
    """Return the hashes of all leaves in their order."""
    return [leaf.hash for leaf in sequencing.leaves(0, state().size)]


def plant(owner: Any, count: int) -> None:
    """Queue many events at once, as the owner."""
    owner.execute(
        """INSERT INTO audit_event (id, canonical)
           SELECT id, convert_to(json_build_object('id', id, 'kind', 'SIGNED_IN')::text, 'UTF8')
           FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, %s)) AS new""",
        [count],
    )
