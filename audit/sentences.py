"""Events as sentences that people read, in the reader's language.

They are read from what was logged, and only where that cannot be read from the columns; whatever stands there, a page
that shows it opens.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit import kinds, reading
from audit.kinds import Said, Vocabulary
from audit.models import Event

# Of one event, on one line.
MOST_DETAILS = 40


@dataclass(frozen=True)
class Line:
    """An event in words: the sentence, and what else is worth knowing as (label, value)."""

    event: Event
    text: str
    details: list[tuple[str, str]]
    # What tells this act from others of its kind ("opening 2 of 3, person 1").
    remark: str = ""
    # The number of the request that it is about.
    number: str = ""


class _Names:
    """How the codes and people of these events read: one question for each sort of them, however many there are."""

    def __init__(self, said: list[Said]) -> None:
        self.vocabulary = kinds.vocabulary()
        self._people = _people(said, self.vocabulary)
        codes: dict[str, set[str]] = defaultdict(set)
        for one in said:
            if one.unit:
                codes["unit"].add(one.unit)
            if one.target_type and one.target_id and one.target_type != _user_type():
                codes[one.target_type].add(one.target_id)
            for name, value in one.detail.items():
                values = value[:MOST_DETAILS] if isinstance(value, list) else [value]
                codes[self.vocabulary.sorts.get(name, name)] |= {text for text in values if isinstance(text, str)}
        self._words = {sort: kinds.words(sort, found) for sort, found in codes.items()}

    def person(self, identifier: str) -> str:
        user = self._people.get(identifier)
        if user is None:
            return _("user %(id)s") % {"id": short(identifier)}
        return _("%(name)s (%(badge)s)") % {"name": user.full_name, "badge": user.badge_number or user.username}

    def named(self, sort: str | None, code: str) -> str | None:
        return self._words.get(sort or "", {}).get(code)

    def unit(self, code: str | None) -> str:
        return (self.named("unit", code) or code) if code else "-"

    def value(self, name: str, value: Any) -> str:
        if name in self.vocabulary.people and _is_uuid(value):
            return self.person(value)
        if isinstance(value, list):
            return _(", ").join(self._word(name, item) for item in value[:MOST_DETAILS]) or "-"
        return self._word(name, value)

    def _word(self, name: str, value: Any) -> str:
        """Return one value in words; what no event of ours holds (a list in a list, an object) is three dots."""
        if value is True:
            return _("yes")
        if value is False:
            return _("no")
        if value is None:
            return "-"
        if not isinstance(value, str | int | float):
            return "…"
        if not isinstance(value, str):
            return str(value)
        return self.named(self.vocabulary.sorts.get(name, name), value) or str(
            self.vocabulary.values.get(value, short(value))
        )


def describe(events: Iterable[Event]) -> list[Line]:
    """Return one line for each event; people and codes are looked up in as many queries for many as for few."""
    pairs = [(event, _read(event)) for event in events]
    said = [one for _event, one in pairs]
    names, remarks = _Names(said), kinds.remarks(said)
    return [
        Line(
            event,
            _sentence(one) % {"who": _who(one, names), "target": _target(one, names)},
            [(_label(one, name, names), names.value(name, value)) for name, value in _worth_reading(one, names)],
            remarks.get(one.id, ""),
            _number(one, names) or "",
        )
        for event, one in pairs
    ]


def kind(event: Event) -> str:
    """Return the kind of an event in words."""
    said = _read(event).kind or ""
    known = kinds.kind_of(said)
    return str(known.label) if known else said


def is_listed_as_it_is(event: Event) -> bool:
    """Say whether the columns that lists filter by are what the event says."""
    said = _read(event)
    listed = (event.kind, event.actor, event.unit, event.target_type, event.target_id)
    return (said.kind, said.actor, said.unit, said.target_type, said.target_id) == listed


def short(identifier: str) -> str:
    """Return the beginning of a long id, enough to recognise it on a page."""
    return identifier[:8] if len(identifier) == 36 else identifier


def _read(event: Event) -> Said:
    read = reading.content(event.canonical)
    if "kind" not in read:  # altered bytes: verification says so, the page must still open
        return Said(event.pk, event.kind, event.actor, event.unit, event.target_type, event.target_id, {})
    detail = reading.part(read, "detail")
    return Said(
        event.pk,
        kind=reading.text(read, "kind"),
        actor=reading.text(read, "actor", "id"),
        unit=reading.text(read, "actor", "unit"),
        target_type=reading.text(read, "target", "type"),
        target_id=reading.text(read, "target", "id"),
        detail=detail if isinstance(detail, dict) else {},
    )


def _worth_reading(said: Said, names: _Names) -> list[tuple[str, Any]]:
    kind, quiet = kinds.kind_of(said.kind), names.vocabulary.quiet
    if kind:
        quiet = quiet.union(kind.quiet(said.detail), [kind.ends[0]] if kind.end(said.detail) else [])
    worth = [(name, value) for name, value in said.detail.items() if name not in quiet and value not in ("", None, [])]
    return worth[:MOST_DETAILS]


def _people(said: Iterable[Said], vocabulary: Vocabulary) -> dict[str, Any]:
    ids = set()
    for one in said:
        ids |= {one.actor, one.target_id if one.target_type == _user_type() else None}
        ids |= {value for name, value in one.detail.items() if name in vocabulary.people and isinstance(value, str)}
    users = get_user_model()._base_manager.filter(pk__in=[one for one in ids if _is_uuid(one)])
    return {str(user.pk): user for user in users.only("pk", "full_name", "badge_number", "username")}


def _user_type() -> str:
    return get_user_model()._meta.label_lower


def _sentence(said: Said) -> str:
    kind = kinds.kind_of(said.kind)
    return str(kind.said(said.detail)) if kind else _("%(who)s: an act of an unknown kind.")


def _who(said: Said, names: _Names) -> str:
    if said.actor is None:
        kind = kinds.kind_of(said.kind)
        if kind and kind.is_of_anybody:
            return _("Somebody who is not signed in")
        return _("The system")
    return _("%(person)s of %(unit)s") % {"person": names.person(said.actor), "unit": names.unit(said.unit)}


def _number(said: Said, names: _Names) -> str | None:
    """Return the number by which people know what an event is about: it says so itself, or the app that owns it does."""
    if number := said.code("number"):
        return number
    vocabulary = names.vocabulary
    if said.target_id and said.target_type in vocabulary.numbered:
        return names.named(said.target_type, said.target_id)
    # The act is about somebody, and a detail names what it was for.
    sorts = ((sort, said.code(name)) for name, sort in vocabulary.sorts.items() if sort in vocabulary.numbered)
    return next((number for sort, code in sorts if code and (number := names.named(sort, code))), None)


def _target(said: Said, names: _Names) -> str:
    vocabulary, sort = names.vocabulary, said.target_type or ""
    if said.target_id is None:
        return _("a page of the system") if said.kind == kinds.DENIED else _("something not named")
    if said.target_type == _user_type():
        return names.person(said.target_id)
    if sort in vocabulary.numbered and (number := _number(said, names)):
        return str(vocabulary.numbered[sort]) % {"number": number}
    if sort in vocabulary.named and (name := names.named(sort, said.target_id)):
        return str(vocabulary.named[sort]) % {"name": name}
    return str(vocabulary.targets.get(sort, gettext_lazy("object %(id)s"))) % {"id": short(said.target_id)}


def _label(said: Said, name: str, names: _Names) -> str:
    kind = kinds.kind_of(said.kind)
    own = kind.labels.get(name) if kind else None
    return str(own or names.vocabulary.details.get(name, name.replace("_", " ")))


def _is_uuid(text: Any) -> bool:
    try:
        return isinstance(text, str) and bool(uuid.UUID(text))
    except ValueError:
        return False
