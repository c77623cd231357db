"""Verification of the whole trail in its database, naming what was altered."""

import datetime
import heapq
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, models, transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit import checkpoints, fingerprint, kinds, notes, reading, registers, sequencing, trail
from audit.exceptions import SignerRefused, Unavailable
from audit.registers import Fault
from audit.trail import Actor
from audit.verify import Checkpoint, Frontier, Unverified, VerifierKey, node_hash

MOST_FAULTS = 20
# What two people have to accept before a database that is built otherwise counts as right.
ACCEPTORS = 2
# The column `at` is set by the same statement as the time in the event itself.
CLOCK_TOLERANCE = datetime.timedelta(seconds=2)
# A checkpoint's row is written right after its note is signed.
SIGNING_TOLERANCE = datetime.timedelta(seconds=30)
BATCH = 500


class Wrong(models.TextChoices):
    """What can be wrong with the trail."""

    EVENT_ALTERED = "EVENT_ALTERED", _("The content of the event was altered after it was logged.")
    EVENT_MISSING = "EVENT_MISSING", _("The event was deleted.")
    EVENT_UNREADABLE = (
        "EVENT_UNREADABLE",
        _("The content of the event cannot be read: it was not written by this product."),
    )
    EVENT_NOT_CANONICAL = (
        "EVENT_NOT_CANONICAL",
        _("The content of the event is not written as this product writes it: something may stand in it twice."),
    )
    COLUMNS_ALTERED = "COLUMNS_ALTERED", _("What the list shows of the event is not what its content says.")
    NONCE_ALTERED = "NONCE_ALTERED", _("The nonces of the event are not those of its texts, so they cannot be proved.")
    LEAF_MISSING = "LEAF_MISSING", _("The place in the log is empty: an event was taken out.")
    LEAF_ADDED = "LEAF_ADDED", _("The log holds a place that the sequencer never gave.")
    NEVER_QUEUED = "NEVER_QUEUED", _("The event is neither in the log nor waiting for it.")
    QUEUE_ALTERED = "QUEUE_ALTERED", _("An event is waiting that does not exist or is in the log already.")
    TREE_ALTERED = "TREE_ALTERED", _("The events do not give the tree that the sequencer keeps.")
    TILE_ALTERED = "TILE_ALTERED", _("A stored hash over the events from this place on is not theirs.")
    ROOT_DIFFERS = "ROOT_DIFFERS", _("Events at or after this place were rewritten together with the log.")
    CHECKPOINT_INVALID = "CHECKPOINT_INVALID", _("A checkpoint before this place is not signed by the log's key.")
    CHECKPOINT_MISSING = "CHECKPOINT_MISSING", _("A checkpoint was deleted between this place and the one before it.")
    CHECKPOINT_MOVED = "CHECKPOINT_MOVED", _("The time of the checkpoint at this place is not the one that was signed.")
    SET_BACK = "SET_BACK", _("The database ends before a place that was signed: it was set back to an older state.")
    KEY_MISSING = "KEY_MISSING", _("The key that checkpoints are verified with cannot be read.")
    WITNESS_MISSING = "WITNESS_MISSING", _("The witness file is missing, or the log was never begun.")
    WITNESS_INVALID = "WITNESS_INVALID", _("The witness file cannot be read, or is not signed by the log's key.")
    WITNESS_OLDER = "WITNESS_OLDER", _("The witness file is older than the checkpoint at this place.")
    SCHEMA_CHANGED = (
        "SCHEMA_CHANGED",
        _(
            "Functions, triggers, tables or privileges of the database are not what they were, and two overseers have not accepted it."
        ),
    )
    CHECK_FAILED = "CHECK_FAILED", _("The register could not be compared with the trail. Look into the server log.")


def _no_witness() -> str | None:
    if settings.AUDIT_WITNESS_FILE:
        return None
    return gettext(
        "The witness file is not on this machine. Whether the database was set back to an older state is therefore not checked here, but on the signing machine."
    )


registers.register(Wrong, absence=_no_witness)


