"""The keys: every record has its own, stored only wrapped; every person an index that only a key can make.

    data key     seals the fields of one record; random, AES-256-GCM or SM4-GCM
    wrapped key  the data key under a version of the working or the sealed compartment's key
    index        a keyed HMAC: equal people can be found, and nobody can be recovered

Wrapped key:  format 1 | suite 1 | compartment 1 | key version 4 | nonce 12 | ciphertext and tag
Sealed field: format 1 | suite 1 | nonce 12 | ciphertext and tag

Both are self-describing, and what they describe is authenticated with them.
"""

from __future__ import annotations

import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path

from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from access.vault import datakeys, keyfile
from access.vault.ciphers import (
    SUITE_NAMES,
    Compartment,
    KeyringExists,
    KeyUnavailable,
    Suite,
    Tampered,
    VaultError,
)
from access.vault.datakeys import DataKey
from access.vault.keyfile import (
    add_version,
    load_keyring,
    make_version_current,
    retire_version,
)
from access.vault.keyring import FileKeyring, Keyring

__all__ = [
    "Compartment",
    "DataKey",
    "FileKeyring",
    "KeyUnavailable",
    "Keyring",
    "KeyringExists",
    "Suite",
    "Tampered",
    "VaultError",
    "add_version",
    "configured_suite",
    "create_keyring",
    "index",
    "is_current",
    "keyring",
    "load_keyring",
    "make_version_current",
    "new_key",
    "open_text",
    "reset",
    "retire_version",
    "rewrap_to_current",
    "seal_text",
    "unwrap",
    "use",
]

_in_use: Keyring | None = None
_cached: dict[Path, tuple[tuple, FileKeyring]] = {}


def configured_suite() -> Suite:
    """The suite that new keys get; it never decides what can be opened."""
    name = getattr(settings, "VAULT_SUITE", "aes")
    if name not in SUITE_NAMES:
        raise VaultError('VAULT_SUITE is not known. Set it to "aes" or "sm".')
    return SUITE_NAMES[name]


def create_keyring(path: Path, suite: Suite | None = None, compartments: tuple = (Compartment.WORKING,)) -> None:
    """Make a keyring in the configured suite; see `keyfile.create_keyring`."""
    keyfile.create_keyring(path, configured_suite() if suite is None else suite, compartments)


def keyring() -> Keyring:
    """The working keyring, read again whenever its file has changed."""
    if _in_use is not None:
        return _in_use
    path = getattr(settings, "VAULT_KEYRING", None)
    if not path:
        raise KeyUnavailable("VAULT_KEYRING is not set. Set it to the path of the keyring.")
    return keyring_at(Path(path))


def keyring_at(path: Path) -> Keyring:
    """The keyring of this file, read again whenever it has changed."""
    try:
        status = path.stat()
    except OSError:
        _cached.pop(path, None)
        return load_keyring(path)  # says what is the matter
    seen = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size)
    cached = _cached.get(path)
    if cached is None or cached[0] != seen:
        cached = _cached[path] = (seen, load_keyring(path))
    return cached[1]


def use(other: Keyring) -> None:
    """Let another keyring, such as an HSM, stand in for the file in this process."""
    global _in_use
    _in_use = other


def reset() -> None:
    """Forget what was read or put in use, as at the start of the process."""
    global _in_use
    _in_use = None
    _cached.clear()


@sensitive_variables()
def new_key(table: str, record: str) -> tuple[DataKey, bytes]:
    """Make a random working key for one record; returns it and its wrapped form, the only one to store."""
    return datakeys.new_key(keyring(), configured_suite(), table, record, Compartment.WORKING)


@sensitive_variables()
def unwrap(wrapped: bytes, *, table: str, record: str) -> DataKey:
    """Open the working key of this record; raises what `datakeys.unwrap` raises."""
    return datakeys.unwrap(keyring(), wrapped, table=table, record=record, compartment=Compartment.WORKING)


def rewrap_to_current(wrapped: bytes, *, table: str, record: str) -> bytes:
    """Wrap a working key under the current version; bytes that are already so come back unchanged."""
    return datakeys.rewrap_to_current(keyring(), wrapped, table=table, record=record, compartment=Compartment.WORKING)


def is_current(wrapped: bytes) -> bool:
    """Is the key wrapped under the current version of its compartment?"""
    return datakeys.is_current(keyring(), wrapped)


@sensitive_variables()
def seal_text(text: str, *, table: str, field: str) -> str:
    """Return a text that stands where there is room for a text only, with a key of its own wrapped beside it."""
    record = str(uuid.uuid4())
    key, wrapped = new_key(table, record)
    return ".".join(
        [record, *(urlsafe_b64encode(part).decode() for part in (wrapped, key.encrypt(text.encode(), field=field)))]
    )


@sensitive_variables()
def open_text(sealed: str, *, table: str, field: str) -> str:
    """Return what `seal_text` sealed for this table and field; Tampered or ValueError when it is something else."""
    record, wrapped, content = sealed.split(".")
    key = unwrap(urlsafe_b64decode(wrapped), table=table, record=str(uuid.UUID(record)))
    return key.decrypt(urlsafe_b64decode(content), field=field).decode()


def index(purpose: str, value: str) -> bytes:
    """The working index of a value: for finding what is being worked on. The register's own is the key service's."""
    return datakeys.index(keyring(), purpose, value)
