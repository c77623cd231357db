"""When the sealed tables were last vacuumed: PostgreSQL does not see what the key service's session does to them."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from records.models import SealedRecord

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
# More than these sealed since the last time, and plans grow stale.
MOST_SEALED = 50_000


def note_done() -> None:
    """Write down, as the owner, that the upkeep was done now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into public.records_upkeep (is_only, at) values (true, clock_timestamp())"
            " on conflict (is_only) do update set at = excluded.at"
        )


def sentences() -> list[str]:
    """Return what is wrong with the upkeep, for whoever assigns duties and keeps the system; empty when nothing is."""
    last = age()
    if last is None:
        return [_("The sealed tables were never maintained. Let a timer run “manage.py maintain” each night.")]
    found = []
    if last > OVERDUE:
        found.append(
            _(
                "The sealed tables were last maintained %(hours)d hours ago. See why the nightly “manage.py maintain” fails."
            )
            % {"hours": last.total_seconds() // 3600}
        )
    if SealedRecord.objects.filter(sealed_at__gt=timezone.now() - last).count() > MOST_SEALED:
        found.append(
            _("More than %(records)d records were sealed since the last upkeep. Run “manage.py maintain” now.")
            % {"records": MOST_SEALED}
        )
    return found


def age() -> timedelta | None:
    """Return how long ago the upkeep was done; None when it never was."""
    with connection.cursor() as cursor:
        cursor.execute("select clock_timestamp() - at from public.records_upkeep")
        row = cursor.fetchone()
    return row[0] if row else None
