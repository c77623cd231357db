"""The one door: the only code that decrypts sealed particulars (Rule 1)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import ProgrammingError, connection, transaction
from psycopg.errors import InsufficientPrivilege

from access import vault
from access.actions import opening
from access.actions.requests import read_particulars
from access.exceptions import NothingToShow
from access.models import Grant, Organisation, RequestSubject, User
from access.models.law import Rung
from records.actions import TABLE
from records.entry import Particulars
from records.models import Offence

# What an answer at rung FULL may say of the particulars; remarks of reviewers stay inside.
SHOWN_FIELDS = ("name", "document_type", "number", "address", "facts", "evidence", "case_number", "decision_number")

_offences: dict[uuid.UUID, Offence] = {}


@dataclass(frozen=True)
class ShownRecord:
    """One sealed record as far as a rung shows it; `particulars` is empty below FULL."""

    offence: Offence
    organ: Organisation
    acted_on: date
    decided_on: date
    warning: bool
    fine_yuan: int
    detention_days: int
    licence_revoked: bool
    exit_order: bool
    deportation: bool
    particulars: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """The least answer that a grant allows about one person; `is_present` is all there is at rung PRESENCE."""

    grant: Grant
    event: uuid.UUID
    opened_at: datetime
    viewable_until: datetime
    is_present: bool
    records: Sequence[ShownRecord]


def open_answer(grant: Grant, subject: RequestSubject, *, by: User, session_key: str, token: uuid.UUID) -> Answer:
    """Count and commit one opening, then read what it covers; "none" and "not for you" are the same (Rule 3).

    Raises what `access.actions.opening.open_grant` raises, and TrailUnavailable: then nothing was read. Inside an outer
    transaction it raises RuntimeError, since an event that can still be rolled back proves nothing (Rule 2).
    """
    grant, counted, event = opening.open_grant(grant, subject, by=by, session_key=session_key, token=token)
    rows = _disclosed(event)
    records = [] if grant.rung == Rung.PRESENCE else _of_the_decision(_shown(rows), grant)
    return Answer(
        grant=grant,
        event=event,
        opened_at=counted.opened_at,
        viewable_until=counted.viewable_until,
        is_present=bool(rows if grant.rung == Rung.PRESENCE else records),
        records=records,
    )


def _of_the_decision(records: list[ShownRecord], grant: Grant) -> list[ShownRecord]:
    """Keep the decision under review where the grant is about one: the database knows its day, the particulars its number."""
    if grant.decision_on is None or grant.rung != Rung.FULL:
        return records
    asked = read_particulars(grant.access_request).decision_number
    return [record for record in records if record.particulars["decision_number"] == asked]


@transaction.atomic(durable=True)
def _disclosed(event: uuid.UUID) -> list[dict[str, Any]]:
    """Ask the database for what this committed event covers; it checks the grant again by itself."""
    with connection.cursor() as cursor:
        try:
            cursor.execute("select * from records_disclosed(%s)", [event])
        except ProgrammingError as error:
            if isinstance(error.__cause__, InsufficientPrivilege):
                raise NothingToShow from None  # the grant ended between the two steps
            raise
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _shown(rows: list[dict[str, Any]]) -> list[ShownRecord]:
    offences = _read_once({row["offence_id"] for row in rows})
    organs = Organisation.objects.in_bulk([row["organ_id"] for row in rows])
    return [
        ShownRecord(
            offence=offences[row["offence_id"]],
            organ=organs[row["organ_id"]],
            acted_on=row["acted_on"],
            decided_on=row["decided_on"],
            warning=row["warning"],
            fine_yuan=row["fine_yuan"],
            detention_days=row["detention_days"],
            licence_revoked=row["licence_revoked"],
            exit_order=row["exit_order"],
            deportation=row["deportation"],
            particulars=_decrypted(row),
        )
        for row in rows
    ]


def _read_once(ids: set[uuid.UUID]) -> dict[uuid.UUID, Offence]:
    """Return rows of the catalogue, each read from the database once for the life of the process: they are frozen."""
    missing = ids - _offences.keys()
    if missing:
        _offences.update(Offence.objects.in_bulk(missing))
    return _offences


def _decrypted(row: dict[str, Any]) -> dict[str, str]:
    if row["wrapped"] is None:
        return {}
    key = vault.unwrap(bytes(row["wrapped"]), table=TABLE, record=str(row["id"]), compartment=vault.Compartment.SEALED)
    particulars = Particulars.from_bytes(key.decrypt(bytes(row["particulars"]), field="particulars"))
    return {name: getattr(particulars, name) for name in SHOWN_FIELDS}
