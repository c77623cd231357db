"""The log behind the trail: events become leaves, leaves become signed checkpoints, and both stay fresh."""

import datetime
import logging
import os
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, IntegrityError, InterfaceError, connection, transaction
from django.utils.translation import gettext as _

from audit import fingerprint, merkle, notes, reading, trail
from audit.exceptions import SignerRefused, TrailUnavailable
from audit.notes import create_signing_key
from audit.reading import EARLIEST, LATEST
from audit.verify import Checkpoint, Frontier, Unverified, VerifierKey

__all__ = [
    "Freshness",
    "begin",
    "checkpoint",
    "confirm",
    "create_signing_key",
    "freshness",
    "inclusion_proof",
    "leaves",
    "newest_checkpoint",
    "run_forever",
    "sequence",
    "verifier_key",
    "witness",
]

BATCH = 5000
# One alarm an hour for one reason, and some rest after a refusal.
ALARM_SECONDS = 3600
REFUSED_SECONDS = 5
SIGNER_LOCK = 0x5EA1
ALARM_LOCK = 0x5EA2
# What a checkpoint says in extension lines: when, after which checkpoint, over which fingerprint of the database, and
# which earlier log it continues.
TIME, PREVIOUS, SCHEMA, CONTINUES = "time", "previous", "schema", "continues"
logger = logging.getLogger(__name__)


def sequence(limit: int = BATCH) -> int:
    """Give up to `limit` committed events their place in the tree, and return how many; for seal_signer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT public.audit_sequence(%s)", [limit])
        return cursor.fetchone()[0]


def verifier_key() -> VerifierKey:
    """Return the public key that checkpoints are verified with: hand it to whoever shall check the trail."""
    return notes.verifier_key(settings.AUDIT_SIGNING_KEY_FILE, settings.AUDIT_ORIGIN)


def begin() -> None:
    """Begin a log, once: write the witness of the empty tree, which everything signed later has to continue.

    The signer never does this by itself: whoever deletes checkpoints and witness together would get them signed anew.
    """
    secret = notes.load_signing_key(settings.AUDIT_SIGNING_KEY_FILE)
    with transaction.atomic(durable=True):
        state = locked_state(settings.AUDIT_ORIGIN)
        with connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT FROM audit_checkpoint)")
            is_signed = cursor.fetchone()[0]
        if is_signed or witness_file().exists():
            raise SignerRefused("This log was begun before; start the signer without --begin.", "BEGUN_BEFORE")
        empty = Checkpoint(state.origin, 0, Frontier().root(), extensions(previous=0))
        write_witness(notes.sign(empty.text, secret, state.origin))


def confirm() -> None:
    """Say in the database that it is not behind what was signed, or raise SignerRefused and leave an alarm (Rule 12).

    While this is not said disclosures stop: a database that was set back is never confirmed.
    """
    try:
        with transaction.atomic(durable=True):
            key = _public_half()
            _continued(key, locked_state(key.name))
            with connection.cursor() as cursor:
                cursor.execute("UPDATE audit_log_state SET confirmed_at = clock_timestamp()")
    except SignerRefused as error:
        _alarm(error)
        raise


def checkpoint() -> Checkpoint | None:
    """Sign the tree if it has grown since the last checkpoint, and return what was signed.

    Signs only what continues everything signed before, in the witness file outside the database; otherwise raises
    SignerRefused and leaves an alarm in the trail.
    """
    try:
        with transaction.atomic(durable=True):
            return _sign_if_grown()
    except SignerRefused as error:
        _alarm(error)
        raise


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


@dataclass(frozen=True)
class LogState:
    """The one row that says how far the tree has grown; `nodes` is None where it holds no frontier."""

    origin: str
    size: int
    nodes: list[bytes] | None


def locked_state(origin: str) -> LogState:
    """Return the state of the log, held against other signers until the transaction ends; it has to be of this origin."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SIGNER_LOCK])
        cursor.execute("SELECT origin, size, frontier FROM audit_log_state")
        state = LogState(*cursor.fetchone())
    if state.origin != origin:
        raise SignerRefused(
            f"The log was begun as {state.origin}, but AUDIT_ORIGIN says {origin}. Set it back.", "ORIGIN_CHANGED"
        )
    return LogState(state.origin, state.size, reading.nodes(state.nodes))


