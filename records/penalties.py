"""Penalties against the law: what a tier string allows, what is over the limit, and what departs and needs a reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from django.utils.functional import Promise, lazy
from django.utils.text import format_lazy
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from records.models import Offence

# No article allows more for one act; Article 16 goes to 20 days only where several acts are executed together.
MOST_DETENTION_DAYS = 15


@dataclass(frozen=True)
class Range:
    """An amount from `least` to `most`, both included (Article 143)."""

    least: int
    most: int

    def __contains__(self, amount: int) -> bool:
        return self.least <= amount <= self.most


@dataclass(frozen=True)
class Choice:
    """One of the penalties a band offers; `fine_optional` is the law's "may additionally be fined"."""

    warning: bool = False
    detention: Range | None = None
    fine: Range | None = None
    fine_optional: bool = False
    gains: Range | None = None  # the fine as a multiple of the illegal gains, which the register does not hold
    condition: str = ""

    def same_kinds(self, penalty: Penalty) -> bool:
        fined = penalty.fine_yuan > 0
        fine_provided = self.fine is not None or self.gains is not None
        return (
            penalty.warning == self.warning
            and (penalty.detention_days > 0) == (self.detention is not None)
            and (fined == fine_provided or (self.fine_optional and not fined))
        )

    def fits(self, penalty: Penalty) -> bool:
        return (
            self.gains is None
            and self.same_kinds(penalty)
            and (self.detention is None or penalty.detention_days in self.detention)
            and (self.fine is None or not penalty.fine_yuan or penalty.fine_yuan in self.fine)
        )


@dataclass(frozen=True)
class Band:
    """One severity band; `refers_to` names the rule that holds the figures where this article gives none."""

    label: str
    choices: tuple[Choice, ...] = ()
    refers_to: str = ""
    order: str = ""


@dataclass(frozen=True)
class Penalty:
    """What was decided for one act (Article 10)."""

    warning: bool = False
    fine_yuan: int = 0
    detention_days: int = 0
    licence_revoked: bool = False
    exit_order: bool = False
    deportation: bool = False


@dataclass(frozen=True)
class Finding:
    """One sentence about a penalty, and the field it belongs beside."""

    code: str
    field: str
    message: str | Promise

    def __str__(self) -> str:
        return str(self.message)


@dataclass(frozen=True)
class Findings:
    """Errors forbid the penalty; departures need a reason."""

    errors: tuple[Finding, ...] = ()
    departures: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class BandText:
    """One band in words, in both languages."""

    zh: str
    en: str

    def __str__(self) -> str:
        return self.en if (get_language() or "").startswith("en") else self.zh


LABELS = {
    "": BandText("", ""),
    "BASE": BandText("一般情形", "Ordinary case"),
    "HEAVIER": BandText("情节较重", "Heavier circumstances"),
    "SERIOUS": BandText("情节严重", "Serious circumstances"),
    "LIGHTER": BandText("情节较轻", "Lighter circumstances"),
    "RINGLEADER": BandText("首要分子", "Ringleader"),
    "AGGRAVATED": BandText("有法定加重情形", "Aggravated as the article describes"),
    "AGGRAVATED(para 2)": BandText("有第二款所列情形", "Aggravated under paragraph 2"),
    "DELIBERATE CONCEALMENT": BandText("故意隐瞒不报", "Deliberate concealment"),
    "REFUSES/CONSEQUENCES": BandText("拒不改正或者造成后果", "Refusal to correct, or consequences caused"),
    "NOT CORRECTED / SCARING PEOPLE": BandText(
        "警告后不改正，或者放任动物恐吓他人", "Not corrected after a warning, or letting animals scare people"
    ),
    "NOT CORRECTED / INJURY": BandText(
        "警告后不改正，或者致使动物伤害他人", "Not corrected after a warning, or a person is injured"
    ),
}
CONDITIONS = {
    "": BandText("", ""),
    "HEAVIER_ONLY": BandText("仅限情节较重", "only if the circumstances are heavier"),
    "SMALL_GAINS": BandText("没有违法所得或者违法所得不足1000元", "no illegal gains, or less than 1,000 yuan of them"),
}
REFERENCES = {
    "as Art. 51": BandText("依照本法第五十一条的规定处罚", "punished under Article 51 of the same law"),
    "punished under the article violated by the underlying act, and/or corrective education (PJDL)": BandText(
        "依照其行为所违反的条款处罚，并可以依照《预防未成年人犯罪法》采取矫治教育等措施",
        "punished under the article that the act itself violates, with or instead of corrective education under the "
        "Law on the Prevention of Juvenile Delinquency",
    ),
}
ORDERS = {
    "": BandText("", ""),
    "6-12 month ban on holding events": BandText(
        "可以同时责令六个月至一年以内不得举办大型群众性活动",
        "a ban on holding large events for 6 to 12 months is possible",
    ),
}
_GAINS = re.compile(r"F (\d)x-(\d)x illegal gains \(no gains or gains<1000: (F[\d-]+)\)")
_AMOUNT = re.compile(r"([FD])(?:<=(\d+)|(\d+)-(\d+))")


@lru_cache(maxsize=512)
def parse(tiers: str) -> tuple[Band, ...]:
    """Return the bands of a tier string; a string that cannot be read in full raises ValueError."""
    return tuple(_band(text) for text in tiers.split(" | ")) if tiers else ()


