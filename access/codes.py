"""One-time codes for paper: easy to read and to type, hard to guess, and not to be had from what is kept of them.

A code of one person is one part, a code of two people is two. The database keeps the digest of a slow digest of each
part with its salt and a key from outside: reading the table opens nothing, and neither does writing to it.
"""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from access import vault

# Without 0 O, 1 I L: what is read from paper or told on the telephone is typed right.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
PART = 12  # 59 bits
GROUP = 4
SALT_BYTES = 16


def new_part() -> str:
    """Return one random part of a code, in letters that are not mistaken for each other."""
    return "".join(secrets.choice(ALPHABET) for _place in range(PART))


def new_salt() -> bytes:
    """Return a random salt for the digest of one part."""
    return secrets.token_bytes(SALT_BYTES)


def grouped(part: str) -> str:
    """Return a code as it stands on paper: in groups of four."""
    return "-".join(part[start : start + GROUP] for start in range(0, len(part), GROUP))


def read(text: str) -> tuple[str, str]:
    """Return the two parts of what was typed, however it was grouped; the second is empty for a code of one part."""
    typed = "".join(char for char in unicodedata.normalize("NFKC", text).upper() if char.isalnum())
    return typed[:PART], typed[PART:]


def slow(part: str, salt: bytes) -> bytes:
    """Return what proves the part to the database; it takes some hundredths of a second on purpose.

    It needs a key that is not in the database, so that whoever can only write there makes no code that lets them in.
    """
    return hashlib.scrypt(vault.index("one-time code", part), salt=salt, n=2**13, r=8, p=1, dklen=32)


def digest(part: str, salt: bytes) -> bytes:
    """Return what is kept of the part."""
    return hashlib.sha256(slow(part, salt)).digest()


class Part(Enum):
    """Which part of a code somebody holds in hand."""

    WHOLE = "whole"
    FIRST = "first"
    SECOND = "second"


@dataclass(frozen=True)
class Code:
    """What is shown once, for paper; nothing keeps it. A first half has no end yet: it begins with the second."""

    text: str
    part: Part
    until: datetime | None = None
