"""The keys: every record has its own, stored only wrapped; every person an index that only a key can make.

    data key     seals the fields of one record; random, AES-256-GCM or SM4-GCM
    wrapped key  the data key under a version of the working or the sealed compartment's key
    index        a keyed HMAC: equal people can be found, and nobody can be recovered

Wrapped key:  format 1 | suite 1 | compartment 1 | key version 4 | nonce 12 | ciphertext and tag
Sealed field: format 1 | suite 1 | nonce 12 | ciphertext and tag

Both are self-describing, and what they describe is authenticated with them.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import NoReturn, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.views.decorators.debug import sensitive_variables

FORMAT = 1
MASTER_SIZE = 32
NONCE_SIZE = 12
TAG_SIZE = 16
WRAPPED_HEADER = struct.Struct(">BBBI")
FIELD_HEADER = struct.Struct(">BB")
LABEL = b"sealed-records/vault/1/"


class VaultError(Exception):
    """Something cannot be opened or sealed; the message never holds a key, a name or a number."""


class KeyUnavailable(VaultError):
    """The key that is needed is not in the keyring, or the keyring cannot be used."""


class Tampered(VaultError):
    """The bytes are not what was sealed for this record, field and compartment."""


class KeyringExists(VaultError):
    """A keyring is never overwritten."""


class Compartment(StrEnum):
    """Who may open a key: the people working on a record, or the one door to sealed ones."""

    WORKING = "working"
    SEALED = "sealed"


class Suite(IntEnum):
    """The algorithms something was sealed with; the numbers are stored and never change meaning."""

    AES_256_GCM = 1
    SM4_GCM = 2

    @property
    def key_size(self) -> int:
        return 32 if self is Suite.AES_256_GCM else 16

    @property
    def hash(self) -> hashes.HashAlgorithm:
        return hashes.SHA256() if self is Suite.AES_256_GCM else hashes.SM3()


SUITE_NAMES = {"aes": Suite.AES_256_GCM, "sm": Suite.SM4_GCM}
COMPARTMENT_NUMBERS = {Compartment.WORKING: 1, Compartment.SEALED: 2}


# Authenticated encryption


class Aead(Protocol):
    """Sealing that notices every change: the shape of cryptography's AESGCM."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes: ...

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes: ...


class Sm4Gcm:
    """SM4-GCM behind the same two calls as AESGCM."""

    __slots__ = ("_algorithm",)

    def __init__(self, key: bytes) -> None:
        self._algorithm = algorithms.SM4(key)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        encryptor = Cipher(self._algorithm, modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(associated_data)
        return encryptor.update(data) + encryptor.finalize() + encryptor.tag

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        if len(data) < TAG_SIZE:
            raise InvalidTag
        body, tag = data[:-TAG_SIZE], data[-TAG_SIZE:]
        decryptor = Cipher(self._algorithm, modes.GCM(nonce, tag)).decryptor()
        decryptor.authenticate_additional_data(associated_data)
        unverified = decryptor.update(body)
        # The low-level cipher hands out plaintext before it has checked the tag: nothing leaves before this line.
        rest = decryptor.finalize()
        return unverified + rest


def _aead(suite: Suite, key: bytes) -> Aead:
    return AESGCM(key) if suite is Suite.AES_256_GCM else Sm4Gcm(key)


def _bind(*parts: bytes) -> bytes:
    """Join the parts so that no two different lists of parts give the same bytes."""
    return b"".join(len(part).to_bytes(4) + part for part in parts)


# The keyring


class Keyring(Protocol):
    """What holds the keys that open all others: a file here, an HSM or a transit service elsewhere."""

    def current_version(self, compartment: Compartment) -> int:
        """The version that new keys are wrapped under."""

    def wrap(self, secret: bytes, *, suite: Suite, compartment: Compartment, version: int, aad: bytes) -> bytes:
        """Seal a data key; raises KeyUnavailable for a version that is not there."""

    def unwrap(self, sealed: bytes, *, suite: Suite, compartment: Compartment, version: int, aad: bytes) -> bytes:
        """Open a data key; raises KeyUnavailable for a missing version and Tampered for altered bytes."""

    def index(self, message: bytes) -> bytes:
        """The keyed HMAC of the message: 32 bytes."""


class FileKeyring:
    """A keyring read from a file; it does not change once read."""

    def __init__(
        self,
        *,
        current: dict[Compartment, int],
        masters: dict[tuple[Compartment, int], bytes],
        index_suite: Suite,
        index_master: bytes,
    ) -> None:
        self._current = current
        self._masters = masters
        self._ciphers: dict[tuple[Suite, Compartment, int], Aead] = {}
        key = _derive(index_master, index_suite, size=32, purpose=f"index/{index_suite}")
        self._index = hmac.HMAC(key, index_suite.hash)

    def __repr__(self) -> str:
        return "<FileKeyring>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A keyring cannot be copied or pickled.")

    def current_version(self, compartment: Compartment) -> int:
        return self._current[compartment]

    def wrap(self, secret: bytes, *, suite: Suite, compartment: Compartment, version: int, aad: bytes) -> bytes:
        nonce = os.urandom(NONCE_SIZE)
        return nonce + self._cipher(suite, compartment, version).encrypt(nonce, secret, aad)

    def unwrap(self, sealed: bytes, *, suite: Suite, compartment: Compartment, version: int, aad: bytes) -> bytes:
        return _decrypt(self._cipher(suite, compartment, version), sealed, aad)

    def index(self, message: bytes) -> bytes:
        context = self._index.copy()
        context.update(message)
        return context.finalize()

    def _cipher(self, suite: Suite, compartment: Compartment, version: int) -> Aead:
        """The wrapping cipher of one version, derived once."""
        wanted = (suite, compartment, version)
        cipher = self._ciphers.get(wanted)
        if cipher is None:
            master = self._masters.get((compartment, version))
            if master is None:
                raise KeyUnavailable(
                    f"Version {version} of the {compartment} key is not in the keyring. "
                    "Put the version back from the keyring's backup."
                )
            # What wraps is derived for wrapping in this suite and compartment alone; the master does nothing else.
            purpose = f"wrap/{suite}/{compartment}/{version}"
            cipher = self._ciphers[wanted] = _aead(suite, _derive(master, suite, suite.key_size, purpose))
        return cipher


