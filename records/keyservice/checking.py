"""Checking: are sealed records what was sealed? Nothing that they say comes out."""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from records.keyservice.connection import register_keys, sealed

MOST_STRAYS = 20


@dataclass(frozen=True)
class Checked:
    """What is wrong behind the seal: altered, gone, or put there without a stub."""

    altered: list[uuid.UUID]
    missing: list[uuid.UUID]
    strays: list[uuid.UUID]

    @property
    def holds(self) -> bool:
        """Say whether every sealed record is what was sealed, and none is missing or too many."""
        return not (self.altered or self.missing or self.strays)


def check(ids: Sequence[uuid.UUID], *, strays: bool | None = None) -> Checked:
    """Make the MAC of each of these records again, and look for records that no stub speaks of (reading all; `strays`
    says whether, by default where there are ids).

    With no ids it only says, by not raising Unavailable, that connection, functions and keyring are there.
    """
    with sealed() as connection:
        keys = register_keys()
        rows = connection.execute("select * from sealed.audited(%s)", [list(ids)]).fetchall()
        looks = bool(ids) if strays is None else strays
        found_strays = connection.execute(
            "select * from sealed.strays(%s) as id", [MOST_STRAYS if looks else 0]
        ).fetchall()
    altered = [
        row["id"]
        for row in rows
        if not row["rest_holds"] or not hmac.compare_digest(keys.mac(row["content"]), row["mac"])
    ]
    found = {row["id"] for row in rows}
    return Checked(
        altered=altered, missing=[one for one in ids if one not in found], strays=[row["id"] for row in found_strays]
    )
