"""Load the law as data, the working calendar and the limits; running it again changes nothing.

It runs as the owner of the tables: the application may read the law and write none of it.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from access import catalogue as access_catalogue
from access import kinds as access_kinds
from audit import trail
from records import catalogue as records_catalogue


class Command(BaseCommand):
    help = "Load the catalogue: offences, sealing rules, legal bases, case purposes, texts of the undertaking, working days."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            inserted = load()
        except access_catalogue.FrozenRowChanged as error:
            raise CommandError(str(error)) from None
        for name, count in inserted.items():
            self.stdout.write(f"{name.replace('_', ' ')}: {count} inserted")


@transaction.atomic(durable=True)
def load() -> dict[str, int]:
    """Insert what is missing, with one event that counts it, and return the counts."""
    inserted: dict[str, Any] = {
        "offences": records_catalogue.load_offences(),
        "sealing_rules": records_catalogue.load_sealing_rules(),
        "legal_bases": access_catalogue.load_legal_bases(),
        "case_purposes": access_catalogue.load_case_purposes(),
        "undertaking_texts": access_catalogue.load_undertaking_texts(),
        "working_days": access_catalogue.load_calendar(),
        "limits": access_catalogue.load_limits(),
    }
    if any(inserted.values()):
        trail.write(access_kinds.CATALOGUE_LOADED, by=None, on=None, **inserted)
    return inserted
