"""The words of the two laws (docs/law), found by their citation, and their penalties read straight from the Chinese."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "law"
FILES = {"PSAPL-2025": "psapl-2025.md", "PSAPL-2005": "psapl-before-2026.md"}
_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"两": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10000}
_NUMBER = "[零一二三四五六七八九十百千万两]+"
_DETENTION = rf"(?:{_NUMBER}日以上)?{_NUMBER}日以下拘留"
_FINE = rf"(?:{_NUMBER}元以上)?{_NUMBER}元以下罚款"
_CHOICE = rf"(?:警告|{_DETENTION}|{_FINE})"
_PENALTY = re.compile(rf"(?<!并)处({_CHOICE}(?:或者{_CHOICE})*)(?:，(可以)?并处({_FINE}))?")
_GAINS = re.compile(rf"处违法所得({_NUMBER})倍以上({_NUMBER})倍以下罚款")


def number(text: str) -> int:
    """Read a Chinese numeral."""
    total = current = 0
    for sign in text:
        if sign in _UNITS:
            total += (current or 1) * _UNITS[sign]
            current = 0
        else:
            current = _DIGITS[sign]
    return total + current


@cache
def articles(law: str) -> dict[int, list[list[str]]]:
    """Return the paragraphs of each article: each a list of its own words and its items."""
    found: dict[int, list[list[str]]] = {}
    paragraphs: list[list[str]] = []
    for line in (FOLDER / FILES[law]).read_text(encoding="utf-8").splitlines():
        if heading := re.match(rf"第({_NUMBER})条　(.+)", line):
            paragraphs = found.setdefault(number(heading[1]), [])
            paragraphs.append([heading[2]])
        elif re.match(rf"（{_NUMBER}）", line):
            paragraphs[-1].append(line)
        elif line and paragraphs:
            paragraphs.append([line])
    return found


def words(law: str, citation: str) -> list[str]:
    """Return the paragraphs that a citation names, without the items it does not name; a wrong one raises."""
    place = re.search(rf"第({_NUMBER})条(?:第({_NUMBER})款)?(?:第({_NUMBER})项)?", citation)
    assert place, citation
    paragraphs = articles(law)[number(place[1])]
    chosen = [paragraphs[number(place[2]) - 1]] if place[2] else paragraphs
    if place[3]:
        wanted = f"（{place[3]}）"
        [chosen_item] = [(p[0], line) for p in chosen for line in p[1:] if line.startswith(wanted)]
        return ["".join(chosen_item)]
    return ["".join(paragraph) for paragraph in chosen]


def penalties(text: str) -> set[tuple]:
    """Return what a paragraph provides: (warning, detention, fine, fine may be left out) for each choice."""
    found: set[tuple] = set()
    for alternatives, may, added in _PENALTY.findall(text):
        choices = [_choice(part) for part in alternatives.split("或者")]
        if added:
            choices[-1] = (*choices[-1][:2], _range(added), bool(may))
        found.update(choices)
    return found


def gains(text: str) -> set[tuple[int, int]]:
    """Return the fines that are multiples of the illegal gains."""
    return {(number(least), number(most)) for least, most in _GAINS.findall(text)}


def _choice(text: str) -> tuple:
    if text == "警告":
        return (True, None, None, False)
    return (False, _range(text), None, False) if text.endswith("拘留") else (False, None, _range(text), False)


def _range(text: str) -> tuple[int, int]:
    figures = [number(figure) for figure in re.findall(rf"({_NUMBER})[日元]以", text)]
    return (figures[0], figures[1]) if len(figures) == 2 else (1, figures[0])
