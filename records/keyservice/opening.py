"""Opening: what committed events cover."""

from __future__ import annotations

import hmac
import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from access.exceptions import NothingToShow, Unavailable
from access.vault import datakeys
from access.vault.ciphers import Compartment, VaultError
from access.vault.keyring import Keyring
from records.keyservice.connection import RefusedByDatabase, register_keys, sealed

# What data keys and ciphertexts behind the seal are bound to, beside the record.
TABLE = "sealed.record"
FIELD = "particulars"
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SealedRow:
    """One sealed record as far as its grant's rung shows it; `particulars` is None below FULL."""

    offence_id: uuid.UUID
    organ_id: uuid.UUID
    acted_on: date
    decided_on: date
    served_on: date
    warning: bool
    fine_yuan: int
    detention_days: int
    licence_revoked: bool
    exit_order: bool
    deportation: bool
    particulars: bytes | None = field(repr=False)


@dataclass(frozen=True)
class Opened:
    """The answer to one event. `rows` stays empty at rung PRESENCE, whose answer is yes or no (Rule 7)."""

    is_present: bool
    rows: list[SealedRow]


_COLUMNS = tuple(name for name in SealedRow.__dataclass_fields__ if name != "particulars")


def open(events: Sequence[uuid.UUID]) -> dict[uuid.UUID, Opened]:
    """Return what these committed openings cover, by event; each event shows once, and all of them or none.

    The database checks every condition again by this connection's own session. Raises NothingToShow where it refuses
    (an event that is not committed, not of this minute, shown before, or whose grant has ended), and Unavailable where
    a key is missing or a record is not what was sealed: then the events are used up and nothing is shown.
    """
    keys = register_keys()
    try:
        with sealed() as connection:
            # Two statements, each committed by itself: the mark is durable before anything is read (Rule 2).
            connection.execute("select sealed.mark(%s)", [list(events)])
            rows = connection.execute("select * from sealed.disclosed(%s)", [list(events)]).fetchall()
    except RefusedByDatabase:
        raise NothingToShow from None
    opened = {event: Opened(is_present=False, rows=[]) for event in events}
    for row in rows:
        check_mac(keys, row)
        opened[row["event"]] = Opened(is_present=True, rows=opened[row["event"]].rows)
        if row["rung"] != "PRESENCE":
            opened[row["event"]].rows.append(_shown(keys, row))
    return opened


def check_mac(keys: Keyring, row: dict[str, Any]) -> None:
    """Raise Unavailable where a sealed record is not what was sealed."""
    if not hmac.compare_digest(keys.mac(row["content"]), row["mac"]):
        logger.error("A sealed record is not what was sealed. Verify the trail.")
        raise Unavailable(
            "A sealed record is not what was sealed, so nothing is shown. The auditors have to verify the trail."
        )


def _shown(keys: Keyring, row: dict[str, Any]) -> SealedRow:
    particulars = None
    if row["wrapped"] is not None:
        try:
            key = datakeys.unwrap(
                keys, row["wrapped"], table=TABLE, record=str(row["id"]), compartment=Compartment.SEALED
            )
            particulars = key.decrypt(row["particulars"], field=FIELD)
        except VaultError as error:
            logger.error("A sealed record cannot be opened: %s", error)
            raise Unavailable(str(error)) from None
    return SealedRow(**{name: row[name] for name in _COLUMNS}, particulars=particulars)
