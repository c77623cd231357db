"""A population register for tests: `settings.POPULATION_REGISTER = residents.PATH`, then say who lives there."""

from __future__ import annotations

from collections.abc import Sequence

from access.identifiers import normalise_name
from access.models.requests import PopulationAnswer
from access.subjects import Named

PATH = "tests.residents.ask"
NAMES: dict[str, str] = {}
# Whom it was asked about, question by question.
ASKED: list[list[str]] = []
# What it does instead of answering.
TROUBLE: list[Exception | list[str]] = []


def ask(people: Sequence[Named]) -> Sequence[PopulationAnswer]:
    ASKED.append([person.number for person in people])
    if TROUBLE:
        trouble = TROUBLE[0]
        if isinstance(trouble, Exception):
            raise trouble
        return trouble  # type: ignore[return-value]
    return [_answer(person) for person in people]


def _answer(person: Named) -> PopulationAnswer:
    name = NAMES.get(person.number)
    if name is None:
        return PopulationAnswer.UNKNOWN
    is_same = normalise_name(name) == normalise_name(person.name)
    return PopulationAnswer.MATCHES if is_same else PopulationAnswer.DIFFERS


def live(*people: Named) -> None:
    """Let these people live there, and nobody else; nothing was asked yet."""
    NAMES.clear()
    ASKED.clear()
    TROUBLE.clear()
    NAMES.update({person.number: person.name for person in people})
