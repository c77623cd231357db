"""Verify an exported trail, or one event's proof, with nothing but this file, Python and `cryptography`.

    python verify.py DIRECTORY --key 'ORIGIN+HASH+BASE64' [--older CHECKPOINT]
    python verify.py --event EVENT.json --proof EVENT.tlog-proof --key 'ORIGIN+HASH+BASE64'

The export has the C2SP tlog-tiles layout (`checkpoint`, `tile/0/...`, `tile/entries/...`); hashes are those of
RFC 6962, the checkpoint is a C2SP signed note. Each kind of failure has its own exit code: see `Exit`.
The rest of the `audit` app takes its primitives from here, so that there is one implementation to review.
"""

import argparse
import base64
import binascii
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519 = b"\x01"
TILE_WIDTH = 256
HASH_SIZE = 32
PROOF_HEADER = "c2sp.org/tlog-proof@v1"
MOST_SIGNATURES = 100


class Exit(IntEnum):
    """What `verify` found, as the exit code of the process."""

    HOLDS = 0
    USAGE = 2
    MISSING_FILE = 3
    MALFORMED_KEY = 10
    MALFORMED_NOTE = 11
    WRONG_KEY = 12
    BAD_SIGNATURE = 13
    WRONG_ORIGIN = 14
    ALTERED_LEAF = 20
    DROPPED_LEAF = 21
    SWAPPED_LEAF = 22
    INSERTED_LEAF = 23
    TRUNCATED = 24
    BAD_TILE = 25
    WRONG_ROOT = 26
    STALE_CHECKPOINT = 30
    INCONSISTENT = 31
    MALFORMED_PROOF = 40
    EXTRA_PROOF_HASH = 41
    WRONG_PROOF = 42


class Unverified(Exception):
    """Something does not hold; `code` says which kind of failure, `index` and `event` where, if that is known."""

    def __init__(self, code: Exit, message: str, *, index: int | None = None, event: str | None = None) -> None:
        super().__init__(message)
        self.code, self.index, self.event = code, index, event


# RFC 6962 ----------------------------------------------------------------------------------------------------------
def leaf_hash(entry: bytes) -> bytes:
    """Return the RFC 6962 hash of one entry; no inner node can have the same input."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the RFC 6962 hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass
class Frontier:
    """The roots of a tree's complete subtrees, largest first: enough to append and to know the root."""

    size: int = 0
    nodes: list[bytes] = field(default_factory=list)

    def append(self, leaf: bytes) -> None:
        """Add a leaf on the right; only the roots of complete subtrees are kept."""
        node, carry = leaf, self.size
        while carry & 1:
            node = node_hash(self.nodes.pop(), node)
            carry >>= 1
        self.nodes.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Return the root of all leaves so far, as RFC 6962 defines it."""
        if not self.nodes:
            return hashlib.sha256(b"").digest()
        root = self.nodes[-1]
        for node in reversed(self.nodes[:-1]):
            root = node_hash(node, root)
        return root


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Return if `proof` leads from the leaf at `index` to the root of the tree of `size` leaves, else raise."""
    if not 0 <= index < size:
        raise Unverified(Exit.WRONG_PROOF, f"Index {index} does not lie in a tree of {size} leaves.", index=index)
    place, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise Unverified(Exit.EXTRA_PROOF_HASH, "The proof has more hashes than the tree has levels.", index=index)
        if place & 1 or place == last:
            node = node_hash(sibling, node)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        place, last = place >> 1, last >> 1
    if last != 0 or node != root:
        raise Unverified(Exit.WRONG_PROOF, "The proof does not lead from this event to the signed root.", index=index)


def verify_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Return if `proof` shows that the older tree is a prefix of the newer, else raise."""
    if old_size > new_size:
        raise Unverified(Exit.STALE_CHECKPOINT, f"The newer tree has {new_size} leaves, the older one {old_size}.")
    if old_size in (0, new_size):
        if proof:
            raise Unverified(Exit.EXTRA_PROOF_HASH, "The proof should be empty.")
        if old_size == new_size and old_root != new_root:
            raise Unverified(Exit.INCONSISTENT, "Two trees of the same size have different roots.")
        return
    path = list(proof)
    place, last = old_size - 1, new_size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise Unverified(Exit.WRONG_PROOF, "The proof is empty.")
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise Unverified(Exit.EXTRA_PROOF_HASH, "The proof has more hashes than the tree has levels.")
        if place & 1 or place == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        place, last = place >> 1, last >> 1
    if last != 0 or old != old_root or new != new_root:
        raise Unverified(Exit.INCONSISTENT, "The older tree is not a prefix of the newer one.")


# C2SP signed notes -------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class VerifierKey:
    """A name and an Ed25519 public key, written `name+hash+base64`."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        """The four bytes by which a signature line names this key."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(ED25519 + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Read a key as `name+hash+base64`; raises Unverified unless it is whole."""
        try:
            name, digest, encoded = text.strip().split("+", 2)
            raw = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error):
            raise Unverified(Exit.MALFORMED_KEY, "The verifier key is not of the form name+hash+base64.") from None
        key = cls(name, raw[1:])
        if not is_key_name(name) or raw[:1] != ED25519 or len(raw) != 33 or key.id.hex() != digest:
            raise Unverified(Exit.MALFORMED_KEY, "The verifier key is not a whole Ed25519 key: copy it again.")
        return key


