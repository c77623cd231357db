"""Kinds of events and how they read: each app registers its own, and the pages of the trail ask here.

`audit` knows no other app, and an event holds codes only. Each app defines its kinds in its own `kinds.py`, and tells
when it is ready how its codes read and how the things that it owns are found; nothing that is looked up here decides
anything. Which kinds may be written is the table `audit_kind`, which migrations fill; `audit/checks.py` compares.
"""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# What may be looked up: whatever else stands in a row, it is no code.
CODE = re.compile(r"[\x21-\x7e]{1,200}")
KIND = re.compile(r"[A-Z_]{3,60}")
SHORT_ID = re.compile(r"[0-9a-f]{8}")
# More things of one name than anybody means.
MOST_FOUND = 200

Text = str | Promise
Detail = Mapping[str, Any]


class Group(models.TextChoices):
    """Business is what the system is for; process is how people get to it; system is who may, and whether all holds."""

    BUSINESS = "BUSINESS", _("Business: records, requests, grants, answers")
    PROCESS = "PROCESS", _("Process: signing in, confirming identity, refusals")
    SYSTEM = "SYSTEM", _("System: people, duties, law, the trail itself")


class Kind(str):
    """One kind of event: the code that is stored, and with it what pages say of such an event.

    Making one registers it, once and for the life of the process; a second one of the same code is refused.
    """

    label: Text
    sentence: Text
    group: Group
    # Where one kind of act has several ends: the detail that says which, and the sentence for each.
    ends: tuple[str, Mapping[Any, Text]]
    # Where the event says on which sides less was given than was asked, the sentence says it too.
    in_part: Text | None
    # Details that mean something else in events of this kind.
    labels: Mapping[str, Text]
    # Which details of an event of this kind say nothing, given all of them.
    quiet: Callable[[Detail], Collection[str]]
    # Without an actor it was not the system, but somebody who is not signed in.
    is_of_anybody: bool

    def __new__(
        cls,
        code: str,
        label: Text,
        sentence: Text,
        group: Group,
        *,
        ends: tuple[str, Mapping[Any, Text]] = ("", {}),
        in_part: Text | None = None,
        labels: Mapping[str, Text] | None = None,
        quiet: Callable[[Detail], Collection[str]] = lambda detail: (),
        is_of_anybody: bool = False,
    ) -> Kind:
        if not KIND.fullmatch(code) or code in _kinds:
            raise ValueError(f"The kind of event {code} is registered already, or is no code.")
        kind = super().__new__(cls, code)
        kind.label, kind.sentence, kind.group, kind.ends, kind.in_part = label, sentence, group, ends, in_part
        kind.labels, kind.quiet, kind.is_of_anybody = labels or {}, quiet, is_of_anybody
        _kinds[code] = kind
        return kind

    def end(self, detail: Detail) -> Text | None:
        """Return the sentence for the end that this act had, where its kind has several."""
        name, ends = self.ends
        end = detail.get(name)
        return ends.get(end) if isinstance(end, str | bool) else None

    def said(self, detail: Detail) -> Text:
        """Return the sentence for an event of this kind with these details."""
        return (detail.get("narrowed") and self.in_part) or self.end(detail) or self.sentence


@dataclass(frozen=True)
class Vocabulary:
    """How the targets, details and values of an app's events read."""

    # By the type of the target: with its short id, with the name that its app gives it, with the number that people say.
    targets: Mapping[str, Text] = field(default_factory=dict)
    named: Mapping[str, Text] = field(default_factory=dict)
    numbered: Mapping[str, Text] = field(default_factory=dict)
    # By the name of the detail; and details that are codes of another sort than their name.
    details: Mapping[str, Text] = field(default_factory=dict)
    sorts: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Text] = field(default_factory=dict)
    # Details that name somebody.
    people: frozenset[str] = frozenset()
    # What tells a reader nothing on a line; the page of the event shows all that was logged.
    quiet: frozenset[str] = frozenset()

    def __or__(self, other: Vocabulary) -> Vocabulary:
        """Return what both say; ValueError where they say different things of one word."""
        merged: dict[str, Any] = {}
        for part in (one.name for one in fields(Vocabulary)):
            ours, theirs = getattr(self, part), getattr(other, part)
            if isinstance(ours, Mapping) and (
                twice := [name for name in ours.keys() & theirs if ours[name] != theirs[name]]
            ):
                raise ValueError(f"Two apps say how {twice[0]} reads ({part}).")
            merged[part] = ours | theirs
        return Vocabulary(**merged)


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

_kinds: dict[str, Kind] = {}
# What all apps said so far comes last.
_vocabularies: list[Vocabulary] = [Vocabulary()]
_words: dict[str, list[Words]] = {}
_finders: list[Finder] = []
_remarks: list[Remarks] = []


