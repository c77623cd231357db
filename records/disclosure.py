"""The one way to an answer: an opening that is counted and committed, then what the key service opens for it (Rule 1)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Model

from access import kinds as access_kinds
from access.actions import opening
from access.actions.requests import read_particulars
from access.exceptions import NothingToShow, Unavailable
from access.models import Grant, Organisation, RequestSubject, User
from access.models.law import Rung
from audit import trail
from records import keyservice
from records.entry import Particulars
from records.keyservice import SealedRow
from records.models import Offence

# What an answer at rung FULL may say of the particulars; remarks of reviewers stay inside.
SHOWN_FIELDS = ("name", "document_type", "number", "address", "facts", "evidence", "case_number", "decision_number")

_offences: dict[uuid.UUID, Offence] = {}
_organs: dict[uuid.UUID, Organisation] = {}


@dataclass(frozen=True)
class ShownRecord:
    """One sealed record as far as a rung shows it; `particulars` is empty below FULL."""

    offence: Offence
    # The unit that entered it, which need not be the one that decided.
    organ: Organisation
    acted_on: date
    decided_on: date
    served_on: date
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
    opening: uuid.UUID
    event: uuid.UUID
    opened_at: datetime
    viewable_until: datetime
    # When it was read, by the database's clock.
    now: datetime
    is_present: bool
    records: Sequence[ShownRecord]


def open_answer(grant: Grant, subject: RequestSubject, *, by: User, session_key: str, token: uuid.UUID) -> Answer:
    """Count and commit one opening, then read what it covers; "none" and "not for you" are the same (Rule 3).

    Raises what `access.actions.opening.open_grant` raises: then nothing was counted or read. Where the grant ended between
    the two steps (NothingToShow) or the key service cannot open (Unavailable), an event says that nothing was shown.
    """
    [counted] = opening.open_grant(grant, [subject], by=by, session_key=session_key, token=token)
    try:
        opened = keyservice.open([counted.event])[counted.event]
    except (NothingToShow, Unavailable) as error:
        _note_refusal(grant, subject, counted.event, by, unavailable=isinstance(error, Unavailable))
        raise
    records = _of_the_decision(_shown(opened.rows), grant)
    return Answer(
        grant=grant,
        opening=counted.opening,
        event=counted.event,
        opened_at=counted.opened_at,
        viewable_until=counted.viewable_until,
        now=counted.now,
        is_present=opened.is_present if grant.rung == Rung.PRESENCE else bool(records),
        records=records,
    )


def _of_the_decision(records: list[ShownRecord], grant: Grant) -> list[ShownRecord]:
    """Keep the decision under review where the grant is about one: the database knows its day, the particulars its number."""
    if grant.decision_on is None or grant.rung != Rung.FULL:
        return records
    asked = read_particulars(grant.access_request).decision_number
    return [record for record in records if record.particulars["decision_number"] == asked]


@transaction.atomic(durable=True)
def _note_refusal(grant: Grant, subject: RequestSubject, event: uuid.UUID, by: User, *, unavailable: bool) -> None:
    """Say in the trail that a counted opening showed nothing: the grant ended between the two steps, or a key is missing."""
    trail.write(
        access_kinds.ANSWER_REFUSED,
        by=by,
        on=grant,
        event=event,
        subject=str(subject.pk),
        number=grant.access_request.number,
        unavailable=unavailable,
    )


def _shown(rows: Sequence[SealedRow]) -> list[ShownRecord]:
    offences = _read_once(Offence, _offences, {row.offence_id for row in rows})
    organs = _read_once(Organisation, _organs, {row.organ_id for row in rows})
    return [
        ShownRecord(
            offence=offences[row.offence_id],
            organ=organs[row.organ_id],
            acted_on=row.acted_on,
            decided_on=row.decided_on,
            served_on=row.served_on,
            warning=row.warning,
            fine_yuan=row.fine_yuan,
            detention_days=row.detention_days,
            licence_revoked=row.licence_revoked,
            exit_order=row.exit_order,
            deportation=row.deportation,
            particulars=_read(row.particulars),
        )
        for row in rows
    ]


def _read_once(model: type[Model], known: dict[uuid.UUID, Any], ids: set[uuid.UUID]) -> dict[uuid.UUID, Any]:
    """Return rows by id, each read from the database once for the life of the process.

    Offences are frozen; of a unit only the end of its agreement may change, which no answer shows.
    """
    missing = ids - known.keys()
    if missing:
        known.update(model._default_manager.in_bulk(missing))
    return known


def _read(content: bytes | None) -> dict[str, str]:
    if content is None:
        return {}
    particulars = Particulars.from_bytes(content)
    return {name: getattr(particulars, name) for name in SHOWN_FIELDS}
