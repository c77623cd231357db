"""What holds the keys that open all others. Django-free."""

from __future__ import annotations

import os
from typing import NoReturn, Protocol

from cryptography.hazmat.primitives import hmac

from access.vault.ciphers import (
    NONCE_SIZE,
    Aead,
    Compartment,
    KeyUnavailable,
    Suite,
    cipher_for,
    derive,
    open_sealed,
)


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

    def mac(self, message: bytes) -> bytes:
        """Another keyed HMAC of 32 bytes, which proves that the holder of this keyring wrote the message."""


class FileKeyring:
    """A keyring read from a file, with the keys of one compartment or more; it does not change once read."""

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
        # Two keys from one master: what finds people and what proves records never share one.
        self._index, self._mac = (
            hmac.HMAC(derive(index_master, index_suite, 32, f"{purpose}/{index_suite}"), index_suite.hash)
            for purpose in ("index", "mac")
        )

    def __repr__(self) -> str:
        return "<FileKeyring>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A keyring cannot be copied or pickled.")

    def current_version(self, compartment: Compartment) -> int:
        """Return the version that new keys are wrapped with; KeyUnavailable where this keyring has no such compartment."""
        if compartment not in self._current:
            raise KeyUnavailable(f"This keyring has no {compartment} key; it is in the keyring of another setting.")
        return self._current[compartment]

    def wrap(self, secret: bytes, *, suite: Suite, compartment: Compartment, version: int, aad: bytes) -> bytes:
        """Encrypt a data key under one version of a compartment's key, bound to `aad`."""
        nonce = os.urandom(NONCE_SIZE)
        return nonce + self._cipher(suite, compartment, version).encrypt(nonce, secret, aad)

    def unwrap(self, sealed: bytes, *, suite: Suite, compartment: Compartment, version: int, aad: bytes) -> bytes:
        """Return a data key; Tampered or KeyUnavailable where it was wrapped for something else or elsewhere."""
        return open_sealed(self._cipher(suite, compartment, version), sealed, aad)

    def index(self, message: bytes) -> bytes:
        """Return the keyed digest by which a text is found and not read."""
        context = self._index.copy()
        context.update(message)
        return context.finalize()

    def mac(self, message: bytes) -> bytes:
        """Return the keyed digest that says a content was not altered."""
        context = self._mac.copy()
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
            cipher = self._ciphers[wanted] = cipher_for(suite, derive(master, suite, suite.key_size, purpose))
        return cipher
