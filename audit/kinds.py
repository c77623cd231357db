"""What other apps tell the pages of the trail: words for codes, what can be looked for, and what else a row says.

`audit` knows no other app, and an event holds codes only. Each app registers here, when it is ready, how its codes read
and how the things that it owns are found; nothing that is looked up here decides anything.
"""

import re
import unicodedata
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# What may be looked up: whatever else stands in a row, it is no code.
CODE = re.compile(r"[\x21-\x7e]{1,200}")
SHORT_ID = re.compile(r"[0-9a-f]{8}")
# More things of one name than anybody means.
MOST_FOUND = 200


@dataclass(frozen=True)
class Said:
    """What an event says, each part a text or nothing."""

    id: uuid.UUID
    kind: str | None
    actor: str | None
    unit: str | None
    target_type: str | None
    target_id: str | None
    detail: dict[str, Any]

    def code(self, name: str) -> str | None:
        """Return a detail that is a code, or None where something else stands there."""
        value = self.detail.get(name)
        return value if isinstance(value, str) and CODE.fullmatch(value) else None


@dataclass(frozen=True)
class Found:
    """One thing that somebody looked for: how it reads, and which events are about it, by it or of its people."""

    words: str
    targets: frozenset[str] = frozenset()
    actors: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()
    events: frozenset[uuid.UUID] = frozenset()


# How codes of one sort read, in the reader's language; what is unknown is left out.
Words = Callable[[set[str]], Mapping[str, str]]
# What goes by a number, a name or an id.
Finder = Callable[[str], Iterable[Found]]
# What a row says beside its sentence, by the event's id; one question for all of them.
Remarks = Callable[[list[Said]], Mapping[uuid.UUID, str]]

_words: dict[str, list[Words]] = {}
_finders: list[Finder] = []
_remarks: list[Remarks] = []


def register(
    *, words: Mapping[str, Words] | None = None, finder: Finder | None = None, remarks: Remarks | None = None
) -> None:
    """Add what an app tells: words for sorts of codes, a finder of what it owns, remarks on its events."""
    for sort, read in (words or {}).items():
        _words.setdefault(sort, []).append(read)
    if finder:
        _finders.append(finder)
    if remarks:
        _remarks.append(remarks)


def words(sort: str, codes: Iterable[str]) -> dict[str, str]:
    """Return how these codes of one sort read; one without words is not in it."""
    wanted = {code for code in codes if CODE.fullmatch(code)}
    found: dict[str, str] = {}
    for read in _words.get(sort, []) if wanted else []:
        found |= read(wanted)
    return found


def find(text: str, *, but: Finder | None = None) -> list[Found]:
    """Return everything that goes by this number, id or name, however it was typed; `but` is not asked."""
    text = " ".join(unicodedata.normalize("NFKC", text).split())
    return [found for finder in _finders if finder is not but for found in finder(text)] if text else []


def remarks(said: list[Said]) -> dict[uuid.UUID, str]:
    """Return what these events say beside their sentences, by their id."""
    found: dict[uuid.UUID, str] = {}
    for read in _remarks:
        found |= read(said)
    return found


def ids(text: str) -> tuple[uuid.UUID, uuid.UUID] | None:
    """Return the first and the last id that a text may stand for: one in full, or those of its eight first letters."""
    text = text.lower().removeprefix("#")
    if SHORT_ID.fullmatch(text):
        return uuid.UUID(text + "0" * 24), uuid.UUID(text + "f" * 24)
    try:
        whole = uuid.UUID(text)
    except ValueError:
        return None
    return whole, whole
