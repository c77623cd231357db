"""Bands as data: read once from the short notation of the catalogue, kept as structured rows, given back as terms."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from records.penalties.terms import Band, Choice, Range

# How the catalogue writes what is no figure, and the code under which it is kept and worded (records/penalties/words.py).
LABELS = {
    "BASE": "BASE",
    "HEAVIER": "HEAVIER",
    "SERIOUS": "SERIOUS",
    "VILE": "VILE",
    "LIGHTER": "LIGHTER",
    "RINGLEADER": "RINGLEADER",
    "AGGRAVATED": "AGGRAVATED",
    "AGGRAVATED(para 2)": "AGGRAVATED_PARAGRAPH_2",
    "DELIBERATE CONCEALMENT": "DELIBERATE_CONCEALMENT",
    "REFUSES/CONSEQUENCES": "REFUSES_OR_CONSEQUENCES",
    "NOT CORRECTED": "NOT_CORRECTED",
    "NOT CORRECTED / INJURY": "NOT_CORRECTED_OR_INJURY",
}
CONDITIONS = {"only if circumstances heavier": "HEAVIER_ONLY", "only if circumstances vile": "VILE_ONLY"}
REFERENCES = {
    "as Art. 51": "ARTICLE_51",
    "as Art. 43(1)": "EARLIER_ARTICLE_43_1",
    "punished under the article violated by the underlying act, and/or corrective education (PJDL)": "ARTICLE_OF_THE_ACT",
}
ORDERS = {"6-12 month ban on holding events": "EVENT_BAN"}
SMALL_GAINS = "SMALL_GAINS"

_GAINS = re.compile(r"F (\d)x-(\d)x illegal gains \(no gains or gains<1000: (F[\d-]+)\)")
_CONDITION = re.compile(r"\((only if [a-z ]+)\) (.+)")
_AMOUNT = re.compile(r"([FD])(?:<=(\d+)|(\d+)-(\d+))")


def read(notation: str) -> tuple[Band, ...]:
    """Return the bands of a row of the catalogue; what cannot be read in full raises ValueError and is never guessed."""
    return tuple(_band(text) for text in notation.split(" | ")) if notation else ()


def to_data(bands: Iterable[Band]) -> list[dict[str, Any]]:
    """Return bands as plain data, as a row of the catalogue keeps them."""
    return [asdict(band) | {"choices": [asdict(choice) for choice in band.choices]} for band in bands]


def from_data(rows: Iterable[dict[str, Any]]) -> tuple[Band, ...]:
    """Return the bands that `to_data` made plain."""
    return tuple(Band(**{**row, "choices": tuple(map(_choice_from, row["choices"]))}) for row in rows)


def _choice_from(row: dict[str, Any]) -> Choice:
    amounts = {name: Range(**row[name]) for name in ("detention", "fine", "gains") if row[name]}
    return Choice(**{**row, **amounts})


def _band(text: str) -> Band:
    label, colon, body = text.partition(": ")
    if not colon:
        label, body = "", text
    elif label not in LABELS:
        raise ValueError(f"The penalty tier {text!r} has a label that is not known.")
    code = LABELS.get(label, "")
    if body in REFERENCES:
        return Band(code, refers_to=REFERENCES[body])
    if gains := _GAINS.fullmatch(body):
        multiple = Range(int(gains[1]), int(gains[2]))
        return Band(code, (Choice(gains=multiple), _choice(gains[3], condition=SMALL_GAINS)))
    condition = order = ""
    if limited := _CONDITION.fullmatch(body):
        condition, body = CONDITIONS.get(limited[1], ""), limited[2]
        if not condition:
            raise ValueError(f"The penalty tier {text!r} has a condition that is not known.")
    if added := re.fullmatch(r"(.+) \(\+\? (.+)\)", body):
        body, order = added[1], ORDERS.get(added[2], "")
        if not order:
            raise ValueError(f"The penalty tier {text!r} names an order that is not known.")
    return Band(code, tuple(_choice(part, condition=condition) for part in body.split(" / ")), order=order)


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