def _public_half() -> VerifierKey:
    try:
        return verifier_key()
    except (OSError, ValueError):
        raise SignerRefused("The public half of the signing key cannot be read. Put the file .pub back.") from None


def _continued(key: VerifierKey, state: LogState) -> tuple[Checkpoint, str, Frontier]:
    """Return the last checkpoint kept outside the database, its note and its tree, if this database continues it."""
    witnessed, note = witness(key)
    if witnessed.size > state.size:
        raise SignerRefused(
            f"The database holds {state.size} leaves, but {witnessed.size} were signed: it was set back to an older "
            "state. Restore the newer one, or see docs/operations.md on reconciling; nothing is signed before.",
            "BEHIND_WITNESS",
        )
    if _is_signed_beyond(key, witnessed.size, state.size):
        raise SignerRefused(
            "The witness file is older than a checkpoint of the database. Put the newest witness back.", "WITNESS_OLDER"
        )
    frontier = _stored_frontier(key, witnessed.size)
    _extend(frontier, witnessed.size)
    if frontier.root() != witnessed.root:
        raise SignerRefused(
            f"The first {witnessed.size} leaves are not those that were signed. Run verify_log.",
            "INCONSISTENT_WITH_WITNESS",
        )
    return witnessed, note, frontier


def _sign_if_grown() -> Checkpoint | None:
    secret = notes.load_signing_key(settings.AUDIT_SIGNING_KEY_FILE)
    key = VerifierKey(settings.AUDIT_ORIGIN, secret.public_key().public_bytes_raw())
    state = locked_state(key.name)
    witnessed, note, frontier = _continued(key, state)
    if witnessed.size:
        # After a crash between witness and commit the witness is ahead; this puts its checkpoint where it belongs.
        store(witnessed, note, frontier)
    if state.size == witnessed.size:
        _tell_of_another_schema(witnessed)
        return None
    _extend(frontier, state.size)
    if frontier.nodes != state.nodes:
        raise SignerRefused(
            "The leaves do not give the tree that the sequencer keeps. Run verify_log.", "FRONTIER_DIFFERS"
        )
    said = extensions(witnessed.size, witnessed.said(CONTINUES))
    signed = Checkpoint(key.name, state.size, frontier.root(), said)
    note = notes.sign(signed.text, secret, key.name)
    # First outside, then inside: after a crash between the two, the witness is ahead and the leaves are there.
    write_witness(note)
    store(signed, note, frontier)
    return signed


def extensions(previous: int, continues: Sequence[str] = ()) -> tuple[str, ...]:
    """Return what a checkpoint says beside size and root: so that verification sees what an owner could else hide."""
    return (
        f"{TIME} {trail.database_now().astimezone(datetime.UTC).isoformat()}",
        f"{PREVIOUS} {previous}",
        f"{SCHEMA} {fingerprint.current()}",
        *(f"{CONTINUES} {origin}" for origin in continues),
    )


def _tell_of_another_schema(signed: Checkpoint) -> None:
    """Write an alarm when the database is built otherwise than the last checkpoint says; it makes the tree grow."""
    if signed.size and signed.said(SCHEMA) != [fingerprint.current()]:
        write_alarm("SCHEMA_CHANGED")


