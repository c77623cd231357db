"""The log behind the trail: events become leaves, leaves become signed checkpoints, and both stay fresh."""

import datetime
import logging
import os
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext as _

from audit import merkle, notes, trail
from audit.exceptions import SignerRefused, TrailUnavailable
from audit.notes import create_signing_key
from audit.verify import Checkpoint, Frontier, Unverified, VerifierKey

__all__ = [
    "Freshness",
    "checkpoint",
    "create_signing_key",
    "freshness",
    "inclusion_proof",
    "leaves",
    "run_forever",
    "sequence",
    "verifier_key",
]

BATCH = 5000
UNSEQUENCED_SECONDS = 10
UNSIGNED_SECONDS = 300
# One alarm an hour for one reason: the signer tries each minute.
ALARM_SECONDS = 3600
SIGNER_LOCK = 0x5EA1
logger = logging.getLogger(__name__)


def sequence(limit: int = BATCH) -> int:
    """Give up to `limit` committed events their place in the tree, and return how many; any number may run."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit_sequence(%s)", [limit])
        return cursor.fetchone()[0]


def verifier_key() -> VerifierKey:
    """Return the public key that checkpoints are verified with: hand it to whoever shall check the trail."""
    return notes.verifier_key(settings.AUDIT_SIGNING_KEY_FILE, settings.AUDIT_ORIGIN)


def checkpoint() -> Checkpoint | None:
    """Sign the tree if it has grown since the last checkpoint, and return what was signed.

    Signs only what continues everything signed before, in the database and in the witness file outside it;
    otherwise raises SignerRefused and leaves an alarm in the trail.
    """
    try:
        with transaction.atomic(durable=True):
            return _sign_if_grown()
    except SignerRefused as error:
        _alarm(error)
        raise


@dataclass(frozen=True)
class LoggedEvent:
    """A leaf with the event it stands for; `canonical` and `at` are None if that event is gone."""

    index: int
    hash: bytes
    event_id: uuid.UUID
    canonical: bytes | None
    at: datetime.datetime | None

    @property
    def is_intact(self) -> bool:
        return self.canonical is not None and merkle.leaf_hash(self.canonical) == self.hash


def leaves(start: int, end: int) -> Iterator[LoggedEvent]:
    """Yield the leaves in [start, end) in order, fetched in chunks."""
    while start < end:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT leaf.index, leaf.hash, leaf.event_id, event.canonical, event.at
                FROM audit_leaf AS leaf LEFT JOIN audit_event AS event ON event.id = leaf.event_id
                WHERE leaf.index >= %s AND leaf.index < %s ORDER BY leaf.index LIMIT 2000
                """,
                [start, end],
            )
            rows = cursor.fetchall()
        if not rows:
            return
        for row in rows:
            yield LoggedEvent(*row)
        start = rows[-1][0] + 1


def _sign_if_grown() -> Checkpoint | None:
    secret = notes.load_signing_key(settings.AUDIT_SIGNING_KEY_FILE)
    key = VerifierKey(settings.AUDIT_ORIGIN, secret.public_key().public_bytes_raw())
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SIGNER_LOCK])
        cursor.execute("SELECT origin, size, frontier FROM audit_log_state")
        origin, size, nodes = cursor.fetchone()
        if origin != key.name:
            raise SignerRefused(
                f"The log was begun as {origin}, but AUDIT_ORIGIN says {key.name}. Set it back.",
                "ORIGIN_CHANGED",
            )
        cursor.execute("SELECT size FROM audit_checkpoint ORDER BY size DESC LIMIT 1")
        signed_size = (cursor.fetchone() or (0,))[0]
    witnessed = _witnessed(key, signed_size)
    if witnessed.size > size:
        raise SignerRefused(
            f"The database holds {size} leaves, but {witnessed.size} were signed: it was set back to an older state. "
            "Restore the newer state; no checkpoint is signed before.",
            "BEHIND_WITNESS",
        )
    frontier = _stored_frontier(key, witnessed.size)
    _extend(frontier, witnessed.size)
    if frontier.root() != witnessed.root:
        raise SignerRefused(
            f"The first {witnessed.size} leaves are not those that were signed. Run verify_log.",
            "INCONSISTENT_WITH_WITNESS",
        )
    if signed_size > witnessed.size:
        frontier = _stored_frontier(key, signed_size)
    if size == signed_size:
        return None
    _extend(frontier, size)
    if frontier.nodes != [bytes(node) for node in nodes]:
        raise SignerRefused(
            "The leaves do not give the tree that the sequencer keeps. Run verify_log.", "FRONTIER_DIFFERS"
        )
    signed = Checkpoint(key.name, size, frontier.root())
    note = notes.sign(signed.text, secret, key.name)
    # First outside, then inside: after a crash between the two, the witness is ahead and the leaves are there.
    _witness(note)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_checkpoint (size, root, note, frontier) VALUES (%s, %s, %s, %s)",
            [size, signed.root, note, frontier.nodes],
        )
    return signed


def _witnessed(key: VerifierKey, signed_size: int) -> Checkpoint:
    """Return the last checkpoint kept outside the database; the empty tree before the first."""
    try:
        note = settings.AUDIT_WITNESS_FILE.read_bytes()
    except FileNotFoundError:
        if signed_size:
            raise SignerRefused(
                "The witness file is missing. Put the last signed checkpoint back, for example from an export.",
                "WITNESS_MISSING",
            ) from None
        return Checkpoint(key.name, 0, Frontier().root())
    except OSError:
        raise SignerRefused("The witness file cannot be read.", "WITNESS_UNREADABLE") from None
    try:
        return notes.open_checkpoint(note, key)
    except Unverified as error:
        raise SignerRefused(f"The witness file does not hold. {error}", "WITNESS_INVALID") from None