@sensitive_variables()
def _derive(master: bytes, suite: Suite, size: int, purpose: str) -> bytes:
    return HKDF(suite.hash, size, salt=None, info=LABEL + purpose.encode()).derive(master)


@sensitive_variables()
def _decrypt(cipher: Aead, sealed: bytes, aad: bytes) -> bytes:
    """Open nonce, ciphertext and tag, or say that they were altered."""
    try:
        return cipher.decrypt(sealed[:NONCE_SIZE], sealed[NONCE_SIZE:], aad)
    except (InvalidTag, ValueError):
        raise Tampered(
            "The sealed bytes were altered or belong elsewhere. Restore them from a backup and tell the auditor."
        ) from None


# The keyring's file


def create_keyring(path: Path, suite: Suite | None = None) -> None:
    """Make a keyring with one version of each key, readable by its owner alone; an existing one is never touched.

    The index keeps the suite it is created with: were it to follow the setting, a person entered before the
    change would no longer be found.
    """
    path = Path(path)
    document = {
        "format": FORMAT,
        **{str(compartment): {"current": 1, "keys": {"1": _new_master()}} for compartment in Compartment},
        "index": {"suite": _suite_name(configured_suite() if suite is None else suite), "key": _new_master()},
    }
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = _write_beside(path, document)
    try:
        os.link(written, path)  # Unlike a rename, a link fails when there is something at the path.
    except FileExistsError:
        raise KeyringExists(f"There is a keyring at {path}. Use it, or name another file.") from None
    finally:
        os.unlink(written)
    _sync_directory(path)


def load_keyring(path: Path) -> FileKeyring:
    """Read a keyring; refuses a file that others may read or that is not complete."""
    path = Path(path)
    return _keyring_from(_read(path), path)


def add_version(path: Path, compartment: Compartment, *, make_current: bool = True) -> int:
    """Add a new key version and return its number; every older version still opens.

    Where several machines have copies of the keyring, add with make_current=False, copy the file to all of
    them, and only then call make_version_current.
    """
    with _editing(Path(path)) as document:
        part = document[compartment]
        version = max(map(int, part["keys"])) + 1
        part["keys"][str(version)] = _new_master()
        if make_current:
            part["current"] = version
    return version


def make_version_current(path: Path, compartment: Compartment, version: int) -> None:
    """From now on, wrap under this version."""
    with _editing(Path(path)) as document:
        if str(version) not in document[compartment]["keys"]:
            raise KeyUnavailable(f"Version {version} of the {compartment} key is not in the keyring. Add it first.")
        document[compartment]["current"] = version


