"""Sealing: a record and every version of it under a new key, moved in one transaction with its event."""

from __future__ import annotations

import hashlib
import json
import struct
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from psycopg import Connection

from access import vault
from access.exceptions import Unavailable
from access.identifiers import identity_text, subject_text
from access.vault import datakeys
from access.vault.ciphers import Compartment, Tampered, VaultError
from access.vault.keyring import Keyring
from records.keyservice.connection import RefusedByDatabase, register_keys, sealed
from records.keyservice.opening import FIELD, TABLE

# One call, one transaction, one event; the database takes no more.
BATCH = 500
# What keys of records that are worked on are bound to.
WORKING_TABLE = "records_violation"
# Begins a version of the history that the record's key does not open; no content begins like this.
UNREADABLE = b"\x00unreadable\x00"
# In the order of `sealed.content`.
_INDEX_COLUMNS = (
    *("id", "organ_id", "entered_by_id", "reviewed_by_id", "offence_id", "acted_on", "decided_on", "served_on"),
    *("warning", "fine_yuan", "detention_days", "licence_revoked", "exit_order", "deportation", "age_band"),
)


@dataclass(frozen=True)
class _Sealed:
    """One record as it will stand behind the seal."""

    id: uuid.UUID
    version: int
    subject_key: bytes
    identity_key: bytes
    particulars: bytes
    wrapped: bytes
    content: bytes
    mac: bytes
    rest: bytes
    bodies: list[bytes]


def seal(ids: Sequence[uuid.UUID], rule: uuid.UUID) -> list[uuid.UUID]:
    """Seal these records under the rule, and return the ids of those that were: at most BATCH, in one transaction.

    A record that is not confirmed and served, has changed meanwhile, or was sealed by another worker is left out. One
    that its working key does not open is refused with the whole batch (Unavailable): seal the others without it.
    """
    if len(ids) > BATCH:
        raise ValueError(f"Seal at most {BATCH} records at once.")
    keys = register_keys()
    try:
        with sealed() as connection:
            rows = connection.execute("select * from sealed.working(%s)", [list(ids)]).fetchall()
            moved = [_sealed(keys, row, rule) for row in rows]
            return _move(connection, moved, rule) if moved else []
    except VaultError as error:
        raise Unavailable(f"A record cannot be sealed, because its key does not open it. {error}") from None
    except RefusedByDatabase as error:
        raise Unavailable(f"The database refused to seal: {error}.") from None


def _move(connection: Connection[dict[str, Any]], moved: list[_Sealed], rule: uuid.UUID) -> list[uuid.UUID]:
    columns = ("id", "version", "subject_key", "identity_key", "particulars", "wrapped", "content", "mac", "rest")
    values = [[getattr(record, name) for record in moved] for name in columns]
    counts = [len(record.bodies) for record in moved]
    bodies = [body for record in moved for body in record.bodies]
    done = connection.execute(
        "select * from sealed.seal(%b::uuid[], %b::integer[], %b::bytea[], %b::bytea[], %b::bytea[], %b::bytea[],"
        " %b::bytea[], %b::bytea[], %b::bytea[], %b::integer[], %b::bytea[], %b::uuid) as id",
        [*values, counts, bodies, rule],
    )
    return [row["id"] for row in done.fetchall()]


def _sealed(keys: Keyring, row: dict[str, Any], rule: uuid.UUID) -> _Sealed:
    """Open a working record and close it again under a key that nobody who copied it before has."""
    record = str(row["id"])
    old = vault.unwrap(row["wrapped"], table=WORKING_TABLE, record=record)
    key, wrapped = datakeys.new_key(keys, vault.configured_suite(), TABLE, record, Compartment.SEALED)
    plain = old.decrypt(row["particulars"], field="particulars")
    person = json.loads(plain)
    particulars = key.encrypt(plain, field=FIELD)
    bodies = [
        key.encrypt(facts.encode() + b"\n" + _version(old, version), field=f"version:{position}")
        for position, (facts, version) in enumerate(zip(row["facts"], row["versions"], strict=True), 1)
    ]
    document = (person["document_type"], person["number"])
    subject_key = datakeys.index(keys, "subject", subject_text(*document))
    identity_key = datakeys.index(keys, "identity", identity_text(*document, person["name"]))
    rest = _rest(bodies, row["handlers"])
    content = _content(row, subject_key, identity_key, particulars, rule, rest)
    return _Sealed(
        id=row["id"],
        version=row["version"],
        subject_key=subject_key,
        identity_key=identity_key,
        particulars=particulars,
        wrapped=wrapped,
        content=content,
        mac=keys.mac(content),
        rest=rest,
        bodies=bodies,
    )


def _version(key: datakeys.DataKey, sealed_version: bytes) -> bytes:
    """Open one version of the history; one that was planted beside it is kept as it is and keeps no record unsealed."""
    try:
        return key.decrypt(sealed_version, field="particulars")
    except Tampered:
        return UNREADABLE + sealed_version


def _rest(bodies: list[bytes], handlers: list[uuid.UUID]) -> bytes:
    """The digest of `sealed.rest`."""
    digest = hashlib.sha256()
    for position, body in enumerate(bodies, 1):
        digest.update(struct.pack(">i", position) + hashlib.sha256(body).digest())
    digest.update(b"\xff")
    for handler in sorted(handlers, key=lambda user: user.bytes):
        digest.update(handler.bytes)
    return digest.digest()


def _content(
    row: dict[str, Any], subject_key: bytes, identity_key: bytes, particulars: bytes, rule: uuid.UUID, rest: bytes
) -> bytes:
    """The digest of `sealed.content`: the database makes it again from the row, and refuses another."""
    parts = [
        *(row[name] for name in _INDEX_COLUMNS),
        *(subject_key.hex(), identity_key.hex(), hashlib.sha256(particulars).hexdigest()),
        *(row["created_at"], row["submitted_at"], row["version"], rule, rest.hex()),
    ]
    return hashlib.sha256("|".join(_words(part) for part in parts).encode()).digest()


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