@dataclass
class Verification:
    """The outcome: `faults` are the first 20 of `fault_count`; `has_witness` says whether a witness file is kept here."""

    size: int = 0
    signed_size: int = 0
    checkpoints: int = 0
    waiting: int = 0
    seconds: float = 0.0
    has_witness: bool = True
    fault_count: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Say whether nothing at all is wrong."""
        return self.fault_count == 0

    def add(self, what: Wrong, index: int | None = None, event_id: uuid.UUID | None = None) -> None:
        """Count one fault, and keep it if there is room."""
        self.add_fault(Fault(what, index, event_id))

    def add_fault(self, fault: Fault) -> None:
        """Count a fault; the first ones are kept with their places, so that a broken trail needs no endless memory."""
        self.fault_count += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(fault)


@dataclass(frozen=True)
class _Mark:
    """A size at which the root is known from a signed note; `root` and `at` are those of its row in the database."""

    size: int
    note: str
    root: bytes | None = None
    at: datetime.datetime | None = None


def verify() -> Verification:
    """Check every event, leaf and checkpoint of one snapshot of the database, and the registers, in bounded memory."""
    started = time.monotonic()
    result = Verification(has_witness=bool(settings.AUDIT_WITNESS_FILE))
    key = _key(result)
    # Before the snapshot: what was signed until now has its leaves in it.
    witness = _witness(key, result)
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SET LOCAL statement_timeout = 0")
        _Walk(result, key, witness).run()
        _look_for_strays(result)
        _ask_registers(result)
    result.seconds = time.monotonic() - started
    return result


def verify_and_record(*, by: Actor | None) -> Verification:
    """Verify, and leave the outcome in the trail, so that it is known when the trail was last found whole."""
    result = verify()
    with transaction.atomic(durable=True):
        trail.write(
            kinds.TRAIL_VERIFIED,
            by=by,
            on=None,
            holds=result.holds,
            size=result.size,
            signed_size=result.signed_size,
            checkpoints=result.checkpoints,
            waiting=result.waiting,
            has_witness=result.has_witness,
            faults=result.fault_count,
            fault_kinds=[fault.what.value for fault in result.faults],
            # Further than any log goes is no place: hostile rows say such things.
            fault_indexes=[fault.index if abs(fault.index or 0) < 10**15 else None for fault in result.faults],
            fault_events=[fault.event_id for fault in result.faults],
            fault_rows=[fault.row for fault in result.faults],
        )
    return result


def outcome_of(read: dict[str, Any]) -> Verification:
    """Return the outcome that the content of a TRAIL_VERIFIED event records; ValueError where it records none."""
    detail = reading.part(read, "detail")
    numbers = [
        reading.part(read, "detail", name) for name in ("size", "signed_size", "checkpoints", "waiting", "faults")
    ]
    lists = [
        reading.part(read, "detail", name) for name in ("fault_kinds", "fault_indexes", "fault_events", "fault_rows")
    ]
    if (
        not isinstance(detail, dict)
        or not all(isinstance(number, int) and number >= 0 for number in numbers)
        or not all(isinstance(one, list) for one in lists)
    ):
        raise ValueError("This is no outcome of a verification.")
    faults = [
        Fault(
            registers.wrong(what),
            index if isinstance(index, int) else None,
            uuid.UUID(event) if isinstance(event, str) else None,
            row if isinstance(row, str) else None,
        )
        for what, index, event, row in zip(*lists, strict=True)
    ]
    if len(faults) > numbers[4] or bool(numbers[4]) != bool(faults):
        raise ValueError("This is no outcome of a verification.")
    size, signed_size, checkpoints, waiting, count = numbers
    return Verification(
        size=size,
        signed_size=signed_size,
        checkpoints=checkpoints,
        waiting=waiting,
        has_witness=detail.get("has_witness") is not False,
        fault_count=count,
        faults=faults,
    )


# The schema --------------------------------------------------------------------------------------------------------
def acceptors(schema: str) -> list[str]:
    """Return the ids of those who have accepted that the database is built like this."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT canonical FROM audit_event WHERE kind = %s ORDER BY at", [kinds.SCHEMA_ACCEPTED])
        found = [reading.content(row[0]) for row in cursor.fetchall()]
    return sorted(
        {
            reading.text(read, "actor", "id") or ""
            for read in found
            if reading.text(read, "detail", "schema") == schema and reading.text(read, "kind") == "SCHEMA_ACCEPTED"
        }
        - {""}
    )