def _stored_frontier(key: VerifierKey, size: int) -> Frontier:
    """Return the verified frontier of the largest stored checkpoint that is not larger than `size`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT size, root, note, frontier FROM audit_checkpoint WHERE size <= %s ORDER BY size DESC LIMIT 1",
            [size],
        )
        row = cursor.fetchone()
    if row is None:
        return Frontier()
    stored_size, root, note, nodes = row
    frontier = Frontier(stored_size, [bytes(node) for node in nodes])
    try:
        signed = notes.open_checkpoint(note, key)
    except Unverified as error:
        raise SignerRefused(f"The checkpoint at {stored_size} does not hold. {error}", "CHECKPOINT_INVALID") from None
    if (
        (signed.size, signed.root) != (stored_size, bytes(root))
        or frontier.root() != signed.root
        or len(frontier.nodes) != stored_size.bit_count()
    ):
        raise SignerRefused(f"The checkpoint at {stored_size} was altered in the database.", "CHECKPOINT_INVALID")
    return frontier


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


def _witness(note: str) -> None:
    """Replace the witness file in one step that survives a crash."""
    path = settings.AUDIT_WITNESS_FILE
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
            with connection.cursor() as cursor:
                cursor.execute(
                    """
                    SELECT EXISTS (SELECT FROM audit_event
                                   WHERE kind = %s AND at > clock_timestamp() - make_interval(secs => %s)
                                     AND audit_json(canonical) -> 'detail' ->> 'reason' = %s)
                    """,
                    [trail.EventType.TRAIL_ALARM, ALARM_SECONDS, error.reason],
                )
                raised_before = cursor.fetchone()[0]
            if not raised_before:
                trail.write(trail.EventType.TRAIL_ALARM, by=None, on=None, reason=error.reason)
    except (TrailUnavailable, DatabaseError) as failure:
        logger.error("The alarm itself could not be written: %s", type(failure).__name__)


# Freshness ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Freshness:
    """How far the log lags behind the events; `sentences` says what is wrong, and is empty when nothing is."""

    size: int
    signed_size: int
    oldest_unsequenced_seconds: float | None
    newest_checkpoint_seconds: float | None
    sentences: list[str] = field(default_factory=list)

    @property
    def healthy(self) -> bool:
        return not self.sentences


def freshness() -> Freshness:
    """Return the state of sequencing and signing by the database's clock, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH signed AS (SELECT size, at FROM audit_checkpoint ORDER BY size DESC LIMIT 1)
            SELECT state.size, coalesce(signed.size, 0),
                   extract(epoch FROM clock_timestamp() - (SELECT min(at) FROM audit_queue))::float,
                   extract(epoch FROM clock_timestamp() - signed.at)::float,
                   extract(epoch FROM clock_timestamp() - unsigned.at)::float,
                   EXISTS (SELECT FROM audit_event WHERE kind = %s AND at > coalesce(signed.at, '-infinity'))
            FROM audit_log_state AS state
            LEFT JOIN signed ON true
            LEFT JOIN audit_leaf AS leaf ON leaf.index = coalesce(signed.size, 0)
            LEFT JOIN audit_event AS unsigned ON unsigned.id = leaf.event_id
            """,
            [trail.EventType.TRAIL_ALARM],
        )
        size, signed_size, unsequenced, signed, unsigned, alarm = cursor.fetchone()
    sentences = []
    if unsequenced is not None and unsequenced > UNSEQUENCED_SECONDS:
        sentences.append(
            _("Events have been waiting for %(seconds)d seconds to enter the log. Start the worker.")
            % {"seconds": unsequenced}
        )
    if unsigned is not None and unsigned > UNSIGNED_SECONDS:
        sentences.append(
            _("Events of the last %(minutes)d minutes are not under a signed checkpoint. Start the worker.")
            % {"minutes": unsigned // 60}
        )
    if alarm:
        sentences.append(_("The signer refused to sign since the last checkpoint. Look for alarms in the trail."))
    return Freshness(size, signed_size, unsequenced, signed, sentences)


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
    """Sequence each second and sign each AUDIT_CHECKPOINT_SECONDS until `stop` is set; no failure ends the loop.

    A machine without the signing key only sequences: exactly one machine holds the key and the witness file.
    It polls: NOTIFY would take one lock for all commits of the database, and halve them under eight writers.
    """
    signed_at = float("-inf")
    try:
        while not stop.is_set():
            try:
                while sequence() == BATCH and not stop.is_set():
                    pass
                is_signer = settings.AUDIT_SIGNING_KEY_FILE.exists()
                if is_signer and time.monotonic() - signed_at >= settings.AUDIT_CHECKPOINT_SECONDS:
                    signed_at = time.monotonic()
                    checkpoint()
            except SignerRefused:
                pass  # said in the server log and the trail, and by freshness()
            except DatabaseError as error:
                logger.error("The sequencer lost the database (%s) and tries again.", type(error).__name__)
                connection.close()
            stop.wait(1)
    finally:
        connection.close()