@dataclass(frozen=True)
class Checkpoint:
    """What the log signed: its origin, its size and its root, and lines of its own that follow (`name value`)."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The signed part of the note, byte for byte."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    def said(self, name: str) -> list[str]:
        """Return what the extension lines of this name say, in order."""
        return [line.removeprefix(f"{name} ") for line in self.extensions if line.startswith(f"{name} ")]


def is_key_name(name: str) -> bool:
    """Say whether a name may stand in a verifier key (C2SP signed-note)."""
    return bool(name) and "+" not in name and not any(character.isspace() for character in name)


def split_note(note: str | bytes) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """Return a note's text and its signatures (name, key id, signature), or raise if it is not a signed note."""
    malformed = Unverified(Exit.MALFORMED_NOTE, "This is not a signed note.")
    try:
        note = note.decode() if isinstance(note, bytes) else note
    except UnicodeDecodeError:
        raise malformed from None
    if any(character < " " and character != "\n" for character in note):
        raise malformed
    text, found, rest = note.rpartition("\n\n")
    if not found or not rest.endswith("\n"):
        raise malformed
    signatures = []
    for line in rest[:-1].split("\n"):
        try:
            dash, name, encoded = line.split(" ")
            raw = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error):
            raise malformed from None
        if dash != "\u2014" or not is_key_name(name) or len(raw) < 5:
            raise malformed
        signatures.append((name, raw[:4], raw[4:]))
    if len(signatures) > MOST_SIGNATURES:
        raise malformed
    return text + "\n", signatures


def open_note(note: str | bytes, key: VerifierKey) -> str:
    """Return the text of a note that `key` signed, or raise: malformed, not signed by it, or a bad signature."""
    text, signatures = split_note(note)
    mine = [signature for name, key_id, signature in signatures if name == key.name and key_id == key.id]
    if not mine:
        raise Unverified(Exit.WRONG_KEY, f"The note is not signed by the key {key.name}+{key.id.hex()}.")
    for signature in mine:
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text.encode())
        except InvalidSignature:
            raise Unverified(Exit.BAD_SIGNATURE, "The signature does not fit the note.") from None
    return text


def parse_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint that a note's text holds, or raise."""
    malformed = Unverified(Exit.MALFORMED_NOTE, "The note is not a checkpoint (origin, size, root).")
    lines = text.split("\n")
    if len(lines) < 4 or not all(lines[:-1]) or lines[-1]:
        raise malformed
    # More digits than any tree has are no number: Python refuses to read thousands of them.
    if not (lines[1].isascii() and lines[1].isdigit() and len(lines[1]) < 20) or str(int(lines[1])) != lines[1]:
        raise malformed
    try:
        root = base64.b64decode(lines[2], validate=True)
    except (ValueError, binascii.Error):
        raise malformed from None
    if len(root) != HASH_SIZE:
        raise malformed
    return Checkpoint(lines[0], int(lines[1]), root, tuple(lines[3:-1]))


def open_checkpoint(note: str | bytes, key: VerifierKey) -> Checkpoint:
    """Return the checkpoint of a note signed by `key` for the log of the key's name, or raise.

    The origin is compared first, so that the checkpoint of another log is called that, not a wrong key.
    """
    text, _ = split_note(note)
    origin = text.split("\n", 1)[0]
    if origin != key.name:
        raise Unverified(Exit.WRONG_ORIGIN, f"The checkpoint is of the log {origin}, the key of {key.name}.")
    return parse_checkpoint(open_note(note, key))


# The export --------------------------------------------------------------------------------------------------------
def tile_path(level: int | str, index: int, width: int = TILE_WIDTH) -> str:
    """Return where C2SP tlog-tiles puts a tile: `tile/0/x001/x234/067` or, if partial, `tile/0/067.p/12`."""
    digits = f"{index:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    path = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
    return f"tile/{level}/{path}" + (f".p/{width}" if width < TILE_WIDTH else "")


def tiles(size: int, level: int = 0) -> Iterator[tuple[int, int]]:
    """Yield (index, width) of every tile that a tree of `size` leaves has at `level`."""
    full, rest = divmod(size >> (8 * level), TILE_WIDTH)
    for index in range(full):
        yield index, TILE_WIDTH
    if rest:
        yield full, rest


