"""Every test that touches the database gets a clone of its own, as the application role, and really commits."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import coverage
import psycopg
import pytest
from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.core.signals import setting_changed
from django.db import connections
from django.db.models import Model
from django.dispatch import receiver
from psycopg.conninfo import make_conninfo

from audit import checkpoints, notes
from config import database
from records import keyservice
from tests import databases, factories, signing


def pytest_configure() -> None:
    """Let templates keep their line numbers while `make coverage` counts which of them are drawn."""
    if coverage.Coverage.current():
        settings.TEMPLATES[0]["OPTIONS"]["debug"] = True


@receiver(setting_changed)
def write_anew(**_kwargs: object) -> None:
    """How long a session lasts stands in a statement that is written once; in tests a setting changes meanwhile."""
    from access import sessions

    sessions._live.cache_clear()


@receiver(user_logged_in)
def know_their_pages(user: Model, **_kwargs: object) -> None:
    """The message of a sign-in reads the frame of its page, which a test's client does not see; later pages read it once."""
    from access import frame

    frame.read(user.pk)


@pytest.fixture(scope="session", autouse=True)
def seen_rarely() -> Iterator[None]:
    """What is written down or asked by the clock would come between statements that are compared."""
    from access import sessions
    from config import views

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sessions, "SEEN_EVERY_SECONDS", 3600)
        patch.setattr(views, "_counters", views._counters.__wrapped__)
        yield


@pytest.fixture(scope="session")
def django_db_setup() -> None:
    """Replaces pytest-django's: there is no one test database."""


@pytest.fixture(scope="session")
def template_database() -> str:
    return databases.template()


@pytest.fixture
def cloned(template_database: str, worker_id: str) -> Iterator[dict[str, str]]:
    with databases.clone(template_database, f"test_{worker_id}_{os.getpid()}") as values:
        yield values


@pytest.fixture
def _django_db_helper(cloned: dict[str, str], django_db_blocker, settings) -> Iterator[None]:
    """What `django_db`, `db` and `transactional_db` stand on."""
    connection = connections["default"]
    before = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update(NAME=cloned["dbname"], USER=database.APP, HOST=cloned["host"], PORT=cloned["port"])
    settings.SEALED_DATABASE_URL = make_conninfo(**{**cloned, "user": database.KEYS})
    with django_db_blocker.unblock():
        try:
            yield
        finally:
            connections.close_all()
            keyservice.close()
    connection.settings_dict.update(before)


@pytest.fixture
def city(db: None) -> factories.City:
    """The invented city of this test: units, and a person for each role."""
    return factories.City()


@pytest.fixture
def owner(cloned: dict[str, str], db: None) -> Iterator[psycopg.Connection]:
    """A connection of the role that owns the tables: for tampering, and for planting what the application cannot see."""
    with psycopg.connect(make_conninfo(**{**cloned, "user": database.OWNER}), autocommit=True) as connection:
        yield connection


@pytest.fixture
def enact(owner: psycopg.Connection) -> Callable[[Model], Model]:
    """Load a row of the law as the owner does; the application only reads the law."""

    def load(row: Model) -> Model:
        databases.insert(owner, row)
        return row

    return load


@pytest.fixture
def as_owner(cloned: dict[str, str], db: None) -> Iterator[None]:
    """Django's own connection is the owner's, as where the catalogue is loaded."""
    with signing.as_role(database.OWNER):
        yield


@pytest.fixture(autouse=True)
def own_witness(settings, tmp_path) -> None:
    """The witness file belongs to one database; each test has its own of both."""
    settings.AUDIT_WITNESS_FILE = tmp_path / "witness"


@pytest.fixture
def signer(db: None, settings, own_witness: None, tmp_path: Path) -> Path:
    """A signing key of the test's own, with which its log is begun; returns the witness file."""
    settings.AUDIT_SIGNING_KEY_FILE = tmp_path / "signing.pem"
    notes.create_signing_key(settings.AUDIT_SIGNING_KEY_FILE)
    checkpoints.begin()
    return settings.AUDIT_WITNESS_FILE
