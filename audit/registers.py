"""What other apps compare with the trail: each registers its checks here, and verification runs them."""

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from django.db import connection, models


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, and where: a place in the log, an event, a row (`app.model:id`), or nowhere in particular."""

    what: models.TextChoices
    index: int | None = None
    event_id: uuid.UUID | None = None
    row: str | None = None

    def __str__(self) -> str:
        place = " ".join(str(part) for part in (self.index, self.event_id, self.row) if part is not None)
        return f"{place}: {self.what.label}" if place else str(self.what.label)


# A check runs inside the one snapshot of a verification, reads in bounded memory, and changes nothing.
Check = Callable[[], Iterable[Fault]]

# Says in a sentence what is not checked on this machine, or nothing where it is.
Absence = Callable[[], str | None]

_wrongs: dict[str, models.TextChoices] = {}
_checks: dict[str, Check] = {}
_absences: list[Absence] = []


def register(wrongs: type[models.TextChoices], *checks: Check, absence: Absence | None = None) -> None:
    """Add an app's checks and what they may find; their codes are unique over all apps."""
    if absence:
        _absences.append(absence)
    for one in wrongs:
        if _wrongs.setdefault(one.value, one) is not one:
            raise ValueError(f"Two registers call something {one.value}.")
    for check in checks:
        _checks[f"{check.__module__}.{check.__qualname__}"] = check


def checks() -> list[Check]:
    """Return every check that an app registered, each once."""
    return list(_checks.values())


def not_checked() -> list[str]:
    """Return what is not checked on this machine, one sentence each."""
    return [sentence for absence in _absences if (sentence := absence())]


def wrong(code: str) -> models.TextChoices:
    """Return what a code in a recorded outcome means; ValueError for one that nobody registered."""
    try:
        return _wrongs[code]
    except (KeyError, TypeError):
        raise ValueError("No register knows this code.") from None


def ask(statement: str) -> Iterator[Fault]:
    """Yield a fault for each row (code, event or null, row or null) of a statement, a few at a time."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement)
        while rows := cursor.fetchmany(500):
            for code, event_id, row in rows:
                yield Fault(wrong(code), event_id=event_id, row=row)
