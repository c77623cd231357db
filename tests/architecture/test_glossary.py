"""The list of words keeps pace: its names are in the code, its Chinese on the screens, and each table is on it."""

from __future__ import annotations

import re
from importlib import import_module

import pytest
from django.apps import apps

from tests.architecture.test_layers import APPS, ROOT

TEXT = (ROOT / "docs" / "glossary.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("| ").split(" | ")]
    for line in TEXT.splitlines()
    if line.startswith("| ") and not line.startswith(("| English", "| ---"))
]
NAMES = sorted({name for row in ROWS for name in re.findall(r"`([^`]+)`", row[-1])})
# What libraries make beside a table of ours, one like the other.
BESIDE = re.compile(r"Historical|(User|Group)ObjectPermission$")


def found(name: str) -> bool:
    """Say whether a dotted name is a module of the product, or something in one."""
    module, _dot, last = name.rpartition(".")
    try:
        import_module(name)
    except ModuleNotFoundError:
        return hasattr(import_module(module), last)
    return True


def test_every_row_has_its_five_cells():
    assert len(ROWS) > 50
    assert [row for row in ROWS if len(row) != 5 or not all(row)] == []


@pytest.mark.parametrize("name", NAMES)
def test_what_a_word_is_called_in_the_code_is_there(name):
    assert (ROOT / name).is_file() if "/" in name else found(name)


def test_what_is_not_there_is_not_found():
    assert found("access.models.Grant") and found("audit.trail")
    assert not found("access.models.Permit")


def test_the_chinese_words_are_those_of_the_screens():
    shown = (ROOT / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po").read_text()
    assert [row[1] for row in ROWS if row[1] not in shown] == []


def test_every_table_of_the_product_has_a_word():
    tables = {
        f"{model.__module__.split('.')[0]}.models.{model.__name__}"
        for app in APPS
        for model in apps.get_app_config(app).get_models()
        if not BESIDE.search(model.__name__)
    }
    assert tables - set(NAMES) == set()
