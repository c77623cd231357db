"""Events as a table for a spreadsheet: what a reader sees, each cell a text that no spreadsheet takes for a formula."""

import csv
import io
from collections.abc import Iterable

from django.utils.translation import gettext as _

from audit.models import Event, Leaf
from audit.sentences import describe, kind

# What a spreadsheet begins a formula or a command with, in narrow and in wide letters.
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20", "|", "%")
# Without it Excel takes UTF-8 for the machine's own letters, and shows Chinese as rubbish.
MARK = "\ufeff"


def table(events: Iterable[Event], *, remark: str) -> str:
    """Return these events as CSV, with a last line that says what it holds."""
    text = io.StringIO()
    write = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow
    write([_("Time"), _("What happened"), _("Details"), _("Act"), _("Request"), _("Place in the log"), _("Event")])
    for line in describe(events):
        leaf: Leaf | None = getattr(line.event, "leaf", None)
        details = [_("%(label)s: %(value)s") % {"label": label, "value": value} for label, value in line.details]
        cells = [
            line.event.at.isoformat(timespec="seconds"),
            line.text,
            "; ".join([*filter(None, [line.remark]), *details]),
            kind(line.event),
            line.number,
            str(leaf.index) if leaf else "",
            str(line.event.pk),
        ]
        write([cell(one) for one in cells])
    write([cell(remark)])
    return MARK + text.getvalue()


def cell(text: str) -> str:
    """Return a text as a cell that stays one, whatever it begins with."""
    return "'" + text if text.lstrip(" ").startswith(FORMULAS) else text