def first_schema() -> str | None:
    """Return what the first checkpoint says of how the database is built: nobody has to accept that."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT note FROM audit_checkpoint WHERE size > 0 ORDER BY size LIMIT 100")
        stored = cursor.fetchall()
    keys = _Keys(checkpoints.verifier_key())
    for (note,) in stored:
        signed = keys.opened(note)
        if signed and signed.said(checkpoints.SCHEMA):
            return signed.said(checkpoints.SCHEMA)[0]
    return None


def is_accepted(schema: str, first: str | None) -> bool:
    """Say whether the database is built as the first checkpoint says (`first`), or enough people accepted how it is now."""
    return first in (None, schema) or len(acceptors(schema)) >= ACCEPTORS


@transaction.atomic(durable=True)
def accept_schema(schema: str, *, by: Actor) -> None:
    """Keep that a person found the change of functions, triggers and privileges to be an upgrade they know of."""
    trail.write(kinds.SCHEMA_ACCEPTED, by=by, on=None, schema=schema)


# The walk ----------------------------------------------------------------------------------------------------------
def _key(result: Verification) -> VerifierKey | None:
    try:
        return checkpoints.verifier_key()
    except (SignerRefused, OSError, ValueError):
        result.add(Wrong.KEY_MISSING)
        return None


def _witness(key: VerifierKey | None, result: Verification | None) -> _Mark | None:
    """Return what the witness file says, which only the signing machine has."""
    if key is None or not settings.AUDIT_WITNESS_FILE:
        return None
    try:
        signed, note = checkpoints.witness(key)
    except SignerRefused as error:
        if result:
            result.add(Wrong.WITNESS_MISSING if error.reason == "WITNESS_MISSING" else Wrong.WITNESS_INVALID)
        return None
    return _Mark(signed.size, note)


class _Keys:
    """The log's key, and the same key under the names of earlier logs that its checkpoints say they continue."""

    def __init__(self, key: VerifierKey) -> None:
        self._by_origin = {key.name: key}
        newest = checkpoints.newest_checkpoint()
        for line in newest.signed.said(checkpoints.CONTINUES) if newest else []:
            origin = line.split(" ")[0]
            self._by_origin[origin] = VerifierKey(origin, key.public)

    def opened(self, note: str) -> Checkpoint | None:
        key = self._by_origin.get(note.split("\n", 1)[0])
        try:
            return notes.open_checkpoint(note, key) if key else None
        except Unverified:
            return None


