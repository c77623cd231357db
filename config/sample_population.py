"""The population register of the demo: everybody of the invented city, most of whom have no record. Production refuses it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from django.conf import settings

from access.identifiers import normalise_name, subject_text
from access.models.requests import PopulationAnswer
from access.subjects import Named


def ask(people: Sequence[Named]) -> list[PopulationAnswer]:
    """Say of each person whether name and number belong together."""
    residents: dict[str, str] = json.loads(_file().read_text(encoding="utf-8"))
    return [_answer(residents.get(subject_text(person.document_type, person.number)), person) for person in people]


def register(people: Iterable[Named]) -> None:
    """Write who lives in the city: as somebody else's register would be, it is no part of the database."""
    residents = {subject_text(person.document_type, person.number): person.name for person in people}
    _file().write_text(json.dumps(residents, ensure_ascii=False), encoding="utf-8")


def _answer(name: str | None, person: Named) -> PopulationAnswer:
    if name is None:
        return PopulationAnswer.UNKNOWN
    is_same = normalise_name(name) == normalise_name(person.name)
    return PopulationAnswer.MATCHES if is_same else PopulationAnswer.DIFFERS


def _file() -> Path:
    return settings.DATA_DIR / "population.json"
