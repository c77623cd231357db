"""Offences and sealing rules as files, and what loads them; access.catalogue says how a loaded row is protected."""

from __future__ import annotations

from pathlib import Path

from access.catalogue import insert_missing, read
from records.models import Offence, SealingRule

_FOLDER = Path(__file__).parent


def load_offences() -> int:
    """Insert the offences that are missing and return how many."""
    return insert_missing(Offence, read(_FOLDER / "offences.json"), key=("code",))


def load_sealing_rules() -> int:
    """Insert the sealing rules that are missing and return how many."""
    return insert_missing(SealingRule, read(_FOLDER / "sealing_rules.json"), key=("code", "version"))
