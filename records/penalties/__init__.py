"""Penalties against the law: what the bands of an offence allow, what is over the limit, what departs and needs a reason."""

from records.penalties.check import check
from records.penalties.compare import WITHOUT_LIMIT, heavier
from records.penalties.terms import MOST_DETENTION_DAYS, Band, Choice, Finding, Findings, Penalty, Range
from records.penalties.tiers import from_data, read, to_data
from records.penalties.words import describe

__all__ = [
    "MOST_DETENTION_DAYS",
    "Band",
    "Choice",
    "Finding",
    "Findings",
    "Penalty",
    "Range",
    "WITHOUT_LIMIT",
    "check",
    "describe",
    "from_data",
    "heavier",
    "read",
    "to_data",
]
