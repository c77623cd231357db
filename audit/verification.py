"""Verification of the whole trail in its database, naming what was altered."""

import datetime
import heapq
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection, models, transaction
from django.utils.translation import gettext_lazy as _

from audit import log, notes, trail
from audit.exceptions import SignerRefused
from audit.trail import Actor, EventType
from audit.verify import Frontier, Unverified, VerifierKey

MOST_FAULTS = 20
# The column `at` is set by the same statement as the time in the event itself.
CLOCK_TOLERANCE = datetime.timedelta(seconds=60)


class Wrong(models.TextChoices):
    """What can be wrong with the trail."""

    EVENT_ALTERED = "EVENT_ALTERED", _("The content of the event was altered after it was logged.")
    EVENT_MISSING = "EVENT_MISSING", _("The event was deleted.")
    COLUMNS_ALTERED = "COLUMNS_ALTERED", _("The number or time of the event is not what its content says.")
    LEAF_MISSING = "LEAF_MISSING", _("The place in the log is empty: an event was taken out.")
    LEAF_ADDED = "LEAF_ADDED", _("The log holds a place that the sequencer never gave.")
    NEVER_QUEUED = "NEVER_QUEUED", _("The event is neither in the log nor waiting for it.")
    QUEUE_ALTERED = "QUEUE_ALTERED", _("An event is waiting that does not exist or is in the log already.")
    TREE_ALTERED = "TREE_ALTERED", _("The events do not give the tree that the sequencer keeps.")
    ROOT_DIFFERS = "ROOT_DIFFERS", _("Events at or after this place were rewritten together with the log.")
    CHECKPOINT_INVALID = "CHECKPOINT_INVALID", _("A checkpoint before this place is not signed by the log's key.")
    SET_BACK = "SET_BACK", _("The database ends before a place that was signed: it was set back to an older state.")
    KEY_MISSING = "KEY_MISSING", _("The key that checkpoints are verified with cannot be read.")


@dataclass(frozen=True)
class Fault:
    what: Wrong
    index: int | None = None
    event_id: uuid.UUID | None = None

    def __str__(self) -> str:
        place = " ".join(str(part) for part in (self.index, self.event_id) if part is not None)
        return f"{place}: {self.what.label}" if place else str(self.what.label)


@dataclass
class Verification:
    """The outcome: `faults` are the first 20 of `fault_count`, in the order of the log."""

    size: int = 0
    signed_size: int = 0
    checkpoints: int = 0
    waiting: int = 0
    seconds: float = 0.0
    fault_count: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return self.fault_count == 0

    def add(self, what: Wrong, index: int | None = None, event_id: uuid.UUID | None = None) -> None:
        self.fault_count += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(what, index, event_id))


@dataclass(frozen=True)
class _Mark:
    """A size at which the root is known from a signed note."""

    size: int
    note: str
    root: bytes | None = None


def verify() -> Verification:
    """Check every event, leaf and checkpoint of one snapshot of the database, in bounded memory."""
    started = time.monotonic()
    result = Verification()
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SET LOCAL statement_timeout = 0")
        _walk(result)
        _look_for_strays(result)
    result.seconds = time.monotonic() - started
    return result


def verify_and_record(*, by: Actor | None) -> Verification:
    """Verify, and leave the outcome in the trail, so that it is known when the trail was last found whole."""
    result = verify()
    with transaction.atomic(durable=True):
        trail.write(
            EventType.TRAIL_VERIFIED,
            by=by,
            on=None,
            holds=result.holds,
            size=result.size,
            signed_size=result.signed_size,
            checkpoints=result.checkpoints,
            waiting=result.waiting,
            faults=result.fault_count,
            fault_kinds=[fault.what.value for fault in result.faults],
            fault_indexes=[fault.index for fault in result.faults],
            fault_events=[fault.event_id for fault in result.faults],
        )
    return result


def outcome_of(detail: dict) -> Verification:
    """Return the outcome that a TRAIL_VERIFIED event recorded."""
    faults = zip(detail["fault_kinds"], detail["fault_indexes"], detail["fault_events"], strict=True)
    return Verification(
        size=detail["size"],
        signed_size=detail["signed_size"],
        checkpoints=detail["checkpoints"],
        waiting=detail["waiting"],
        fault_count=detail["faults"],
        faults=[Fault(Wrong(what), index, uuid.UUID(event) if event else None) for what, index, event in faults],
    )


