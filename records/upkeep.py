"""When the sealed tables were last vacuumed: PostgreSQL does not see what the key service's session does to them."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection

# What sealing fills, and what it empties.
TABLES = (
    "sealed.record",
    "sealed.record_key",
    "sealed.history",
    "sealed.handler",
    "sealed.shown",
    "sealed.asked",
    "public.records_violation",
    "public.records_historicalviolation",
    "public.records_recordkey",
    "public.records_violationuserobjectpermission",
    "public.records_stub",
)
OVERDUE = timedelta(hours=36)


def note_done() -> None:
    """Write down, as the owner, that the upkeep was done now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into public.records_upkeep (is_only, at) values (true, clock_timestamp())"
            " on conflict (is_only) do update set at = excluded.at"
        )


def age() -> timedelta | None:
    """Return how long ago the upkeep was done; None when it never was."""
    with connection.cursor() as cursor:
        cursor.execute("select clock_timestamp() - at from public.records_upkeep")
        row = cursor.fetchone()
    return row[0] if row else None
