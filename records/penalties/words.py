"""Bands in words, in the reader's language."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from records.penalties.terms import Band, Choice, Range
from records.penalties.tiers import from_data

if TYPE_CHECKING:
    from records.models import Offence

LABELS: dict[str, Promise] = {
    "BASE": gettext_lazy("Ordinary case"),
    "HEAVIER": gettext_lazy("Heavier circumstances"),
    "SERIOUS": gettext_lazy("Serious circumstances"),
    "VILE": gettext_lazy("Vile circumstances"),
    "LIGHTER": gettext_lazy("Lighter circumstances"),
    "RINGLEADER": gettext_lazy("Ringleader"),
    "AGGRAVATED": gettext_lazy("Aggravated as the article describes"),
    "AGGRAVATED_PARAGRAPH_2": gettext_lazy("Aggravated under paragraph 2"),
    "DELIBERATE_CONCEALMENT": gettext_lazy("Deliberate concealment"),
    "REFUSES_OR_CONSEQUENCES": gettext_lazy("Refusal to correct, or consequences caused"),
    "NOT_CORRECTED": gettext_lazy("Not corrected after a warning"),
    "NOT_CORRECTED_OR_INJURY": gettext_lazy("Not corrected after a warning, or a person is injured"),
}
CONDITIONS: dict[str, Promise] = {
    "HEAVIER_ONLY": gettext_lazy("only if the circumstances are heavier"),
    "VILE_ONLY": gettext_lazy("only if the circumstances are vile"),
    "SMALL_GAINS": gettext_lazy("no illegal gains, or less than 1,000 yuan of them"),
}
REFERENCES: dict[str, Promise] = {
    "ARTICLE_51": gettext_lazy("punished under Article 51 of the same law"),
    "EARLIER_ARTICLE_43_1": gettext_lazy("punished under Article 43(1) of the same law"),
    "ARTICLE_OF_THE_ACT": gettext_lazy(
        "public security punishment is given and measures such as corresponding corrective education are taken, under this law and the Law on the Prevention of Juvenile Delinquency (for the range, see the article that the act violates)"
    ),
}
ORDERS: dict[str, Promise] = {
    "EVENT_BAN": gettext_lazy("a ban on holding large events for 6 to 12 months is possible"),
}


def describe(offence: Offence) -> list[str]:
    """Return what the law provides for an offence, a sentence a band."""
    return [_sentence(band) for band in from_data(offence.bands)]


def _sentence(band: Band) -> str:
    rule = str(REFERENCES[band.refers_to]) if band.refers_to else reduce(_either, map(_penalty, band.choices))
    if band.order:
        rule = _("%(rule)s; %(order)s") % {"rule": rule, "order": ORDERS[band.order]}
    if not band.label:
        return _("%(rule)s.") % {"rule": rule[0].upper() + rule[1:]}
    return _("%(label)s: %(rule)s.") % {"label": LABELS[band.label], "rule": rule}


def _either(one: str, other: str) -> str:
    return _("%(one)s, or %(other)s") % {"one": one, "other": other}


def _penalty(choice: Choice) -> str:
    parts = [_("a warning")] if choice.warning else []
    if choice.detention:
        parts.append(_days(choice.detention))
    if choice.fine:
        parts.append(_yuan(choice.fine))
    if choice.gains:
        parts.append(
            _("a fine of %(least)s to %(most)s times the illegal gains")
            % {"least": choice.gains.least, "most": choice.gains.most}
        )
    if len(parts) == 1:
        text = parts[0]
    elif choice.fine_optional:
        text = _("%(penalty)s, possibly with %(fine)s") % {"penalty": parts[0], "fine": parts[1]}
    else:
        text = _("%(penalty)s together with %(fine)s") % {"penalty": parts[0], "fine": parts[1]}
    if choice.condition:
        text = _("%(penalty)s (%(condition)s)") % {"penalty": text, "condition": CONDITIONS[choice.condition]}
    return text


def _days(limits: Range) -> str:
    if limits.least > 1:
        return _("detention of %(least)s to %(most)s days") % {"least": limits.least, "most": limits.most}
    return _("detention of up to %(most)s days") % {"most": limits.most}


def _yuan(limits: Range) -> str:
    figures = {"least": figure(limits.least), "most": figure(limits.most)}
    if limits.least > 1:
        return _("a fine of %(least)s to %(most)s yuan") % figures
    return _("a fine of up to %(most)s yuan") % figures


def figure(amount: int) -> str:
    """Write an amount as the reader's language does: English groups thousands."""
    return f"{amount:,}" if (get_language() or "").startswith("en") else str(amount)
