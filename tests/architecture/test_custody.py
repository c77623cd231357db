"""How the seal holds in the code: one package reaches sealed records, nothing is unpickled, a file for each function."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = ("audit", "access", "records", "config")
PRODUCT = [path for app in APPS for path in sorted((ROOT / app).rglob("*.py")) if "migrations" not in path.parts]
SQL = [path for app in APPS for path in sorted((ROOT / app / "sql").glob("*.sql"))]
KEYSERVICE = ROOT / "records" / "keyservice"

# Who else may say these words, and why: settings and set-up name the connection and the file, upkeep vacuums as the owner.
SEALED_WORDS = {
    "SEALED_DATABASE_URL": {
        "config/settings.py",
        "config/database.py",
        "config/management/commands/prepare_database.py",
    },
    "SEALED_KEYRING": {"config/settings.py", "config/apps.py", "config/management/commands/make_keys.py"},
    r"\bsealed\.(record|record_key|history|handler|shown|asked|seal|disclosed|working|audited|strays|count_asked)\b": {
        "records/upkeep.py"
    },
    "register_keys": set(),
    r"Compartment\.SEALED": {"config/apps.py", "config/management/commands/make_keys.py"},
}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _code(path: Path) -> str:
    """The text of a file without comments and docstrings, where a word may be explained."""
    text = re.sub(r'"""(?:.|\n)*?"""', "", path.read_text(encoding="utf-8"))
    return "\n".join(line.partition("  #")[0] for line in text.splitlines() if not line.strip().startswith("#"))


@pytest.mark.parametrize("word", SEALED_WORDS)
def test_only_the_key_service_names_what_is_sealed(word):
    found = {_name(path) for path in PRODUCT if KEYSERVICE not in path.parents and re.search(word, _code(path))}
    # The compartments themselves are defined with the vault.
    assert {name for name in found if not name.startswith("access/vault/")} == SEALED_WORDS[word]


def test_the_rest_calls_four_functions_of_the_key_service():
    called = set()
    for path in PRODUCT:
        if KEYSERVICE not in path.parents:
            text = _code(path)
            called |= set(re.findall(r"\bkeyservice\.(\w+)", text))
            assert not re.search(r"from records\.keyservice\.\w+ import", text), path
    # Beside them how many records fit in one call, and whether this process has such a connection at all.
    assert called <= {"open", "seal", "index", "check", "BATCH", "is_here"}


def test_access_and_audit_cannot_name_the_key_service():
    for path in PRODUCT:
        if _name(path).startswith(("access/", "audit/")):
            assert "keyservice" not in _code(path), path


@pytest.mark.parametrize("word", ["pickle", "marshal", "shelve", "DatabaseCache", "FileBasedCache", "LocMemCache"])
def test_nothing_is_unpickled(word):
    assert [_name(path) for path in PRODUCT if re.search(rf"\b{word}\b", _code(path))] == []


@pytest.mark.parametrize("path", SQL, ids=_name)
def test_each_function_has_a_file_of_its_own_that_a_migration_names(path):
    functions = re.findall(r"create function (?:public|sealed)\.(\w+)", path.read_text(), re.I)
    named = path.stem.removeprefix("sealed_") if path.stem.startswith("sealed_") else path.stem
    if path.stem == "tables":
        assert functions == ["audit_json"]  # generated columns of a table need it first
    elif path.stem in {"sealed_tables", "records_upkeep", "access_proposalkind"}:
        assert functions == []
    else:
        assert functions == [named]
    app = path.parent.parent
    migrations = "".join(one.read_text() for one in (app / "migrations").glob("*.py"))
    assert f'"{path.stem}"' in migrations


def test_an_explanation_stands_above_each_function():
    assert [path.name for path in SQL if not path.read_text().startswith("-- ")] == []
