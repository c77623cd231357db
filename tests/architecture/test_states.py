"""The diagrams of docs/states.md are the transitions of the code, and each move is told in words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from access.models import requests as access
from records import models as records

STATES = Path(__file__).resolve().parents[2] / "docs" / "states.md"
BLOCK = re.compile(r"```mermaid\nstateDiagram-v2\n(.*?)```", re.S)
ARROW = re.compile(r"^\s*(\S+) --> (\S+?)(?: : (\w+))?\s*$")
TABLES = {"A record": records, "A request": access}


def section(title: str) -> str:
    return STATES.read_text(encoding="utf-8").split(f"## {title}\n")[1].split("\n## ")[0]


def arrows(title: str) -> list[tuple[str, str, str | None]]:
    [block] = BLOCK.findall(section(title))
    lines = [line for line in block.splitlines() if line.strip()]
    matches = [ARROW.match(line) for line in lines]
    assert all(matches), "Every line of a diagram is one move."
    return [match.groups() for match in matches]


@pytest.mark.parametrize("title", TABLES)
def test_a_diagram_shows_every_legal_move_and_no_other(title):
    transitions = TABLES[title].TRANSITIONS
    shown = [(before, after) for before, after, _name in arrows(title)]
    ends = {state.value for state, after in transitions.items() if not after}

    assert len(shown) == len(set(shown))
    assert {(before.value, after.value) for before in transitions for after in transitions[before]} == {
        pair for pair in shown if "[*]" not in pair
    }
    assert {before for before, after in shown if after == "[*]"} == ends
    assert [after for before, after in shown if before == "[*]"] == ["DRAFT"]


@pytest.mark.parametrize("title", TABLES)
def test_each_move_is_told_with_its_function(title):
    text = section(title)
    for before, after, function in arrows(title):
        if "[*]" in (before, after):
            continue
        [paragraph] = re.findall(rf"^\*\*{before} → {after}\*\*.*$", text, re.M)
        assert f".{function}`" in paragraph


def test_there_is_no_third_diagram():
    assert len(BLOCK.findall(STATES.read_text(encoding="utf-8"))) == len(TABLES)


@pytest.mark.parametrize("title", TABLES)
def test_every_function_named_is_there(title):
    for module, function in set(re.findall(r"`((?:access|records)[\w.]*)\.(\w+)`", section(title))):
        path = STATES.parents[1] / (module.replace(".", "/") + ".py")
        assert re.search(rf"^def {function}\(", path.read_text(encoding="utf-8"), re.M), f"{module}.{function}"
