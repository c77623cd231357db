"""Authenticated encryption in two suites, and what goes wrong with it. Django-free: the key service stands on it."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_SIZE = 12
TAG_SIZE = 16
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
        """How many bytes a key of this suite has."""
        return 32 if self is Suite.AES_256_GCM else 16

    @property
    def hash(self) -> hashes.HashAlgorithm:
        """The hash that goes with the cipher."""
        return hashes.SHA256() if self is Suite.AES_256_GCM else hashes.SM3()


SUITE_NAMES = {"aes": Suite.AES_256_GCM, "sm": Suite.SM4_GCM}
COMPARTMENT_NUMBERS = {Compartment.WORKING: 1, Compartment.SEALED: 2}


class Aead(Protocol):
    """Sealing that notices every change: the shape of cryptography's AESGCM."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        """Return ciphertext and tag; a nonce is never used twice with one key."""

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        """Return the plaintext, or raise InvalidTag where anything differs."""


class Sm4Gcm:
    """SM4-GCM behind the same two calls as AESGCM."""

    __slots__ = ("_algorithm",)

    def __init__(self, key: bytes) -> None:
        self._algorithm = algorithms.SM4(key)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        """Return ciphertext and tag."""
        encryptor = Cipher(self._algorithm, modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(associated_data)
        return encryptor.update(data) + encryptor.finalize() + encryptor.tag

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        """Return the plaintext once its tag was checked; InvalidTag otherwise, and nothing leaves before."""
        if len(data) < TAG_SIZE:
            raise InvalidTag
        body, tag = data[:-TAG_SIZE], data[-TAG_SIZE:]
        decryptor = Cipher(self._algorithm, modes.GCM(nonce, tag)).decryptor()
        decryptor.authenticate_additional_data(associated_data)
        unverified = decryptor.update(body)
        # The low-level cipher hands out plaintext before it has checked the tag: nothing leaves before this line.
        rest = decryptor.finalize()
        return unverified + rest


def cipher_for(suite: Suite, key: bytes) -> Aead:
    """Return the authenticated cipher of this suite."""
    return AESGCM(key) if suite is Suite.AES_256_GCM else Sm4Gcm(key)


def bind(*parts: bytes) -> bytes:
    """Join the parts so that no two different lists of parts give the same bytes."""
    return b"".join(len(part).to_bytes(4) + part for part in parts)


def derive(master: bytes, suite: Suite, size: int, purpose: str) -> bytes:
    """Derive a key for one purpose; keys of different purposes tell nothing of each other."""
    return HKDF(suite.hash, size, salt=None, info=LABEL + purpose.encode()).derive(master)


def open_sealed(cipher: Aead, sealed: bytes, aad: bytes) -> bytes:
    """Open nonce, ciphertext and tag, or say that they were altered."""
    try:
        return cipher.decrypt(sealed[:NONCE_SIZE], sealed[NONCE_SIZE:], aad)
    except (InvalidTag, ValueError):
        raise Tampered(
            "The sealed bytes were altered or belong elsewhere. Restore them from a backup and tell the auditor."
        ) from None