def retire_version(path: Path, compartment: Compartment, version: int) -> None:
    """Take a version out for ever; call it only when every key has been rewrapped to the current one."""
    with _editing(Path(path)) as document:
        if document[compartment]["current"] == version:
            raise VaultError(f"Version {version} of the {compartment} key is current. Add a new version first.")
        if document[compartment]["keys"].pop(str(version), None) is None:
            raise KeyUnavailable(f"Version {version} of the {compartment} key is not in the keyring.")


def _new_master() -> str:
    return base64.b64encode(secrets.token_bytes(MASTER_SIZE)).decode()


def _suite_name(suite: Suite) -> str:
    return next(name for name, known in SUITE_NAMES.items() if known is suite)


@sensitive_variables()
def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            # Asked of the open file, so nothing can be exchanged between the question and the reading.
            mode = os.fstat(file.fileno()).st_mode
            if mode & 0o077:
                raise KeyUnavailable(f"Others may read the keyring at {path}. Run: chmod 600 {path}")
            return file.read()
    except FileNotFoundError:
        message = f"There is no keyring at {path}. Put it back from its backup; create one only for a new register."
    except OSError as error:
        message = f"The keyring at {path} cannot be read ({error.strerror}). Give this process's user access to it."
    raise KeyUnavailable(message)


@sensitive_variables()
def _keyring_from(content: bytes, path: Path) -> FileKeyring:
    parsed = None
    try:
        document = json.loads(content)
        if document["format"] != FORMAT:
            raise ValueError
        current: dict[Compartment, int] = {}
        masters: dict[tuple[Compartment, int], bytes] = {}
        for compartment in Compartment:
            for number, encoded in document[compartment]["keys"].items():
                if str(int(number)) != number or not 0 < int(number) < 2**32:
                    raise ValueError
                masters[compartment, int(number)] = base64.b64decode(encoded, validate=True)
            current[compartment] = document[compartment]["current"]
            masters[compartment, current[compartment]]
        index_suite = SUITE_NAMES[document["index"]["suite"]]
        index_master = base64.b64decode(document["index"]["key"], validate=True)
        everything = [*masters.values(), index_master]
        # A key used twice would join what the compartments separate.
        if len(set(everything)) < len(everything) or any(len(key) != MASTER_SIZE for key in everything):
            raise ValueError
        parsed = current, masters, index_suite, index_master
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    if parsed is None:  # Raised out here: the caught error would carry the file's content along.
        raise KeyUnavailable(f"The keyring at {path} is damaged. Put it back from its backup.")
    current, masters, index_suite, index_master = parsed
    return FileKeyring(current=current, masters=masters, index_suite=index_suite, index_master=index_master)


@contextmanager
def _editing(path: Path) -> Iterator[dict]:
    """Let one process at a time change the keyring; readers see the old file or the new one, never a part."""
    path = path.resolve()
    try:
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        raise KeyUnavailable(f"There is no keyring at {path}. Create it first.") from None
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        content = _read(path)
        _keyring_from(content, path)
        document = json.loads(content)
        yield document
        os.replace(_write_beside(path, document), path)
        _sync_directory(path)
    finally:
        os.close(directory)


