"""Data keys: each seals the fields of one record, and is stored only wrapped. Django-free."""

from __future__ import annotations

import os
import secrets
import struct
from dataclasses import dataclass
from typing import NoReturn

from access.vault.ciphers import (
    LABEL,
    NONCE_SIZE,
    Aead,
    Compartment,
    Suite,
    Tampered,
    bind,
    cipher_for,
    open_sealed,
)
from access.vault.keyring import Keyring

FORMAT = 1
WRAPPED_HEADER = struct.Struct(">BBBI")
FIELD_HEADER = struct.Struct(">BB")
COMPARTMENT_NUMBERS = {Compartment.WORKING: 1, Compartment.SEALED: 2}


@dataclass(frozen=True, repr=False, eq=False, slots=True)
class DataKey:
    """The key of one record: what it seals opens for the same record and field only."""

    suite: Suite
    table: str
    record: str
    _cipher: Aead

    def encrypt(self, plaintext: bytes, *, field: str) -> bytes:
        """Seal the bytes for this field."""
        nonce = os.urandom(NONCE_SIZE)
        header = FIELD_HEADER.pack(FORMAT, self.suite)
        return header + nonce + self._cipher.encrypt(nonce, plaintext, self._aad(header, field))

    def decrypt(self, blob: bytes, *, field: str) -> bytes:
        """Open bytes sealed for this field; raises Tampered for any others."""
        blob = bytes(blob)
        header, sealed = blob[: FIELD_HEADER.size], blob[FIELD_HEADER.size :]
        if header != FIELD_HEADER.pack(FORMAT, self.suite):
            raise Tampered("The sealed field has a header that its key does not know. Restore it from a backup.")
        return open_sealed(self._cipher, sealed, self._aad(header, field))

    def _aad(self, header: bytes, field: str) -> bytes:
        return bind(LABEL + b"field", header, self.table.encode(), self.record.encode(), field.encode())

    def __repr__(self) -> str:
        return "<DataKey>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        # Caches and sessions pickle what they are given.
        raise TypeError("A data key cannot be copied or pickled.")


def new_key(keys: Keyring, suite: Suite, table: str, record: str, compartment: Compartment) -> tuple[DataKey, bytes]:
    """Make a random key for one record; returns it and its wrapped form, the only one to store."""
    secret = secrets.token_bytes(suite.key_size)
    return DataKey(suite, table, record, cipher_for(suite, secret)), _wrap(
        keys, secret, suite, table, record, compartment
    )


def unwrap(keys: Keyring, wrapped: bytes, *, table: str, record: str, compartment: Compartment) -> DataKey:
    """Open the key of this record from this compartment.

    Raises Tampered when the bytes were altered or made for another record or compartment, and KeyUnavailable
    when the version they name is not in the keyring.
    """
    suite, secret = _unwrap(keys, wrapped, table, record, compartment)
    return DataKey(suite, table, record, cipher_for(suite, secret))


def rewrap_to_current(keys: Keyring, wrapped: bytes, *, table: str, record: str, compartment: Compartment) -> bytes:
    """Wrap the key under the compartment's current version; bytes that are already so come back unchanged."""
    suite, secret = _unwrap(keys, wrapped, table, record, compartment)
    if is_current(keys, wrapped):
        return bytes(wrapped)
    return _wrap(keys, secret, suite, table, record, compartment)


def is_current(keys: Keyring, wrapped: bytes) -> bool:
    """Is the key wrapped under the current version of the compartment it names?"""
    _, compartment, version = _read_header(bytes(wrapped))
    return version == keys.current_version(compartment)


def index(keys: Keyring, purpose: str, value: str) -> bytes:
    """The keyed index of a value: equal for equal values of one purpose, unrelated between purposes."""
    return keys.index(bind(LABEL + b"index", purpose.encode(), value.encode("utf-8", "surrogatepass")))


def _wrap(keys: Keyring, secret: bytes, suite: Suite, table: str, record: str, compartment: Compartment) -> bytes:
    version = keys.current_version(compartment)
    header = WRAPPED_HEADER.pack(FORMAT, suite, COMPARTMENT_NUMBERS[compartment], version)
    aad = _wrapped_aad(header, table, record)
    return header + keys.wrap(secret, suite=suite, compartment=compartment, version=version, aad=aad)


def _unwrap(keys: Keyring, wrapped: bytes, table: str, record: str, compartment: Compartment) -> tuple[Suite, bytes]:
    wrapped = bytes(wrapped)
    suite, found, version = _read_header(wrapped)
    if found is not compartment:
        raise Tampered(f"The wrapped key is not in the {compartment} compartment. Tell the auditor.")
    header, sealed = wrapped[: WRAPPED_HEADER.size], wrapped[WRAPPED_HEADER.size :]
    aad = _wrapped_aad(header, table, record)
    return suite, keys.unwrap(sealed, suite=suite, compartment=compartment, version=version, aad=aad)


def _wrapped_aad(header: bytes, table: str, record: str) -> bytes:
    return bind(LABEL + b"wrapped", header, table.encode(), record.encode())


def _read_header(wrapped: bytes) -> tuple[Suite, Compartment, int]:
    if len(wrapped) >= WRAPPED_HEADER.size:
        form, suite, number, version = WRAPPED_HEADER.unpack_from(wrapped)
        for compartment, known in COMPARTMENT_NUMBERS.items():
            if form == FORMAT and suite in Suite.__members__.values() and number == known:
                return Suite(suite), compartment, version
    raise Tampered("The wrapped key has a header that is not known. Restore it from a backup and tell the auditor.")