def _walk(result: Verification) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT size, frontier FROM audit_log_state")
        result.size, nodes = cursor.fetchone()
    key = _key(result)
    marks = _marks()
    mark = next(marks, None)
    frontier = Frontier()
    roots_differ = False
    good_until = 0

    def check_marks() -> None:
        nonlocal mark, roots_differ, good_until
        while mark and mark.size == frontier.size:
            result.checkpoints += mark.root is not None
            result.signed_size = max(result.signed_size, mark.size)
            root = _signed_root(mark, key)
            if root is None and key:
                result.add(Wrong.CHECKPOINT_INVALID, mark.size)
            if not roots_differ and root not in (None, frontier.root()):
                roots_differ = True
                result.add(Wrong.ROOT_DIFFERS, good_until)
            if not roots_differ:
                good_until = mark.size
            mark = next(marks, None)

    check_marks()
    for leaf in log.leaves(0, result.size):
        while frontier.size < leaf.index:
            result.add(Wrong.LEAF_MISSING, frontier.size)
            frontier.append(bytes(32))
            check_marks()
        if leaf.canonical is None:
            result.add(Wrong.EVENT_MISSING, leaf.index, leaf.event_id)
        elif not leaf.is_intact:
            result.add(Wrong.EVENT_ALTERED, leaf.index, leaf.event_id)
        elif not _columns_agree(leaf):
            result.add(Wrong.COLUMNS_ALTERED, leaf.index, leaf.event_id)
        frontier.append(leaf.hash)
        check_marks()
    if frontier.size < result.size:
        result.add(Wrong.LEAF_MISSING, frontier.size)
    elif frontier.nodes != [bytes(node) for node in nodes] and not roots_differ:
        result.add(Wrong.TREE_ALTERED, good_until)
    if mark:
        result.add(Wrong.SET_BACK, result.size)


def _key(result: Verification) -> VerifierKey | None:
    try:
        return log.verifier_key()
    except (SignerRefused, OSError, ValueError):
        result.add(Wrong.KEY_MISSING)
        return None


def _signed_root(mark: _Mark, key: VerifierKey | None) -> bytes | None:
    """Return the root that the mark's note signs, or nothing if the note does not hold."""
    if key is None:
        return None
    try:
        signed = notes.open_checkpoint(mark.note, key)
    except Unverified:
        return None
    return signed.root if signed.size == mark.size and mark.root in (None, signed.root) else None


def _marks() -> Iterator[_Mark]:
    """Yield every checkpoint of the database, and the last one kept outside it, by size."""
    return heapq.merge(_stored_marks(), _witnessed_mark(), key=lambda mark: mark.size)


def _stored_marks() -> Iterator[_Mark]:
    size = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT size, note, root FROM audit_checkpoint WHERE size > %s ORDER BY size LIMIT 500", [size]
            )
            rows = cursor.fetchall()
        if not rows:
            return
        for size, note, root in rows:
            yield _Mark(size, note, bytes(root))


def _witnessed_mark() -> list[_Mark]:
    """Return the note of the witness file, which only the signer's machine has."""
    try:
        note = settings.AUDIT_WITNESS_FILE.read_text()
        return [_Mark(notes.parse_checkpoint(note.rpartition("\n\n")[0] + "\n").size, note)]
    except (OSError, UnicodeDecodeError, Unverified):
        return []


def _columns_agree(leaf: log.LoggedEvent) -> bool:
    if leaf.canonical is None or leaf.at is None:
        return False
    try:
        said = json.loads(leaf.canonical)
        at = datetime.datetime.fromisoformat(said["at"])
    except (ValueError, TypeError, KeyError):
        return False
    return said.get("id") == str(leaf.event_id) and abs(at - leaf.at) < CLOCK_TOLERANCE


def _look_for_strays(result: Verification) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit_queue")
        result.waiting = cursor.fetchone()[0]
        cursor.execute(
            """
            SELECT %s, leaf.index, leaf.event_id FROM audit_leaf AS leaf WHERE leaf.index >= %s OR leaf.index < 0
            UNION ALL
            SELECT %s, NULL, event.id FROM audit_event AS event
                WHERE NOT EXISTS (SELECT FROM audit_leaf AS leaf WHERE leaf.event_id = event.id)
                  AND NOT EXISTS (SELECT FROM audit_queue AS queue WHERE queue.event_id = event.id)
            UNION ALL
            SELECT %s, NULL, queue.event_id FROM audit_queue AS queue
                WHERE NOT EXISTS (SELECT FROM audit_event AS event WHERE event.id = queue.event_id)
                   OR EXISTS (SELECT FROM audit_leaf AS leaf WHERE leaf.event_id = queue.event_id)
            """,
            [Wrong.LEAF_ADDED, result.size, Wrong.NEVER_QUEUED, Wrong.QUEUE_ALTERED],
        )
        while rows := cursor.fetchmany(1000):
            for what, index, event_id in rows:
                result.add(Wrong(what), index, event_id)
