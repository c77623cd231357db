"""Kinds of events: each is registered once by its app, and what may be written can be read."""

import re
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.db import connection, transaction

from access import kinds as access_kinds
from audit import kinds, trail
from audit.sql import kinds as may_be_written
from records import kinds as records_kinds

ROOT = Path(__file__).resolve().parents[3]
APPS = {"audit": kinds, "access": access_kinds, "records": records_kinds}


@pytest.fixture
def registry(monkeypatch):
    """A registry of this test only."""
    monkeypatch.setattr(kinds, "_kinds", dict(kinds._kinds))
    monkeypatch.setattr(kinds, "_vocabularies", list(kinds._vocabularies))
    return kinds._kinds


def test_each_app_registers_its_own_and_audit_names_no_other():
    own = {app: {name for name in vars(module) if name in kinds._kinds} for app, module in APPS.items()}
    assert sum(map(len, own.values())) == len(kinds.registered())
    assert {kind for kind in own["audit"] if not kind.startswith(("TRAIL_", "ALARM_"))} == {
        "DENIED",
        "RECONCILED",
        "SCHEMA_ACCEPTED",
    }
    foreign = re.compile(r"[\"'](?:access|records)\.|\b(?:REQUEST|VIOLATION|GRANT|DUTY|OPENING|USER)_?[A-Z]*\b")
    text = (ROOT / "audit" / "kinds.py").read_text() + (ROOT / "audit" / "sentences.py").read_text()
    assert foreign.findall(text) == []


@pytest.mark.django_db
def test_what_the_database_lets_be_written_is_what_is_registered():
    with connection.cursor() as cursor:
        cursor.execute("select kind from audit_kind")
        assert {kind for (kind,) in cursor.fetchall()} == {str(kind) for kind in kinds.registered()}


def test_a_kind_that_a_migration_lets_be_written_and_nobody_registered_fails_at_start(registry):
    assert run_checks(tags=["audit"]) == []
    del registry["OPENING"]
    [error] = run_checks(tags=["audit"])
    assert (error.id, "OPENING" in error.msg, "access" in error.msg) == ("audit.E001", True, True)


def test_the_operation_of_a_migration_says_which_kinds_it_lets_be_written():
    assert may_be_written("A_KIND", by_function=("ANOTHER",)).kinds == ("A_KIND", "ANOTHER")


@pytest.mark.parametrize("code", ["DENIED", "denied", "A", "WITH SPACE", ""])
def test_a_kind_that_is_there_already_or_is_no_code_fails_where_it_is_defined(registry, code):
    with pytest.raises(ValueError, match="registered already, or is no code"):
        kinds.Kind(code, "label", "sentence", kinds.Group.SYSTEM)


def test_two_apps_that_say_different_things_of_one_word_are_refused(registry):
    kinds.register(vocabulary=kinds.Vocabulary(details={"rung": kinds.vocabulary().details["rung"]}))
    with pytest.raises(ValueError, match="how rung reads"):
        kinds.register(vocabulary=kinds.Vocabulary(details={"rung": "another"}))


@pytest.mark.django_db
def test_an_event_of_a_kind_that_nobody_registered_is_not_written(registry):
    del registry["USER_DISABLED"]
    with transaction.atomic(), pytest.raises(ValueError, match="No app registered the kind of event USER_DISABLED"):
        trail.write(access_kinds.USER_DISABLED, by=None, on=None)


def test_every_kind_that_a_function_of_the_database_writes_is_registered():
    written = re.compile(
        r"audit_(?:append\(|bytes\(\s*[\w.]+, clock_timestamp\(\),)\s*"
        r"(?:case when \w+ then )?'([A-Z_]+)'(?: else '([A-Z_]+)')?"
    )
    named = {
        name
        for app in APPS
        for path in (ROOT / app / "sql").glob("*.sql")
        for match in written.findall(path.read_text())
        for name in match
        if name
    }
    assert len(named) > 20
    assert named - {str(kind) for kind in kinds.registered()} == set()


def test_the_form_offers_every_kind_business_first():
    offered = [code for code, _label in kinds.choices()]
    assert len(offered) == len(set(offered)) == len(kinds.registered())
    groups = [kinds.kind_of(code).group for code in offered]
    assert groups == sorted(groups, key=list(kinds.Group).index)
