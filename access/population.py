"""The port for a population register: do these names belong to these numbers? Where none is connected, the organ that
decides answers that for each person.

A register is about all residents, so what it says tells nothing of records (Rule 3). `settings.POPULATION_REGISTER` names a
function that takes people and returns one answer for each, within some seconds, or raises whatever it likes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from access.exceptions import Refused
from access.models.requests import PopulationAnswer, RequestSubject
from access.subjects import Named


@dataclass(frozen=True)
class Said:
    """How a page shows what is known of a name and a number: colour, icon and words."""

    tone: str
    icon: str
    label: Promise


SAID = {
    "": Said("grey", "file-search", _("To be compared with the document")),
    PopulationAnswer.MATCHES.value: Said("grey", "circle-check", _("Belong together, by the population register")),
    PopulationAnswer.DIFFERS.value: Said("amber", "triangle-alert", _("Another name in the population register")),
    PopulationAnswer.UNKNOWN.value: Said("grey", "file-search", _("Not in the population register")),
}
COMPARED = Said("grey", "circle-check", _("Belong together, by the document, which the deciding organ saw"))
Register = Callable[[Sequence[Named]], Sequence[PopulationAnswer]]
logger = logging.getLogger(__name__)


class NamesDiffer(Refused):
    """The register has other names for the numbers of these people; `places` says for which, counted from 1."""

    def __init__(self, places: Sequence[int]) -> None:
        self.places = tuple(places)
        super().__init__(
            _(
                "In the population register another name belongs to a number below; the people are marked. Compare name and number with the document and correct what was mistyped. If the document says what you typed, confirm that below."
            )
        )


def said_of(subject: RequestSubject, *, is_granted: bool) -> Said:
    """Return what is known of name and number of a person asked about: a grant needs more than a question."""
    if is_granted and subject.population != PopulationAnswer.MATCHES:
        return COMPARED
    return SAID[subject.population]


def is_connected() -> bool:
    return bool(settings.POPULATION_REGISTER)


def connected() -> Register:
    """Return the register's function. Raises ImproperlyConfigured where the setting names none."""
    try:
        found: Register = import_string(settings.POPULATION_REGISTER)
    except ImportError as error:
        raise ImproperlyConfigured(f"POPULATION_REGISTER names nothing that can be imported: {error}") from None
    return found


def ask(people: Sequence[Named]) -> list[PopulationAnswer] | None:
    """Return one answer for each person in order; None where the register gives none that can be used.

    Whether this may be asked, and that it is, has been written and committed before (`database.ask_population`).
    """
    try:
        answers = [PopulationAnswer(answer) for answer in connected()(people)]
    except Exception as error:  # noqa: BLE001 - what a register raises is its own affair, and may name people
        logger.error("The population register cannot be asked: %s", type(error).__name__)
        return None
    if len(answers) != len(people):
        logger.error("The population register answered about %d people, not %d.", len(answers), len(people))
        return None
    return answers