def pack_entry(entry: bytes) -> bytes:
    """Return an entry as a C2SP entry bundle holds it: its length in two bytes, then itself."""
    return len(entry).to_bytes(2, "big") + entry


def split_bundle(data: bytes) -> tuple[list[bytes], bool]:
    """Return the whole entries of a bundle, and whether the bundle ended where an entry ended."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 2], "big")
        entry = data[at + 2 : at + 2 + length]
        if at + 2 > len(data) or len(entry) < length:
            return entries, False
        entries.append(entry)
        at += 2 + length
    return entries, True


def event_id(entry: bytes) -> str | None:
    """Return the id that an entry names, or nothing if it is not an event."""
    try:
        return str(json.loads(entry)["id"])
    except (ValueError, TypeError, KeyError, RecursionError):  # nested deeper than any event is
        return None


def verify_export(directory: Path, key: VerifierKey, older: str | bytes | None = None) -> Checkpoint:
    """Return the checkpoint of an export that holds in every leaf, tile and hash; else raise Unverified."""
    checkpoint = open_checkpoint(_read(directory, "checkpoint"), key)
    kept = open_checkpoint(older, key) if older is not None else None
    if kept and kept.size > checkpoint.size:
        raise Unverified(
            Exit.STALE_CHECKPOINT,
            f"The export ends at {checkpoint.size}, before the older checkpoint at {kept.size}.",
        )
    expected = _hashes_of_tiles(directory, checkpoint.size)
    found, ids = _hashes_of_entries(directory, checkpoint.size)
    if _root(expected) != checkpoint.root:
        _blame_tiles(expected, found, ids, checkpoint)
    if found != expected:
        raise _diagnosis(found, expected, ids)
    _check_upper_tiles(directory, expected)
    if kept and _root(expected[: kept.size]) != kept.root:
        raise Unverified(
            Exit.INCONSISTENT, f"The first {kept.size} events are not those that the older checkpoint signed."
        )
    return checkpoint


def _read(directory: Path, path: str) -> bytes:
    try:
        return (directory / path).read_bytes()
    except OSError:
        raise Unverified(Exit.MISSING_FILE, f"The file {path} is missing from the export.") from None


def _root(hashes: Iterable[bytes]) -> bytes:
    frontier = Frontier()
    for leaf in hashes:
        frontier.append(leaf)
    return frontier.root()


def _hashes_of_tiles(directory: Path, size: int, level: int = 0) -> list[bytes]:
    hashes: list[bytes] = []
    for index, width in tiles(size, level):
        path = tile_path(level, index, width)
        data = _read(directory, path)
        if len(data) != width * HASH_SIZE:
            raise Unverified(Exit.BAD_TILE, f"{path} is not {width} hashes long.", index=index * TILE_WIDTH)
        hashes += [data[i : i + HASH_SIZE] for i in range(0, len(data), HASH_SIZE)]
    return hashes


def _hashes_of_entries(directory: Path, size: int) -> tuple[list[bytes], list[str | None]]:
    hashes: list[bytes] = []
    ids: list[str | None] = []
    for index, width in tiles(size):
        entries, whole = split_bundle(_read(directory, tile_path("entries", index, width)))
        hashes += [leaf_hash(entry) for entry in entries]
        ids += [event_id(entry) for entry in entries]
        if not whole:
            raise Unverified(
                Exit.TRUNCATED,
                f"The event after {ids[-1] if ids else 'the start'} is cut off.",
                index=len(hashes),
            )
    return hashes, ids


def _diagnosis(found: list[bytes], expected: list[bytes], ids: list[str | None]) -> Unverified:
    """Say how two unequal lists of leaf hashes differ at the first place where they do."""
    shorter = min(len(found), len(expected))
    first = next((i for i in range(shorter) if found[i] != expected[i]), shorter)
    event = ids[first] if first < len(ids) else None
    if first == len(found):
        return Unverified(
            Exit.TRUNCATED, f"Events are missing from the end: {len(found)} of {len(expected)}.", index=first
        )
    if first == len(expected) or (len(found) > len(expected) and found[first + 1] == expected[first]):
        return Unverified(Exit.INSERTED_LEAF, "An event was put in that was never signed.", index=first, event=event)
    if found[first] in expected and found[expected.index(found[first])] == expected[first]:
        return Unverified(Exit.SWAPPED_LEAF, "Two events have changed places.", index=first, event=event)
    if found[first] in expected[first + 1 :]:
        return Unverified(Exit.DROPPED_LEAF, "An event was taken out before this one.", index=first, event=event)
    return Unverified(Exit.ALTERED_LEAF, "The content of an event was altered.", index=first, event=event)


def _blame_tiles(expected: list[bytes], found: list[bytes], ids: list[str | None], checkpoint: Checkpoint) -> None:
    first = next((i for i, (one, other) in enumerate(zip(expected, found, strict=False)) if one != other), None)
    event = ids[first] if first is not None else None
    if _root(found) == checkpoint.root and len(found) == checkpoint.size:
        raise Unverified(Exit.BAD_TILE, "The events are right, but a tile of hashes is not.", index=first, event=event)
    raise Unverified(
        Exit.WRONG_ROOT,
        "Events and hashes were rewritten together: they do not give the signed root.",
        index=first,
        event=event,
    )


def _check_upper_tiles(directory: Path, leaves: list[bytes]) -> None:
    below, level = leaves, 1
    while len(below) >= TILE_WIDTH:
        above = [_root(below[i : i + TILE_WIDTH]) for i in range(0, len(below) // TILE_WIDTH * TILE_WIDTH, TILE_WIDTH)]
        stored = _hashes_of_tiles(directory, len(leaves), level)
        if stored != above:
            first = next(i for i, (one, other) in enumerate(zip(stored, above, strict=False)) if one != other)
            raise Unverified(Exit.BAD_TILE, f"A tile at level {level} is wrong.", index=first * TILE_WIDTH**level)
        below, level = above, level + 1


# One event ---------------------------------------------------------------------------------------------------------
def verify_event(entry: bytes, proof_text: str, key: VerifierKey) -> tuple[int, Checkpoint]:
    """Return the index of an event and the checkpoint that a C2SP tlog-proof shows it to be under; else raise."""
    malformed = Unverified(Exit.MALFORMED_PROOF, "This is not a C2SP tlog-proof.", event=event_id(entry))
    head, found, note = proof_text.partition("\n\n")
    lines = head.split("\n")
    if not found or lines.pop(0) != PROOF_HEADER or not lines:
        raise malformed
    if lines[0].startswith("extra "):
        lines.pop(0)
    word, _, number = lines.pop(0).partition(" ") if lines else ("", "", "")
    if (
        word != "index"
        or not (number.isascii() and number.isdigit() and len(number) < 20)
        or str(int(number)) != number
    ):
        raise malformed
    try:
        hashes = [base64.b64decode(line, validate=True) for line in lines]
    except (ValueError, binascii.Error):
        raise malformed from None
    if any(len(one) != HASH_SIZE for one in hashes):
        raise malformed
    checkpoint = open_checkpoint(note, key)
    try:
        verify_inclusion(int(number), checkpoint.size, leaf_hash(entry), hashes, checkpoint.root)
    except Unverified as error:
        error.event = event_id(entry)
        raise
    return int(number), checkpoint


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify what the command line names, say what was found, and return the exit code of `Exit`."""
    parser = argparse.ArgumentParser(description="Verify an exported trail, or the proof of one event.")
    parser.add_argument("directory", nargs="?", type=Path, help="the export: checkpoint, tile/...")
    parser.add_argument("--key", required=True, help="the log's verifier key, from a source you trust")
    parser.add_argument("--older", type=Path, help="a checkpoint kept from before; the export must continue it")
    parser.add_argument("--event", type=Path, help="one event, byte for byte as it was exported")
    parser.add_argument("--proof", type=Path, help="its C2SP tlog-proof")
    options = parser.parse_args(arguments)
    if bool(options.directory) == bool(options.event) or bool(options.event) != bool(options.proof):
        parser.error("name an export directory, or an --event with its --proof")
    try:
        key = VerifierKey.parse(options.key)
        if options.event:
            index, checkpoint = verify_event(options.event.read_bytes(), options.proof.read_text(), key)
            _say(f"HOLDS: the event is number {index} of the {checkpoint.size} that {checkpoint.origin} signed.")
        else:
            older = options.older.read_bytes() if options.older else None
            checkpoint = verify_export(options.directory, key, older)
            _say(f"HOLDS: {checkpoint.size} events of {checkpoint.origin}, root {checkpoint.root.hex()}.")
    except Unverified as error:
        where = "" if error.index is None else f" First bad index: {error.index}."
        which = "" if error.event is None else f" Event: {error.event}."
        _say(f"FAILS ({error.code.name}, exit code {error.code.value}): {error}{where}{which}")
        return error.code.value
    except (OSError, UnicodeDecodeError) as error:
        _say(f"FAILS ({Exit.MISSING_FILE.name}): {type(error).__name__}: a file cannot be read.")
        return Exit.MISSING_FILE.value
    return Exit.HOLDS.value


def _say(sentence: str) -> None:
    sys.stdout.write(sentence + "\n")


if __name__ == "__main__":
    sys.exit(main())
