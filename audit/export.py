"""Handing the trail out: the whole log as C2SP tiles, and the proof of one event."""

import base64
from pathlib import Path

from django.db import connection

from audit import checkpoints, proofs, sequencing
from audit.exceptions import SignerRefused
from audit.verify import (
    PROOF_HEADER,
    TILE_WIDTH,
    Checkpoint,
    Unverified,
    pack_entry,
    parse_checkpoint,
    tile_path,
    tiles,
)


def export(directory: Path) -> Checkpoint:
    """Write everything under the newest checkpoint into an empty folder, as `verify.py` reads it.

    The bytes are those of the database, altered or not: finding that out is the verifier's business.
    """
    if directory.exists() and any(directory.iterdir()):
        raise FileExistsError(f"{directory} is not empty. Name a new folder.")
    newest = checkpoints.newest_checkpoint()
    if newest is None:
        raise SignerRefused("Nothing is signed yet. Start the signer and try again in a minute.", "NOTHING_SIGNED")
    checkpoint = newest.signed
    for index, width in tiles(checkpoint.size):
        start = index * TILE_WIDTH
        bundle = list(sequencing.leaves(start, start + width))
        _write(directory, tile_path(0, index, width), b"".join(leaf.hash for leaf in bundle))
        entries = [pack_entry(leaf.canonical) for leaf in bundle if leaf.canonical is not None]
        _write(directory, tile_path("entries", index, width), b"".join(entries))
    level = 1
    while checkpoint.size >> (8 * level):
        for index, width in tiles(checkpoint.size, level):
            _write(directory, tile_path(level, index, width), _tile(level, index * TILE_WIDTH, width))
        level += 1
    _write(directory, "checkpoint", newest.note.encode())
    return checkpoint


def event_proof(index: int, note: str) -> str | None:
    """Return the C2SP tlog-proof of the event at `index` under a checkpoint, if it lies under it and its hashes are there."""
    try:
        size = parse_checkpoint(note.rpartition("\n\n")[0] + "\n").size
        hashes = [base64.b64encode(one).decode() for one in proofs.inclusion_proof(index, size)]
    except (Unverified, ValueError, KeyError):  # no checkpoint; beyond it; a hash was taken out of the database
        return None
    return "\n".join([PROOF_HEADER, f"index {index}", *hashes]) + "\n\n" + note


def _tile(level: int, start: int, width: int) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT hash FROM audit_tile WHERE level = %s AND index >= %s AND index < %s ORDER BY index",
            [level, start, start + width],
        )
        return b"".join(bytes(row[0]) for row in cursor.fetchall())


def _write(directory: Path, path: str, data: bytes) -> None:
    target = directory / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