def _band(text: str) -> Band:
    label, colon, body = text.partition(": ")
    if label not in LABELS or not colon:
        label, body = "", text
    if body in REFERENCES:
        return Band(label, refers_to=body)
    if gains := _GAINS.fullmatch(body):
        multiple = Range(int(gains[1]), int(gains[2]))
        return Band(label, (Choice(gains=multiple), _choice(gains[3], condition="SMALL_GAINS")))
    condition = order = ""
    if body.startswith("(only if circumstances heavier) "):
        condition, body = "HEAVIER_ONLY", body.partition(") ")[2]
    if added := re.fullmatch(r"(.+) \(\+\? (.+)\)", body):
        body, order = added[1], added[2]
        if order not in ORDERS:
            raise ValueError(f"The penalty tier {text!r} names an order that is not known.")
    return Band(label, tuple(_choice(part, condition=condition) for part in body.split(" / ")), order=order)


def _choice(text: str, *, condition: str = "") -> Choice:
    head, *rest = re.split(r" (\+\??) ", text)
    warning, detention, fine = head == "W", None, None
    for part in [*([] if warning else [head]), *rest[1::2]]:
        amount = _AMOUNT.fullmatch(part)
        if amount is None:
            raise ValueError(f"The penalty tier {text!r} cannot be read.")
        limits = Range(int(amount[3] or 1), int(amount[2] or amount[4]))
        if amount[1] == "D" and detention is None:
            detention = limits
        elif amount[1] == "F" and fine is None:
            fine = limits
        else:
            raise ValueError(f"The penalty tier {text!r} names one kind of penalty twice.")
    return Choice(warning, detention, fine, "+?" in rest, condition=condition)


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
            "BOTH_EXITS", "deportation", _("Article 10 allows an exit order or deportation, not both. Choose one.")
        )

    chosen = penalty.warning or penalty.fine_yuan or penalty.detention_days or penalty.licence_revoked
    if not chosen and (penalty.exit_order or penalty.deportation):
        yield Finding(
            "ONLY_ADDED",
            "",
            _("Under Article 10 an exit order or deportation only adds to another penalty. Enter that one as well."),
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
                "Detention for one act is at most {limit} days; Article 16 allows 20 only where several acts are "
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
    elif not any(choice.gains for band in parse(offence.penalty_tiers) for choice in band.choices):
        message = format_lazy(
            _("The law allows a fine of at most {limit} yuan for this ({citation})."), limit=limit, citation=citation
        )
        yield Finding("OVER_FINE", "fine_yuan", message)


def _departures(penalty: Penalty, offence: Offence) -> Iterator[Finding]:
    citation = _citation(offence)
    if penalty.licence_revoked and not (offence.law == "PSAPL-2025" and offence.article == 65):
        message = _("Chapter 3 lets a licence be revoked only under Article 65(3). Give the provision and the reason.")
        yield Finding("LICENCE", "licence_revoked", message)

    bands = parse(offence.penalty_tiers)
    choices = [choice for band in bands for choice in band.choices]
    if not bands:
        message = format_lazy(
            _("The limits of this earlier provision are not recorded ({citation}). Give the reason for the penalty."),
            citation=citation,
        )
        yield Finding("NOT_RECORDED", "", message)
    elif not choices:
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


def describe(offence: Offence) -> list[BandText]:
    """Return what the law provides for an offence, a line a band, in both languages."""
    bands = parse(offence.penalty_tiers)
    if not bands:
        return [
            BandText(
                "本系统未记录该旧条款的处罚幅度；须说明理由。",
                "The limits of this earlier provision are not recorded; a reason is required.",
            )
        ]
    return [_describe(band) for band in bands]


def _describe(band: Band) -> BandText:
    label = LABELS[band.label]
    if band.refers_to:
        rule = REFERENCES[band.refers_to]
    else:
        rule = BandText(
            "，或者".join(_choice_zh(choice) for choice in band.choices),
            ", or ".join(_choice_en(choice) for choice in band.choices),
        )
    order = ORDERS[band.order]
    zh = f"{label.zh}：{rule.zh}" if label.zh else rule.zh
    en = f"{label.en}: {rule.en}" if label.en else rule.en[0].upper() + rule.en[1:]
    return BandText(zh + (f"，{order.zh}" if order.zh else "") + "。", en + (f"; {order.en}" if order.en else "") + ".")


def _choice_zh(choice: Choice) -> str:
    parts = ["警告"] if choice.warning else []
    if choice.detention:
        parts.append(_range_zh(choice.detention, "日", "拘留"))
    if choice.fine:
        parts.append(_range_zh(choice.fine, "元", "罚款"))
    if choice.gains:
        parts.append(f"违法所得{choice.gains.least}倍以上{choice.gains.most}倍以下罚款")
    text = ("，可以并处" if choice.fine_optional else "，并处").join(parts)
    return text + (f"（{CONDITIONS[choice.condition].zh}）" if choice.condition else "")


def _choice_en(choice: Choice) -> str:
    parts = ["a warning"] if choice.warning else []
    if choice.detention:
        parts.append(f"detention of {_range_en(choice.detention)} days")
    if choice.fine:
        parts.append(f"a fine of {_range_en(choice.fine)} yuan")
    if choice.gains:
        parts.append(f"a fine of {choice.gains.least} to {choice.gains.most} times the illegal gains")
    text = (", possibly with " if choice.fine_optional else " together with ").join(parts)
    return text + (f" ({CONDITIONS[choice.condition].en})" if choice.condition else "")


def _range_zh(limits: Range, unit: str, kind: str) -> str:
    return (f"{limits.least}{unit}以上" if limits.least > 1 else "") + f"{limits.most}{unit}以下{kind}"


def _range_en(limits: Range) -> str:
    return f"{limits.least:,} to {limits.most:,}" if limits.least > 1 else f"up to {limits.most:,}"


def _citation(offence: Offence) -> str:
    # Read when the sentence is shown, in the language it is then shown in.
    return lazy(lambda: offence.citation, str)()


def _bands(offence: Offence) -> str:
    return lazy(lambda: " ".join(str(band) for band in describe(offence)), str)()
