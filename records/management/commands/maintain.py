"""The upkeep that PostgreSQL does not do by itself here."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from records.upkeep import TABLES, note_done


class Command(BaseCommand):
    help = (
        "Vacuum and analyse what sealing fills and empties, as the owner. The key service's session counts nothing, so "
        "autovacuum does not see its work: run this each night, and after a backlog of 50,000 records."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--quiet", action="store_true", help="say nothing when all went well")

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        try:
            with connection.cursor() as cursor:
                for table in TABLES:
                    cursor.execute(f"vacuum (analyze) {table}")  # fixed names, no input
            note_done()
        except DatabaseError as error:
            raise CommandError(
                f"The tables cannot be maintained ({type(error).__name__}). This needs DATABASE_OWNER_URL."
            ) from None
        if not options["quiet"]:
            self.stdout.write(f"{len(TABLES)} tables vacuumed and analysed in {time.monotonic() - started:.1f} s.")