def store(signed: Checkpoint, note: str, frontier: Frontier) -> None:
    """Keep a checkpoint in the database; a row that stands in its place keeps nobody from signing, and is named."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_checkpoint (size, root, note, frontier) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [signed.size, signed.root, note, frontier.nodes],
        )


def witness_file() -> Path:
    """Return where the witness is, or raise where this machine has none."""
    if not settings.AUDIT_WITNESS_FILE:
        raise SignerRefused("AUDIT_WITNESS_FILE is not set. The signing machine needs it.", "WITNESS_MISSING")
    return settings.AUDIT_WITNESS_FILE


def witness(key: VerifierKey) -> tuple[Checkpoint, str]:
    """Return the last checkpoint, which is kept outside the database, and its note."""
    try:
        note = witness_file().read_text()
    except FileNotFoundError:
        raise SignerRefused(
            "The witness file is missing. Put the last signed checkpoint back, for example from an export. Only a log "
            "that was never begun is begun with: manage.py signer --begin",
            "WITNESS_MISSING",
        ) from None
    except (OSError, UnicodeDecodeError):
        raise SignerRefused("The witness file cannot be read.", "WITNESS_UNREADABLE") from None
    try:
        return notes.open_checkpoint(note, key), note
    except Unverified as error:
        raise SignerRefused(f"The witness file does not hold. {error}", "WITNESS_INVALID") from None


def _is_signed_beyond(key: VerifierKey, size: int, end: int) -> bool:
    newest = next(_stored_checkpoints(key, end), None)
    return newest is not None and newest.signed.size > size


@dataclass(frozen=True)
class StoredCheckpoint:
    """A checkpoint of the database whose note holds and says what its columns say."""

    signed: Checkpoint
    note: str
    nodes: list[bytes] | None


def _stored_checkpoints(key: VerifierKey, size: int) -> Iterator[StoredCheckpoint]:
    """Yield the checkpoints that hold, from `size` downwards; rows that are none are passed over."""
    size += 1
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT size, root, note, frontier FROM audit_checkpoint WHERE size < %s ORDER BY size DESC LIMIT 20",
                [size],
            )
            rows = cursor.fetchall()
        for size, root, note, stored in rows:  # noqa: B020 - the last one is where to go on
            try:
                signed = notes.open_checkpoint(note, key)
            except Unverified:
                continue
            if (signed.size, signed.root) == (size, bytes(root)):
                yield StoredCheckpoint(signed, note, reading.nodes(stored))
        if not rows:
            return


def newest_checkpoint() -> StoredCheckpoint | None:
    """Return the newest checkpoint of the database that holds, if the key to tell is here."""
    try:
        key = _public_half()
    except SignerRefused:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT size FROM audit_log_state")
        (size,) = cursor.fetchone()
    return next(_stored_checkpoints(key, size), None)


def whole_tree(key: VerifierKey) -> tuple[int, Frontier]:
    """Return the size of the newest checkpoint of `key`, and the tree over every leaf, each made again from its event."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT size, frontier FROM audit_log_state")
        size, stored = cursor.fetchone()
    newest = next(_stored_checkpoints(key, size), None)
    frontier = _stored_frontier(key, size)
    _extend(frontier, size)
    if frontier.nodes != reading.nodes(stored):
        raise SignerRefused(
            "The leaves do not give the tree that the sequencer keeps. Run verify_log.", "FRONTIER_DIFFERS"
        )
    return (newest.signed.size if newest else 0), frontier


def _stored_frontier(key: VerifierKey, size: int) -> Frontier:
    """Return the frontier of the largest stored checkpoint, not larger than `size`, that is the one it was signed for."""
    for stored in _stored_checkpoints(key, size):
        frontier = Frontier(stored.signed.size, list(stored.nodes or []))
        if len(frontier.nodes) == frontier.size.bit_count() and frontier.root() == stored.signed.root:
            return frontier
    return Frontier()


def _extend(frontier: Frontier, size: int) -> None:
    """Append the leaves up to `size`, each one recomputed from the event it stands for."""
    for leaf in leaves(frontier.size, size):
        if leaf.index != frontier.size:
            break
        if not leaf.is_intact:
            raise SignerRefused(
                f"Event {leaf.event_id} (leaf {leaf.index}) is not what was sequenced. Run verify_log.",
                "EVENT_ALTERED",
            )
        frontier.append(leaf.hash)
    if frontier.size != size:
        raise SignerRefused(f"Leaf {frontier.size} is missing. Run verify_log.", "LEAF_MISSING")


