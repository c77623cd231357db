"""Offences and sealing rules as files, and what loads them; access.catalogue says how a loaded row is protected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from access.catalogue import insert_missing, read
from records.models import Offence, SealingRule
from records.penalties import read as read_bands
from records.penalties import to_data

_FOLDER = Path(__file__).parent


def load_offences() -> int:
    """Insert the offences that are missing and return how many."""
    return insert_missing(Offence, offences(), key=("code",))


def offences() -> list[dict[str, Any]]:
    """Return the rows of the offences as they are loaded: the notation of each penalty is read here, once."""
    rows = read(_FOLDER / "offences.json")
    return [row | {"bands": to_data(read_bands(row.pop("penalty_tiers")))} for row in rows]


def load_sealing_rules() -> int:
    """Insert the sealing rules that are missing and return how many."""
    return insert_missing(SealingRule, read(_FOLDER / "sealing_rules.json"), key=("code", "version"))
