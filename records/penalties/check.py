"""Judging one penalty by the bands of its offence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.utils.functional import lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from records.penalties.terms import MOST_DETENTION_DAYS, Choice, Finding, Findings, Penalty
from records.penalties.tiers import from_data
from records.penalties.words import describe

if TYPE_CHECKING:
    from records.models import Offence


def check(penalty: Penalty, offence: Offence) -> Findings:
    """Say what the law forbids about this penalty, or else where it departs from the bands of the offence."""
    errors = tuple(_errors(penalty, offence))
    return Findings(errors) if errors else Findings(departures=tuple(_departures(penalty, offence)))


def _errors(penalty: Penalty, offence: Offence) -> Iterator[Finding]:
    citation = _citation(offence)
    if penalty.fine_yuan < 0:
        yield Finding("NEGATIVE", "fine_yuan", _("A fine cannot be less than nothing. Enter 0 if there is none."))
    if penalty.detention_days < 0:
        yield Finding(
            "NEGATIVE", "detention_days", _("Detention cannot be less than nothing. Enter 0 if there is none.")
        )
    if penalty.exit_order and penalty.deportation:
        yield Finding(
            "BOTH_EXITS",
            "deportation",
            _("PSAPL Article 10 allows an exit order or deportation, not both. Choose one."),
        )

    chosen = penalty.warning or penalty.fine_yuan or penalty.detention_days or penalty.licence_revoked
    if not chosen and (penalty.exit_order or penalty.deportation):
        yield Finding(
            "ONLY_ADDED",
            "",
            _(
                "Under PSAPL Article 10 an exit order or deportation only adds to another penalty. Enter that one as well."
            ),
        )
    elif not chosen:
        yield Finding("NOTHING_CHOSEN", "", _("No penalty is entered. Enter what the decision says."))

    if penalty.warning and offence.warning_possible is False:
        yield Finding(
            "NO_WARNING",
            "warning",
            format_lazy(_("The law provides no warning for this ({citation})."), citation=citation),
        )
    yield from _over_detention(penalty, offence, citation)
    yield from _over_fine(penalty, offence, citation)


def _over_detention(penalty: Penalty, offence: Offence, citation: str) -> Iterator[Finding]:
    limit = offence.max_detention_days
    if not penalty.detention_days or penalty.detention_days < 0:
        return
    if limit == 0:
        message = format_lazy(_("The law provides no detention for this ({citation})."), citation=citation)
        yield Finding("NO_DETENTION", "detention_days", message)
    elif penalty.detention_days > MOST_DETENTION_DAYS:
        message = format_lazy(
            _(
                "Detention for one act is at most {limit} days; PSAPL Article 16 allows 20 only where several acts are "
                "executed together. Enter the days decided for this act."
            ),
            limit=MOST_DETENTION_DAYS,
        )
        yield Finding("OVER_ONE_ACT", "detention_days", message)
    elif limit is not None and penalty.detention_days > limit:
        message = format_lazy(
            _("The law allows at most {limit} days of detention for this ({citation})."), limit=limit, citation=citation
        )
        yield Finding("OVER_DETENTION", "detention_days", message)


def _over_fine(penalty: Penalty, offence: Offence, citation: str) -> Iterator[Finding]:
    limit = offence.max_fine_yuan
    if penalty.fine_yuan <= 0 or limit is None or penalty.fine_yuan <= limit:
        return
    if limit == 0:
        message = format_lazy(_("The law provides no fine for this ({citation})."), citation=citation)
        yield Finding("NO_FINE", "fine_yuan", message)
    elif not any(choice.gains for band in from_data(offence.bands) for choice in band.choices):
        message = format_lazy(
            _("The law allows a fine of at most {limit} yuan for this ({citation})."), limit=limit, citation=citation
        )
        yield Finding("OVER_FINE", "fine_yuan", message)


def _departures(penalty: Penalty, offence: Offence) -> Iterator[Finding]:
    citation = _citation(offence)
    if penalty.licence_revoked and not (offence.law == "PSAPL-2025" and offence.article == 65):
        message = _(
            "Chapter 3 of the PSAPL lets a licence be revoked only under Article 65(3). Give the provision and the reason."
        )
        yield Finding("LICENCE", "licence_revoked", message)

    choices = [choice for band in from_data(offence.bands) for choice in band.choices]
    if not choices:
        message = format_lazy(
            _("{citation} sends to another provision for the penalty: {bands} Say which one was applied, and why."),
            citation=citation,
            bands=_bands(offence),
        )
        yield Finding("REFERS_ELSEWHERE", "", message)
    elif penalty.warning or penalty.fine_yuan or penalty.detention_days:
        yield from _misfit(penalty, offence, choices, citation)


def _misfit(penalty: Penalty, offence: Offence, choices: list[Choice], citation: str) -> Iterator[Finding]:
    if any(choice.fits(penalty) for choice in choices):
        return
    alike = [choice for choice in choices if choice.same_kinds(penalty)]
    gains = next((choice.gains for choice in alike if choice.gains), None)
    least_detention = min((choice.detention.least for choice in choices if choice.detention), default=0)
    least_fine = min((choice.fine.least for choice in choices if choice.fine), default=0)
    if not alike:
        message = format_lazy(
            _("The law does not provide this combination for this ({citation}). It provides: {bands} Give the reason."),
            citation=citation,
            bands=_bands(offence),
        )
        yield Finding("COMBINATION", "", message)
    elif gains and penalty.fine_yuan > max(choice.fine.most for choice in alike if choice.fine):
        message = format_lazy(
            _("A fine of this size is {least} to {most} times the illegal gains ({citation}). State the gains."),
            least=gains.least,
            most=gains.most,
            citation=citation,
        )
        yield Finding("ILLEGAL_GAINS", "fine_yuan", message)
    elif 0 < penalty.detention_days < least_detention:
        message = format_lazy(
            _("The least detention for this is {least} days ({citation}). Give the reason, for example mitigation."),
            least=least_detention,
            citation=citation,
        )
        yield Finding("BELOW_DETENTION", "detention_days", message)
    elif 0 < penalty.fine_yuan < least_fine:
        message = format_lazy(
            _("The least fine for this is {least} yuan ({citation}). Give the reason, for example mitigation."),
            least=least_fine,
            citation=citation,
        )
        yield Finding("BELOW_FINE", "fine_yuan", message)
    else:
        message = format_lazy(
            _("This penalty fits none of the bands of {citation}: {bands} Give the reason."),
            citation=citation,
            bands=_bands(offence),
        )
        yield Finding("NO_BAND", "", message)


def _citation(offence: Offence) -> str:
    # Read when the sentence is shown, in the language it is then shown in.
    return lazy(lambda: offence.citation, str)()


def _bands(offence: Offence) -> str:
    return lazy(lambda: " ".join(describe(offence)), str)()
