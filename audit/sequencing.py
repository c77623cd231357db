"""Committed events get their places in the tree, and the leaves are read in that order."""

import datetime
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection

from audit import merkle
from audit.reading import EARLIEST, LATEST

BATCH = 5000


def sequence(limit: int = BATCH) -> int:
    """Give up to `limit` committed events their place in the tree, and return how many; for seal_signer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT public.audit_sequence(%s)", [limit])
        return cursor.fetchone()[0]


@dataclass(frozen=True)
class LoggedEvent:
    """A leaf with the event it stands for; `canonical` and `at` are None if that event is gone.

    `columns` are those that the database generates from the content: kind, actor, unit, target_type, target_id.
    """

    index: int
    hash: bytes
    event_id: uuid.UUID
    canonical: bytes | None
    at: datetime.datetime | None
    columns: tuple[str | None, ...] = ()

    @property
    def is_intact(self) -> bool:
        """Say whether the event is there and is the one whose hash was logged."""
        return self.canonical is not None and merkle.leaf_hash(self.canonical) == self.hash


def leaves(start: int, end: int) -> Iterator[LoggedEvent]:
    """Yield the leaves in [start, end) in order, fetched in chunks."""
    while start < end:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT leaf.index, leaf.hash, leaf.event_id, event.canonical,
                       CASE WHEN event.at BETWEEN %s AND %s THEN event.at END,
                       event.kind, event.actor, event.unit, event.target_type, event.target_id
                FROM audit_leaf AS leaf LEFT JOIN audit_event AS event ON event.id = leaf.event_id
                WHERE leaf.index >= %s AND leaf.index < %s ORDER BY leaf.index LIMIT 2000
                """,
                [EARLIEST, LATEST, start, end],
            )
            rows = cursor.fetchall()
        if not rows:
            return
        for row in rows:
            index, leaf_hash, event_id, canonical, at, *columns = row
            yield LoggedEvent(index, bytes(leaf_hash), event_id, canonical and bytes(canonical), at, tuple(columns))
        start = rows[-1][0] + 1
