"""The floor under `make coverage` never sinks: it is compared with every one that was ever committed."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest

from tests.architecture.test_layers import APPS, ROOT

COVERAGE = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["coverage"]


def floors(text: str) -> list[float]:
    """Return the floors that the lines added by a history of changes set."""
    return [float(number) for number in re.findall(r"^\+fail_under = ([\d.]+)$", text, re.M)]


def test_the_floor_is_as_high_as_it_ever_was():
    command = ["git", "log", "--patch", "--format=", "-G", "^fail_under", "--", "pyproject.toml"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode:
        pytest.skip("There is no history here to compare with.")
    assert COVERAGE["report"]["fail_under"] >= max(floors(ended.stdout), default=0)


def test_a_floor_is_read_where_one_was_set():
    assert floors("-fail_under = 90.5\n+fail_under = 91\n unrelated\n+fail_under = 92.5\n") == [91.0, 92.5]


def test_everything_that_is_served_is_counted_branches_and_templates_too():
    assert COVERAGE["run"]["branch"] is True
    assert COVERAGE["run"]["source"] == [*APPS, "templates"]
    assert COVERAGE["run"]["plugins"] == ["django_coverage_plugin"]
    assert COVERAGE["report"]["omit"] == ["*/migrations/*"]