@sensitive_variables()
def _write_beside(path: Path, document: dict) -> str:
    """Write a private file next to the keyring and return its name once it is on disk."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp gives mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        os.unlink(name)
        raise
    return name


def _sync_directory(path: Path) -> None:
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


# The keyring in use

_in_use: Keyring | None = None
_cached: tuple[tuple, FileKeyring] | None = None


def configured_suite() -> Suite:
    """The suite that new keys get; it never decides what can be opened."""
    name = getattr(settings, "VAULT_SUITE", "aes")
    if name not in SUITE_NAMES:
        raise VaultError('VAULT_SUITE is not known. Set it to "aes" or "sm".')
    return SUITE_NAMES[name]


def keyring() -> Keyring:
    """The keyring in use, read again whenever its file has changed."""
    global _cached
    if _in_use is not None:
        return _in_use
    path = getattr(settings, "VAULT_KEYRING", None)
    if not path:
        raise KeyUnavailable("VAULT_KEYRING is not set. Set it to the path of the keyring.")
    path = Path(path)
    try:
        status = path.stat()
    except OSError:
        _cached = None
        return load_keyring(path)  # says what is the matter
    seen = (path, status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size)
    cached = _cached
    if cached is None or cached[0] != seen:
        cached = _cached = (seen, load_keyring(path))
    return cached[1]


def use(other: Keyring) -> None:
    """Let another keyring, such as an HSM, stand in for the file in this process."""
    global _in_use
    _in_use = other


def reset() -> None:
    """Forget what was read or put in use, as at the start of the process."""
    global _in_use, _cached
    _in_use = _cached = None


# Data keys


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
        return _decrypt(self._cipher, sealed, self._aad(header, field))

    def _aad(self, header: bytes, field: str) -> bytes:
        return _bind(LABEL + b"field", header, self.table.encode(), self.record.encode(), field.encode())

    def __repr__(self) -> str:
        return "<DataKey>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        # Caches and sessions pickle what they are given.
        raise TypeError("A data key cannot be copied or pickled.")


@sensitive_variables()
def new_key(table: str, record: str, compartment: Compartment = Compartment.WORKING) -> tuple[DataKey, bytes]:
    """Make a random key for one record; returns it and its wrapped form, the only one to store."""
    suite = configured_suite()
    secret = secrets.token_bytes(suite.key_size)
    wrapped = _wrap(secret, suite, table, record, compartment)
    return DataKey(suite, table, record, _aead(suite, secret)), wrapped


@sensitive_variables()
def unwrap(wrapped: bytes, *, table: str, record: str, compartment: Compartment) -> DataKey:
    """Open the key of this record from this compartment.

    Raises Tampered when the bytes were altered or made for another record or compartment, and KeyUnavailable
    when the version they name is not in the keyring.
    """
    suite, secret = _unwrap(wrapped, table, record, compartment)
    return DataKey(suite, table, record, _aead(suite, secret))


@sensitive_variables()
def rewrap(wrapped: bytes, *, table: str, record: str, compartment: Compartment, to: Compartment) -> bytes:
    """Move the key of this record to a compartment, under its current version; the data key stays the same."""
    suite, secret = _unwrap(wrapped, table, record, compartment)
    return _wrap(secret, suite, table, record, to)


def rewrap_to_current(wrapped: bytes, *, table: str, record: str, compartment: Compartment) -> bytes:
    """Wrap the key under the compartment's current version; bytes that are already so come back unchanged."""
    if is_current(wrapped):
        unwrap(wrapped, table=table, record=record, compartment=compartment)
        return bytes(wrapped)
    return rewrap(wrapped, table=table, record=record, compartment=compartment, to=compartment)


def is_current(wrapped: bytes) -> bool:
    """Is the key wrapped under the current version of the compartment it names?"""
    _, compartment, version = _read_header(bytes(wrapped))
    return version == keyring().current_version(compartment)


def index(purpose: str, value: str) -> bytes:
    """The keyed index of a value: equal for equal values of one purpose, unrelated between purposes."""
    return keyring().index(_bind(LABEL + b"index", purpose.encode(), value.encode("utf-8", "surrogatepass")))


@sensitive_variables()
def _wrap(secret: bytes, suite: Suite, table: str, record: str, compartment: Compartment) -> bytes:
    keys = keyring()
    version = keys.current_version(compartment)
    header = WRAPPED_HEADER.pack(FORMAT, suite, COMPARTMENT_NUMBERS[compartment], version)
    aad = _wrapped_aad(header, table, record)
    return header + keys.wrap(secret, suite=suite, compartment=compartment, version=version, aad=aad)


@sensitive_variables()
def _unwrap(wrapped: bytes, table: str, record: str, compartment: Compartment) -> tuple[Suite, bytes]:
    wrapped = bytes(wrapped)
    suite, found, version = _read_header(wrapped)
    if found is not compartment:
        raise Tampered(f"The wrapped key is not in the {compartment} compartment. Tell the auditor.")
    header, sealed = wrapped[: WRAPPED_HEADER.size], wrapped[WRAPPED_HEADER.size :]
    aad = _wrapped_aad(header, table, record)
    return suite, keyring().unwrap(sealed, suite=suite, compartment=compartment, version=version, aad=aad)


def _wrapped_aad(header: bytes, table: str, record: str) -> bytes:
    return _bind(LABEL + b"wrapped", header, table.encode(), record.encode())


def _read_header(wrapped: bytes) -> tuple[Suite, Compartment, int]:
    if len(wrapped) >= WRAPPED_HEADER.size:
        form, suite, number, version = WRAPPED_HEADER.unpack_from(wrapped)
        for compartment, known in COMPARTMENT_NUMBERS.items():
            if form == FORMAT and suite in Suite.__members__.values() and number == known:
                return Suite(suite), compartment, version
    raise Tampered("The wrapped key has a header that is not known. Restore it from a backup and tell the auditor.")
