"""Signed checkpoints of the tree: each continues everything signed before, in a witness kept outside the database."""

import datetime
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from audit import fingerprint, kinds, notes, reading, sequencing, trail
from audit.exceptions import SignerRefused, TrailUnavailable
from audit.verify import Checkpoint, Frontier, Unverified, VerifierKey

# One alarm an hour for one reason.
ALARM_SECONDS = 3600
SIGNER_LOCK = 0x5EA1
ALARM_LOCK = 0x5EA2
# What a checkpoint says in extension lines: when, after which checkpoint, over which fingerprint of the database, and
# which earlier log it continues.
TIME, PREVIOUS, SCHEMA, CONTINUES = "time", "previous", "schema", "continues"
logger = logging.getLogger(__name__)


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
        sound_alarm(error)
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
        sound_alarm(error)
        raise


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
    for leaf in sequencing.leaves(frontier.size, size):
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


def sound_alarm(error: SignerRefused) -> None:
    """Say in the server log and in the trail why nothing was signed; where the trail cannot be written, the log says that."""
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
            [kinds.TRAIL_ALARM, ALARM_SECONDS],
        )
        raised = {reading.text(reading.content(row[0]), "detail", "reason") for row in cursor.fetchall()}
    if reason not in raised:
        trail.write(kinds.TRAIL_ALARM, by=None, on=None, reason=reason)
