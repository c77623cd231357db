"""The accounts of the demo, as a table."""

from __future__ import annotations

import unicodedata
from typing import Any

from django.core.management.base import BaseCommand

from config import env, sample_city

DEFAULT_PASSWORD = "yunxi-demo-2026"  # noqa: S105 - for invented people on loopback only


class Command(BaseCommand):
    help = "Print the accounts of the demo: who they are and what they may do."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(table())


def password() -> str:
    """Return the password of all accounts of the demo."""
    return env.optional("DEMO_PASSWORD", DEFAULT_PASSWORD)


def table() -> str:
    """Return the accounts in columns, in both languages, with the two people whom it is good to ask about."""
    units = {unit.key: unit for unit in sample_city.UNITS}
    rows = [("user name", "who", "unit", "may")]
    for account in sample_city.ACCOUNTS:
        unit = units[account.unit]
        rows.append((account.username, account.full_name, unit.name, account.may_zh))
        rows.append(("", "", unit.name_en, account.may_en))
    widths = [max(_width(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join([*(_pad(cell, width) for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows
    ]
    lines.insert(1, "-" * (sum(widths) + 40))
    known, unknown = sample_city.KNOWN, sample_city.UNKNOWN
    return "\n".join(
        [
            *lines,
            "",
            f"密码 Password (all accounts): {password()}",
            f"可查询的人 People to ask about: {known.name} {known.number} 有封存记录 has sealed records;"
            f" {unknown.name} {unknown.number} 无记录 has none.",
        ]
    )


def _width(text: str) -> int:
    """Return the columns a terminal gives to a text: two for a Chinese character."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _pad(text: str, width: int) -> str:
    return text + " " * (width - _width(text))
