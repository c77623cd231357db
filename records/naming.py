"""What this app tells the pages of the trail: how its codes read, and which events are about a record."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit.kinds import MOST_FOUND, Found, Text, ids, titles
from records.models import SealedRecord, SealingRule, Violation

PAGES: dict[str, Text] = {
    "records:violations": _("Violation records"),
    "records:new": _("Enter a record"),
    "records:violation": _("Record"),
    "records:edit": _("Change a record"),
    "records:check": _("Check a record"),
    "records:submit": _("Submit a record"),
    "records:discard": _("Discard a record"),
    "records:service": _("Service of a record"),
    "records:review_queue": _("Records to review"),
    "records:review": _("Review a record"),
    "records:confirm": _("Confirm a record"),
    "records:return": _("Return a record"),
    "records:answers": _("Answers"),
    "records:standing": _("Whether an answer still stands open"),
    "records:extend": _("Five minutes more for an answer"),
    "records:grant": _("Answer to a request"),
    "records:undertaking": _("Confidentiality undertaking"),
    "records:open": _("Open an answer"),
}


def _rules(codes: set[str]) -> dict[str, str]:
    rows = SealingRule.objects.filter(code__in=codes).order_by("version").only("code", "title_zh", "title_en")
    return {row.code: str(row) for row in rows}


WORDS = {"view": titles(PAGES), "rule": _rules}


def find(text: str) -> Iterator[Found]:
    """Find a record by its id: while it is worked on, and sealed, when its event may be one of a whole batch."""
    between = ids(text)
    if between is None:
        return
    sealed = dict(SealedRecord.objects.filter(pk__range=between).values_list("pk", "event_id")[:MOST_FOUND])
    working = Violation.objects.filter(pk__range=between).values_list("pk", flat=True)[:MOST_FOUND]
    for pk in {*sealed, *working}:
        yield Found(
            gettext("violation %(id)s") % {"id": str(pk)[:8]},
            targets=frozenset([str(pk)]),
            events=frozenset([sealed[pk]] if pk in sealed else []),
        )