def register(
    *,
    vocabulary: Vocabulary | None = None,
    words: Mapping[str, Words] | None = None,
    finder: Finder | None = None,
    remarks: Remarks | None = None,
) -> None:
    """Add what an app tells: its vocabulary, words for sorts of codes, a finder of what it owns, remarks on its events.

    Two apps that say different things of one word are refused.
    """
    if vocabulary:
        _vocabularies.append(_vocabularies[-1] | vocabulary)
    for sort, read in (words or {}).items():
        _words.setdefault(sort, []).append(read)
    if finder:
        _finders.append(finder)
    if remarks:
        _remarks.append(remarks)


def registered() -> list[Kind]:
    """Return every kind that an app registered, business first."""
    groups = list(Group)
    return sorted(_kinds.values(), key=lambda kind: groups.index(kind.group))


def choices() -> list[tuple[str, Text]]:
    """Return every kind with its label, as a form offers them."""
    return [(str(kind), kind.label) for kind in registered()]


def kind_of(code: str | None) -> Kind | None:
    """Return the kind that goes by this code, or None where nobody registered one."""
    return _kinds.get(code or "")


def labels(codes: set[str]) -> dict[str, str]:
    """Return these kinds of events in words."""
    return {code: str(_kinds[code].label) for code in codes if code in _kinds}


def vocabulary() -> Vocabulary:
    """Return what all apps said."""
    return _vocabularies[-1]


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


# The kinds of this app ------------------------------------------------------------------------------------------------
DENIED = Kind(
    "DENIED", _("Access denied"), _("%(who)s was refused access to %(target)s."), Group.PROCESS, is_of_anybody=True
)
TRAIL_VERIFIED = Kind(
    "TRAIL_VERIFIED",
    _("Trail verified"),
    _("%(who)s verified the trail."),
    Group.SYSTEM,
    ends=(
        "holds",
        {
            True: _("%(who)s verified the trail: it holds."),
            False: _("%(who)s verified the trail: it does not hold."),
        },
    ),
)
TRAIL_ALARM = Kind("TRAIL_ALARM", _("Alarm of the trail"), _("%(who)s raised an alarm about the trail."), Group.SYSTEM)
ALARM_SENT = Kind("ALARM_SENT", _("Alarm sent"), _("%(who)s sent %(target)s to those who have to know."), Group.SYSTEM)
ALARM_CLOSED = Kind("ALARM_CLOSED", _("Alarm closed"), _("%(who)s closed %(target)s with a finding."), Group.SYSTEM)
TRAIL_EXPORTED = Kind(
    "TRAIL_EXPORTED", _("Events saved as a table"), _("%(who)s saved events as a table."), Group.SYSTEM
)
SCHEMA_ACCEPTED = Kind(
    "SCHEMA_ACCEPTED",
    _("Structure of the database accepted"),
    _("%(who)s accepted how the database is built now."),
    Group.SYSTEM,
)
RECONCILED = Kind(
    "RECONCILED",
    _("Restored database reconciled"),
    _("%(who)s reconciled a restored database with the trail and began a new log."),
    Group.SYSTEM,
)

VOCABULARY = Vocabulary(
    targets={"url": _("the page of %(id)s"), "audit.event": _("the alarm of event %(id)s")},
    details={
        "rows": _("Rows"),
        "of_kind": _("Act"),
        "of_group": _("Group"),
        "first": _("From"),
        "last": _("Until"),
        "ways": _("Sent by"),
        "view": _("Page"),
        "method": _("Method"),
        "reason": _("Reason"),
        "holds": _("Holds"),
        "size": _("Events in the log"),
        "faults": _("Faults"),
    },
    sorts={"of_kind": "kind", "of_group": "group"},
    values={"GET": _("looking at it"), "POST": _("sending a form")},
    quiet=frozenset(
        {
            *("number", "event", "digest", "things", "waiting"),
            *(
                "checkpoints",
                "fault_events",
                "fault_indexes",
                "fault_kinds",
                "fault_rows",
                "has_witness",
                "signed_size",
            ),
        }
    ),
)
# The pages of this app by their titles, and what a refusal says that has no page.
PAGES: dict[str, Text] = {
    "audit:events": _("Audit trail"),
    "audit:event": _("Event"),
    "audit:export": _("Save events as a table"),
    "audit:alarms": _("Alarms of the trail"),
    "audit:alarm": _("Close an alarm"),
    "audit:verification": _("Verification of the trail"),
    "audit:accept": _("Accept how the database is built"),
    "unnamed": _("a page of the system"),
}


def titles(pages: Mapping[str, Text]) -> Words:
    """Return how the pages of an app read, for `register`."""
    return lambda codes: {code: str(pages[code]) for code in codes if code in pages}
