"""Production starts with safe values only, and says which one is not."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from psycopg.conninfo import make_conninfo

from config import database
from tests.databases import ROOT

SAFE = {
    "MODE": "production",
    "SECRET_KEY": "x" * 60,
    "ALLOWED_HOSTS": "records.example",
    "VAULT_KEYRING": "/dev/null",
    "SEALED_KEYRING": "/dev/null",
    "AUDIT_SIGNING_KEY_FILE": "/dev/null",
    "AUDIT_WITNESS_FILE": "/dev/null",
}


@pytest.fixture
def start(cloned):
    """Read the settings in a process of their own, with the values of production except for some."""
    url = make_conninfo(**{**cloned, "user": database.APP})

    def run(*command: str, **values: str) -> subprocess.CompletedProcess:
        environment = {**os.environ, **SAFE, "DATABASE_URL": url, **values}
        return subprocess.run(
            [sys.executable, "manage.py", *(command or ("check",))],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
        )

    return run


def test_production_starts_with_safe_values_and_its_deployment_check_is_clean(start):
    ended = start(
        "check",
        "--deploy",
        "--fail-level",
        "WARNING",
        SECRET_KEY="b4Tz-9qLw3_fHs7Kx1PvY6mEr8UcJd2NaGo5Qi0VtXyRzBkW7pQe2MnS",
    )

    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SECRET_KEY", "", "SECRET_KEY is not set"),
        ("SECRET_KEY", "short", "SECRET_KEY is too short"),
        ("ALLOWED_HOSTS", "", "ALLOWED_HOSTS must name"),
        ("ALLOWED_HOSTS", "*", "ALLOWED_HOSTS must name"),
        ("SECOND_FACTOR_REQUIRED", "no", "SECOND_FACTOR_REQUIRED may not be switched off"),
        ("SECOND_FACTOR_REQUIRED", "perhaps", "SECOND_FACTOR_REQUIRED must be yes or no"),
        ("VAULT_KEYRING", "", "VAULT_KEYRING is not set"),
        ("SEALED_KEYRING", "", "SEALED_KEYRING is not set"),
        ("AUDIT_SIGNING_KEY_FILE", "", "AUDIT_SIGNING_KEY_FILE is not set"),
        ("VAULT_SUITE", "rot13", "VAULT_SUITE must be"),
        ("VIEWING_SECONDS", "many", "VIEWING_SECONDS must be a whole number"),
        ("BEHIND_PROXY", "yes", "TRUSTED_PROXIES must say how many proxies stand in front"),
        ("TRUSTED_PROXIES", "1", "TRUSTED_PROXIES must say how many proxies stand in front"),
        ("TRUSTED_PROXIES", "one", "TRUSTED_PROXIES must be a whole number"),
        ("SESSION_IDLE_SECONDS", "120", "SESSION_IDLE_SECONDS must be more than the two minutes"),
        ("POPULATION_REGISTER", "config.sample_population.ask", "names the demo's invented register"),
        ("MODE", "prod", "MODE must be"),
    ],
)
def test_production_refuses_an_unsafe_value_and_names_it(start, name, value, sentence):
    ended = start(**{name: value})

    assert ended.returncode != 0
    assert sentence in ended.stderr


def test_a_database_that_cannot_be_reached_is_one_sentence(start):
    ended = start("migrate", "--check", DATABASE_OWNER_URL="host=127.0.0.1 port=1 dbname=none user=nobody")

    assert ended.returncode == 1
    assert "The database is not usable." in ended.stderr and "Traceback" not in ended.stderr


def test_migrating_without_the_owners_address_says_what_is_missing(start):
    ended = start("migrate")

    assert ended.returncode != 0
    assert "DATABASE_OWNER_URL is not set" in ended.stderr


def test_an_old_postgresql_is_refused():
    with pytest.raises(database.DatabaseUnusable, match="version 14; version 15 or newer"):
        database.check_version(140009)


@pytest.mark.django_db
def test_the_role_that_owns_the_tables_may_not_serve(owner):
    class Connection:
        pg_version = 180000
        cursor = owner.cursor

    with pytest.raises(database.DatabaseUnusable, match="Let DATABASE_URL name seal_app"):
        database.check_role(Connection)


def test_every_variable_that_is_read_stands_in_the_example():
    import re

    read = set()
    for name in (
        "gunicorn.conf.py", "config/settings.py", "config/database.py", "config/processes.py",
        "config/management/commands/demo.py", "config/management/commands/accounts.py",
    ):  # fmt: skip
        text = (ROOT / name).read_text()
        read |= set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', text)) | set(
            re.findall(r'environ(?:\.get\(|\[)"([A-Z_]+)"', text)
        )
    shown = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M))

    assert read - shown - {"DATABASE_ROLE", "PROMETHEUS_MULTIPROC_DIR"} == set()  # the last is set, not read
    # Read by the name that belongs to a role, or by the one command that a superuser runs.
    assert shown - read <= {"DATABASE_OWNER_URL", "DATABASE_SIGNER_URL", "DATABASE_SUPERUSER_URL"}
