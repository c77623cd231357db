"""After an older database was put back: what the lost part of the trail said, and a new log that continues the old one."""

import base64
import datetime
import json
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from audit import checkpoints, notes, reading, sequencing
from audit.exceptions import SignerRefused
from audit.verify import (
    HASH_SIZE,
    TILE_WIDTH,
    Checkpoint,
    Unverified,
    VerifierKey,
    split_bundle,
    tile_path,
    tiles,
    verify_export,
)


class CannotReconcile(Exception):
    """Nothing was changed; the message says what is the matter and what to do."""


@dataclass(frozen=True)
class Lost:
    """The old log's last checkpoint that is known, and the content of every event that this database has not."""

    signed: Checkpoint
    events: list[dict[str, Any]]

    def told(self, *kinds: str) -> list[dict[str, Any]]:
        """Return what the lost events of these kinds say, in their order."""
        return [read for read in self.events if reading.text(read, "kind") in kinds]


def lost(directory: Path) -> Lost:
    """Compare this database with an export of the log that covers the witness; raise CannotReconcile unless it is an
    earlier state of that log, unaltered, and what it lacks is in the export."""
    old = _old_key()
    try:
        witness, _note = _old_witness(old)
        signed = verify_export(directory, old, _kept_note(old))
    except (SignerRefused, Unverified, OSError) as error:
        raise CannotReconcile(f"The export and the witness do not prove what was lost. {error}") from None
    if signed.size < witness.size:
        raise CannotReconcile("The export ends before the witness. Bring the newest export.")
    with connection.cursor() as cursor:
        cursor.execute("SELECT size FROM audit_log_state")
        (size,) = cursor.fetchone()
    if size >= witness.size:
        raise CannotReconcile(
            "This database is not behind the witness: nothing was lost, so nothing is to be reconciled."
        )
    _check_beginning(directory, size, signed.size)
    return Lost(signed, [read for read in _entries(directory, size, signed.size) if not _is_here(read)])


def begin_anew(gone: Lost, counts: dict[str, int]) -> Checkpoint:
    """Write the event of the reconciliation and begin the log that continues the old one, under AUDIT_ORIGIN.

    It belongs to the transaction that is open; the old witness stays beside the new one, as evidence.
    """
    old = _old_key()
    secret = notes.load_signing_key(settings.AUDIT_SIGNING_KEY_FILE)
    checkpoints.locked_state(old.name)
    detail = {
        **counts,
        "old_origin": old.name,
        "old_size": gone.signed.size,
        "old_root": gone.signed.root.hex(),
        "lost": len(gone.events),
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT public.audit_append('RECONCILED', null, null, null, null, public.audit_detail(%s::jsonb))",
            [json.dumps(detail)],
        )
        cursor.execute("SELECT public.audit_continue_as(%s)", [settings.AUDIT_ORIGIN])
    while sequencing.sequence():
        pass
    previous, frontier = checkpoints.whole_tree(old)
    root = base64.b64encode(gone.signed.root).decode()
    continues = [f"{old.name} {gone.signed.size} {root}", *gone.signed.said(checkpoints.CONTINUES)]
    begun = Checkpoint(
        settings.AUDIT_ORIGIN, frontier.size, frontier.root(), checkpoints.extensions(previous, continues)
    )
    note = notes.sign(begun.text, secret, begun.origin)
    _keep_old_witness(old)
    checkpoints.write_witness(note)
    checkpoints.store(begun, note, frontier)
    return begun


def _old_key() -> VerifierKey:
    """Return the log's key under the name that this database gives it; AUDIT_ORIGIN has to be another by now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT origin FROM audit_log_state")
        (origin,) = cursor.fetchone()
    if origin == settings.AUDIT_ORIGIN:
        raise CannotReconcile(
            f"AUDIT_ORIGIN still says {origin}. A log that lost events ends: give the one that continues it a new name, "
            f"such as {origin}-{datetime.datetime.now(datetime.UTC).year}, on every machine."
        )
    try:
        return VerifierKey(origin, checkpoints.verifier_key().public)
    except (SignerRefused, OSError, ValueError) as error:
        raise CannotReconcile(f"The signing key is needed. {error}") from None


def _kept() -> Path:
    path = checkpoints.witness_file()
    return path.with_name(path.name + ".old")


def _old_witness(old: VerifierKey) -> tuple[Checkpoint, str]:
    """Return the old log's witness: where a reconciliation broke off after the new one was written, the one put aside."""
    try:
        return checkpoints.witness(old)
    except SignerRefused:
        if not _kept().exists():
            raise
        note = _kept().read_text()
        return notes.open_checkpoint(note, old), note


def _kept_note(old: VerifierKey) -> str:
    return _old_witness(old)[1]


def _keep_old_witness(old: VerifierKey) -> None:
    try:
        checkpoints.witness(old)
    except SignerRefused:
        return  # it was put aside before
    shutil.copyfile(checkpoints.witness_file(), _kept())


def _check_beginning(directory: Path, size: int, end: int) -> None:
    """Raise unless every leaf of this database stands at the same place in the export, and is its event's."""
    hashes = _hashes(directory, end)
    count = 0
    for leaf in sequencing.leaves(0, size):
        if leaf.index != count or not leaf.is_intact or hashes[count] != leaf.hash:
            raise CannotReconcile(
                f"This database is not an earlier state of the log: place {count} differs. Run verify_log."
            )
        count += 1
    if count != size:
        raise CannotReconcile(f"This database is not an earlier state of the log: place {count} is empty.")


def _hashes(directory: Path, size: int) -> list[bytes]:
    data = b"".join((directory / tile_path(0, index, width)).read_bytes() for index, width in tiles(size))
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


def _entries(directory: Path, start: int, end: int) -> list[dict[str, Any]]:
    found = []
    for index, width in tiles(end):
        first = index * TILE_WIDTH
        if first + width > start:
            entries, _whole = split_bundle((directory / tile_path("entries", index, width)).read_bytes())
            found += [reading.content(entry) for entry in entries[max(start - first, 0) :]]
    return found


def _is_here(read: dict[str, Any]) -> bool:
    """Say whether an event is in this database all the same: committed, and waiting for its place when it was saved."""
    try:
        event_id = uuid.UUID(reading.text(read, "id") or "")
    except ValueError:
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM audit_event WHERE id = %s)", [event_id])
        return cursor.fetchone()[0]