def write_witness(note: str) -> None:
    """Replace the witness file in one step that survives a crash."""
    path = witness_file()
    draft = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with draft.open("w") as file:
            file.write(note)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError:
        raise SignerRefused("The witness file cannot be written.", "WITNESS_UNWRITABLE") from None


def _alarm(error: SignerRefused) -> None:
    logger.error("The trail was not signed: %s", error)
    try:
        with transaction.atomic(durable=True):
            write_alarm(error.reason)
    except (TrailUnavailable, DatabaseError) as failure:
        logger.error("The alarm itself could not be written: %s", type(failure).__name__)


def write_alarm(reason: str) -> None:
    """Write an alarm, unless one for the same reason is younger than an hour."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT canonical FROM audit_event WHERE kind = %s AND at > clock_timestamp() - make_interval(secs => %s)"
            " ORDER BY at DESC LIMIT 200",
            [trail.EventType.TRAIL_ALARM, ALARM_SECONDS],
        )
        raised = {reading.text(reading.content(row[0]), "detail", "reason") for row in cursor.fetchall()}
    if reason not in raised:
        trail.write(trail.EventType.TRAIL_ALARM, by=None, on=None, reason=reason)


# Freshness ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Freshness:
    """How far the log lags behind the events; `sentences` says what is wrong, and is empty when nothing is."""

    size: int
    signed_size: int
    oldest_unsequenced_seconds: float | None
    newest_checkpoint_seconds: float | None
    sentences: list[str] = field(default_factory=list)
    # The same as codes; the signer's own alarms, which are events, are not among them.
    reasons: list[str] = field(default_factory=list)

    @property
    def waiting_seconds(self) -> int:
        """For how many whole seconds the oldest event has waited for its place; forged moments make it infinite."""
        return round(min(self.oldest_unsequenced_seconds or 0, 1e9))

    @property
    def healthy(self) -> bool:
        return not self.sentences


def freshness() -> Freshness:
    """Return the state of sequencing, signing and confirming, by the database's clock."""
    newest = newest_checkpoint()
    signed_size = newest.signed.size if newest else 0
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT state.size,
                   extract(epoch FROM clock_timestamp() - (SELECT min(at) FROM audit_queue))::float,
                   extract(epoch FROM clock_timestamp() - signed.at)::float,
                   extract(epoch FROM clock_timestamp() - unsigned.at)::float,
                   EXISTS (SELECT FROM audit_event WHERE kind = %s AND at > coalesce(signed.at, '-infinity')),
                   extract(epoch FROM clock_timestamp() - state.confirmed_at)::float
            FROM audit_log_state AS state
            LEFT JOIN audit_checkpoint AS signed ON signed.size = %s
            LEFT JOIN audit_leaf AS leaf ON leaf.index = %s
            LEFT JOIN audit_event AS unsigned ON unsigned.id = leaf.event_id
            """,
            [trail.EventType.TRAIL_ALARM, signed_size, signed_size],
        )
        size, unsequenced, signed, unsigned, alarm, confirmed = cursor.fetchone()
    sentences, reasons = [], []
    if unsequenced is not None and unsequenced > settings.UNSEQUENCED_SECONDS:
        reasons.append("UNSEQUENCED")
        sentences.append(
            _("Events have been waiting for %(seconds)s seconds to enter the log. Start the signer.")
            % {"seconds": round(min(unsequenced, 1e9))}
        )
    if unsigned is not None and unsigned > settings.UNSIGNED_SECONDS:
        reasons.append("UNSIGNED")
        sentences.append(
            _("Events of the last %(minutes)s minutes are not under a signed checkpoint. Start the signer.")
            % {"minutes": round(min(unsigned, 1e9) // 60)}
        )
    if settings.STALE_TRAIL_STOPS and not (confirmed is not None and 0 <= confirmed <= settings.UNCONFIRMED_SECONDS):
        reasons.append("UNCONFIRMED")
        sentences.append(
            _(
                "The signer has not confirmed lately that this database is not behind what was signed. Nothing is shown until it does."
            )
        )
    if alarm:
        sentences.append(_("The signer raised an alarm since the last checkpoint. Look for alarms in the trail."))
    return Freshness(size, signed_size, unsequenced, signed, sentences, reasons)


# Proofs ------------------------------------------------------------------------------------------------------------
def inclusion_proof(index: int, size: int) -> list[bytes]:
    """Return the RFC 6962 inclusion proof of leaf `index` in the tree of `size`, in two queries whatever the size."""
    proof = [merkle.subtrees(start, end) for start, end in merkle.inclusion_ranges(index, size)]
    stored = _stored_hashes({part for parts in proof for part in parts})
    return [_fold([_subtree(part, stored) for part in parts]) for parts in proof]


def _span(part: tuple[int, int]) -> tuple[int, int, int]:
    """Return (tile level, first index, count) of the stored hashes that a complete subtree is made of."""
    height, index = part
    rest = height % 8
    return height // 8, index << rest, 1 << rest


def _stored_hashes(parts: set[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    spans = [_span(part) for part in parts]
    hashes: dict[tuple[int, int], bytes] = {}
    with connection.cursor() as cursor:
        for table, level, chosen in (
            ("audit_leaf", "0", [span for span in spans if span[0] == 0]),
            ("audit_tile", "stored.level", [span for span in spans if span[0] > 0]),
        ):
            cursor.execute(
                f"""
                SELECT {level}, stored.index, stored.hash
                FROM unnest(%s::int[], %s::bigint[], %s::bigint[]) AS span (level, first, count)
                JOIN {table} AS stored ON {level} = span.level
                    AND stored.index >= span.first AND stored.index < span.first + span.count
                """,  # noqa: S608 - two fixed names, no input
                [[span[i] for span in chosen] for i in range(3)],
            )
            hashes |= {(level, index): bytes(value) for level, index, value in cursor.fetchall()}
    return hashes


def _subtree(part: tuple[int, int], stored: dict[tuple[int, int], bytes]) -> bytes:
    level, first, count = _span(part)
    return merkle.root(stored[level, index] for index in range(first, first + count))


def _fold(nodes: list[bytes]) -> bytes:
    root = nodes[-1]
    for node in reversed(nodes[:-1]):
        root = merkle.node_hash(node, root)
    return root


# The loop ----------------------------------------------------------------------------------------------------------
def run_forever(stop: threading.Event) -> None:
    """Confirm and sequence each second, sign each AUDIT_CHECKPOINT_SECONDS, until `stop` is set; no failure ends it.

    A database that does not continue the witness is neither confirmed nor does its tree grow. It polls: NOTIFY would
    take one lock for all commits of the database, and halve them under eight writers.
    """
    signed_at = float("-inf")
    try:
        while not stop.is_set():
            pause = 1
            try:
                confirm()
                while sequence() == BATCH and not stop.is_set():
                    confirm()
                if time.monotonic() - signed_at >= settings.AUDIT_CHECKPOINT_SECONDS:
                    signed_at = time.monotonic()
                    checkpoint()
            except SignerRefused:
                pause = REFUSED_SECONDS  # said in the server log and the trail, and by freshness()
            except IntegrityError:
                _alarm(SignerRefused("A leaf stands where the next one has to. Run verify_log.", "LEAF_ADDED"))
            except (DatabaseError, InterfaceError) as error:
                logger.error("The signer lost the database (%s) and tries again.", type(error).__name__)
                connection.close()
            stop.wait(pause)
    finally:
        connection.close()