class _Tree(Frontier):
    """A tree that hands out the roots of its complete subtrees of 256, 65,536, ... leaves: what tiles are made of."""

    def append_with_tiles(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        node, carry, height, tiles = leaf, self.size, 0, []
        while carry & 1:
            node = node_hash(self.nodes.pop(), node)
            carry, height = carry >> 1, height + 1
            if height % 8 == 0:
                tiles.append((height // 8, self.size >> height, node))
        self.nodes.append(node)
        self.size += 1
        return tiles


class _Walk:
    """One pass over the log, from its first leaf to its last, with the checkpoints on the way."""

    def __init__(self, result: Verification, key: VerifierKey | None, witness: _Mark | None) -> None:
        self.result = result
        self.keys = _Keys(key) if key else None
        self.witness = witness
        self.marks = heapq.merge(_stored_marks(), [witness] if witness else [], key=lambda mark: mark.size)
        self.mark = next(self.marks, None)
        self.tree = _Tree()
        self.roots_differ = False
        self.good_until = 0
        self.previous = 0
        self.schema: str | None = None
        self.first_schema: str | None = None
        self.blamed: set[str] = set()
        self.tiles: list[tuple[int, int, bytes]] = []
        self.texts: dict[uuid.UUID, tuple[int, set[str]]] = {}

    def run(self) -> None:
        result, tree = self.result, self.tree
        with connection.cursor() as cursor:
            cursor.execute("SELECT size, frontier FROM audit_log_state")
            result.size, stored = cursor.fetchone()
        self.pass_marks()
        for leaf in sequencing.leaves(0, result.size):
            while tree.size < leaf.index:
                result.add(Wrong.LEAF_MISSING, tree.size)
                self.append(bytes(32))
            self.look_at(leaf)
            self.append(leaf.hash)
        self.compare_tiles()
        self.compare_nonces()
        if tree.size < result.size:
            result.add(Wrong.LEAF_MISSING, tree.size)
        elif tree.nodes != reading.nodes(stored) and not self.roots_differ:
            result.add(Wrong.TREE_ALTERED, self.good_until)
        self.pass_marks_beyond()
        self.compare_witness()
        self.compare_schema(fingerprint.current(), None)

    def append(self, leaf_hash: bytes) -> None:
        self.tiles += self.tree.append_with_tiles(leaf_hash)
        if len(self.tiles) >= BATCH:
            self.compare_tiles()
        if self.mark and self.mark.size <= self.tree.size:
            self.pass_marks()

    def look_at(self, leaf: sequencing.LoggedEvent) -> None:
        if leaf.canonical is None:
            self.result.add(Wrong.EVENT_MISSING, leaf.index, leaf.event_id)
            return
        if not leaf.is_intact:
            self.result.add(Wrong.EVENT_ALTERED, leaf.index, leaf.event_id)
            return
        read = reading.content(leaf.canonical)
        if not read:
            self.result.add(Wrong.EVENT_UNREADABLE, leaf.index, leaf.event_id)
        elif not _columns_agree(leaf, read):
            self.result.add(Wrong.COLUMNS_ALTERED, leaf.index, leaf.event_id)
        elif not reading.is_canonical(leaf.canonical, read):
            self.result.add(Wrong.EVENT_NOT_CANONICAL, leaf.index, leaf.event_id)
        texts = reading.part(read, "texts")
        if texts and isinstance(texts, dict):
            self.texts[leaf.event_id] = (leaf.index, set(texts))
            if len(self.texts) >= BATCH:
                self.compare_nonces()

    def pass_marks(self) -> None:
        """Compare each checkpoint of the size that the tree has reached."""
        while self.mark and self.mark.size <= self.tree.size:
            mark, self.mark = self.mark, next(self.marks, None)
            signed = self.signed(mark)
            if mark.root is not None:
                self.result.checkpoints += 1
                if signed is None and self.keys:
                    self.result.add(Wrong.CHECKPOINT_INVALID, mark.size)
            if signed is None:
                continue
            self.result.signed_size = max(self.result.signed_size, mark.size)
            if not self.roots_differ and signed.root != self.tree.root():
                self.roots_differ = True
                self.result.add(Wrong.ROOT_DIFFERS, self.good_until)
            if not self.roots_differ:
                self.good_until = mark.size
            if mark.root is not None:
                self.compare_extensions(mark, signed)

    def pass_marks_beyond(self) -> None:
        """Look at what claims to be signed beyond the last leaf: either that is a lie, or the database was set back."""
        was_set_back = False
        while self.mark:
            mark, self.mark = self.mark, next(self.marks, None)
            if self.signed(mark) is not None:
                was_set_back = True
            elif mark.root is not None and self.keys:
                self.result.add(Wrong.CHECKPOINT_INVALID, mark.size)
        if was_set_back:
            self.result.add(Wrong.SET_BACK, self.result.size)

    def signed(self, mark: _Mark) -> Checkpoint | None:
        """Return what the mark's note signs, or nothing if the note does not hold or its row says something else."""
        signed = self.keys.opened(mark.note) if self.keys else None
        return signed if signed and signed.size == mark.size and mark.root in (None, signed.root) else None

    def compare_extensions(self, mark: _Mark, signed: Checkpoint) -> None:
        if signed.said(checkpoints.PREVIOUS) not in ([], [str(self.previous)]):
            self.result.add(Wrong.CHECKPOINT_MISSING, mark.size)
        self.previous = mark.size
        for said in signed.said(checkpoints.TIME):
            if mark.at is None or abs(_moment(said) - mark.at) > SIGNING_TOLERANCE:
                self.result.add(Wrong.CHECKPOINT_MOVED, mark.size)
        for said in signed.said(checkpoints.SCHEMA):
            self.compare_schema(said, mark.size)

    def compare_schema(self, schema: str, index: int | None) -> None:
        """Name a change of what the database is built of, once for each, unless two people have accepted it."""
        self.first_schema = self.first_schema or (schema if index is not None else None)
        if schema != self.schema and schema not in self.blamed and not is_accepted(schema, self.first_schema):
            self.blamed.add(schema)
            self.result.add(Wrong.SCHEMA_CHANGED, index)
        self.schema = schema

    def compare_witness(self) -> None:
        if self.witness is None or self.result.signed_size <= self.witness.size:
            return
        # The signer may have gone on between reading the file and taking the snapshot.
        now = _witness(checkpoints.verifier_key(), None)
        if now is None or now.size < self.result.signed_size:
            self.result.add(Wrong.WITNESS_OLDER, self.witness.size)

    def compare_tiles(self) -> None:
        if not self.tiles:
            return
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT made.index << (8 * made.level)
                FROM unnest(%s::int[], %s::bigint[], %s::bytea[]) AS made (level, index, hash)
                WHERE NOT EXISTS (SELECT FROM audit_tile AS stored WHERE stored.level = made.level
                                  AND stored.index = made.index AND stored.hash = made.hash)
                """,
                [[tile[place] for tile in self.tiles] for place in range(3)],
            )
            for (index,) in cursor.fetchall():
                self.result.add(Wrong.TILE_ALTERED, index)
        self.tiles.clear()

    def compare_nonces(self) -> None:
        if not self.texts:
            return
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT event_id, array_agg(name) FROM audit_nonce WHERE event_id = ANY (%s) GROUP BY 1",
                [list(self.texts)],
            )
            stored = dict(cursor.fetchall())
        for event_id, (index, names) in self.texts.items():
            if set(stored.get(event_id, ())) != names:
                self.result.add(Wrong.NONCE_ALTERED, index, event_id)
        self.texts.clear()


def _stored_marks() -> Iterator[_Mark]:
    size = -(2**63)
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT size, note, root, CASE WHEN at BETWEEN %s AND %s THEN at END FROM audit_checkpoint"
                " WHERE size > %s ORDER BY size LIMIT 500",
                [reading.EARLIEST, reading.LATEST, size],
            )
            rows = cursor.fetchall()
        if not rows:
            return
        for size, note, root, at in rows:  # noqa: B020 - the last one is where to go on
            yield _Mark(size, note, bytes(root), at)


def _moment(said: Any) -> datetime.datetime:
    """Return a moment that a text names; one that names none lies before every clock."""
    try:
        moment = datetime.datetime.fromisoformat(said)
    except (ValueError, TypeError):
        return datetime.datetime.min.replace(tzinfo=datetime.UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def _columns_agree(leaf: sequencing.LoggedEvent, read: dict[str, Any]) -> bool:
    said = (
        reading.text(read, "kind"),
        *(reading.text(read, "actor", name) for name in ("id", "unit")),
        *(reading.text(read, "target", name) for name in ("type", "id")),
    )
    return (
        said == leaf.columns
        and reading.text(read, "id") == str(leaf.event_id)
        and leaf.at is not None
        and abs(_moment(reading.text(read, "at")) - leaf.at) < CLOCK_TOLERANCE
    )


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
            UNION ALL
            SELECT %s, NULL, nonce.event_id FROM audit_nonce AS nonce
                LEFT JOIN audit_event AS event ON event.id = nonce.event_id
                WHERE position(convert_to('"' || nonce.name || '":"', 'UTF8') IN coalesce(event.canonical, '')) = 0
            UNION ALL
            SELECT %s, tile.index, NULL FROM audit_tile AS tile
                WHERE tile.level NOT BETWEEN 1 AND 7 OR tile.index < 0
                   OR tile.index >= %s::bigint >> (8 * least(greatest(tile.level, 1), 7))
            """,
            [
                Wrong.LEAF_ADDED,
                result.size,
                Wrong.NEVER_QUEUED,
                Wrong.QUEUE_ALTERED,
                Wrong.NONCE_ALTERED,
                Wrong.TILE_ALTERED,
                result.size,
            ],
        )
        while rows := cursor.fetchmany(1000):
            for what, index, event_id in rows:
                result.add(Wrong(what), index, event_id)


def _ask_registers(result: Verification) -> None:
    for check in registers.checks():
        try:
            with transaction.atomic():
                for fault in check():
                    result.add_fault(fault)
        except (DatabaseError, Unavailable) as error:
            checkpoints.logger.error("%s could not be compared: %s", check.__qualname__, type(error).__name__)
            result.add(Wrong.CHECK_FAILED)
