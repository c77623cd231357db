"""Reconciling a restored database: nothing that it revived goes on, and the trail says what was lost.

Until this is done disclosures are off by themselves, because the signer confirms no database behind the witness.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from access.exceptions import Unavailable
from audit import reading, restoring
from audit.restoring import Lost
from audit.verify import Checkpoint
from records import keyservice
from records.models import SealedRecord, SealingRule, Violation


@dataclass(frozen=True)
class Reconciled:
    """What was done, and what somebody has to look at: records, and people whose old passwords or factors count again."""

    begun: Checkpoint
    counts: dict[str, int]
    not_sealed: list[str]
    gone: list[str]
    changed_credentials: list[str]


def reconcile(directory: Path) -> Reconciled:
    """Compare with the export, end what was revived, seal again what was sealed, and begin a log that continues the old.

    Sealing commits batch by batch; everything else is one transaction. Run again after a failure it goes on.
    """
    lost = restoring.lost(directory)
    sealed_again, not_sealed, gone = _seal_again(lost)
    with transaction.atomic(durable=True):
        counts = {
            **_end_what_was_revived(lost),
            "openings": _mark_as_shown(lost),
            "sealed_again": sealed_again,
            "not_sealed": len(not_sealed) + len(gone),
        }
        begun = restoring.begin_anew(lost, counts)
    credentials = {
        reading.text(read, "target", "id") or ""
        for read in lost.told("PASSWORD_CHANGED", "ENROLLED", "FACTOR_REMOVED", "FACTOR_CHANGED")
    }
    return Reconciled(begun, counts, not_sealed, gone, sorted(credentials - {""}))


def _end_what_was_revived(lost: Lost) -> dict[str, int]:
    disabled: dict[str, None] = {}
    duties: dict[tuple[str, str, str], None] = {}
    for read in lost.told("USER_DISABLED", "USER_ENABLED", "DUTY_WITHDRAWN", "DUTY_GIVEN"):
        person, kind = reading.text(read, "target", "id") or "", reading.text(read, "kind")
        duty = (person, reading.text(read, "detail", "duty") or "", reading.text(read, "detail", "at") or "")
        if kind == "USER_DISABLED":
            disabled[person] = None
        elif kind == "USER_ENABLED":
            disabled.pop(person, None)
        elif kind == "DUTY_WITHDRAWN":
            duties[duty] = None
        else:
            duties.pop(duty, None)
    with connection.cursor() as cursor:
        cursor.execute(
            "select public.access_after_restore(%s, %s::jsonb)",
            [_uuids(disabled), json.dumps([dict(zip(("user", "duty", "at"), one, strict=True)) for one in duties])],
        )
        counts = cursor.fetchone()[0]
    return json.loads(counts) if isinstance(counts, str) else counts


def _mark_as_shown(lost: Lost) -> int:
    """Use up every opening that the lost part tells of, whether its own event was lost or only that it was shown."""
    events = [reading.text(read, "id") for read in lost.told("OPENING")]
    events += [reading.text(read, "detail", "event") for read in lost.told("ANSWER_SHOWN")]
    with connection.cursor() as cursor:
        cursor.execute("select sealed.after_restore(%s)", [_uuids(events)])
        return cursor.fetchone()[0]


def _seal_again(lost: Lost) -> tuple[int, list[str], list[str]]:
    """Seal what was sealed in the lost part and stands here as if it were not; return what could not be, and what is gone."""
    sealed_again = 0
    wanted: list[uuid.UUID] = []
    for read in lost.told("VIOLATION_SEALED"):
        records = _uuids(reading.part(read, "detail", "records") or [])
        wanted += records
        rule = SealingRule.objects.filter(
            code=reading.text(read, "detail", "rule"), version=reading.part(read, "detail", "rule_version")
        ).first()
        working = list(Violation.objects.filter(pk__in=records).values_list("pk", flat=True))
        if rule is not None and working:
            sealed_again += _seal(working, rule.pk)
    sealed = set(SealedRecord.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    left = set(Violation.objects.filter(pk__in=wanted).values_list("pk", flat=True)) - sealed
    gone = set(wanted) - left - sealed
    return sealed_again, sorted(str(one) for one in left), sorted(str(one) for one in gone)


def _seal(records: list[uuid.UUID], rule: uuid.UUID) -> int:
    """Seal these; one that cannot be keeps the others from nothing."""
    try:
        return len(keyservice.seal(records[: keyservice.BATCH], rule)) + (
            _seal(records[keyservice.BATCH :], rule) if records[keyservice.BATCH :] else 0
        )
    except Unavailable:
        return sum(_seal([one], rule) for one in records) if len(records) > 1 else 0


def _uuids(texts: Iterable[Any]) -> list[uuid.UUID]:
    found = []
    for text in texts:
        try:
            found.append(uuid.UUID(text))
        except (ValueError, AttributeError, TypeError):
            continue
    return found
