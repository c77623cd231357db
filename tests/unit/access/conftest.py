"""What the tests of requests, decisions and people share: a city, all rows as text, and a trail that cannot be written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.utils import translation
from psycopg import sql

from access.exceptions import Unavailable


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """Sentences are compared as they are written in the code, whether or not the translations are compiled."""
    with translation.override("en"):
        yield


def rows_as_text(owner: psycopg.Connection, pattern: str = "access\\_%") -> dict[str, list[str]]:
    """Return every row of every table whose name matches, as the database writes it."""
    names = owner.execute(
        "select tablename from pg_tables where schemaname = 'public' and tablename like %s order by 1", [pattern]
    ).fetchall()
    query = "select t::text from public.{} t order by 1"
    return {
        name: [row for (row,) in owner.execute(sql.SQL(query).format(sql.Identifier(name))).fetchall()]
        for (name,) in names
    }


@pytest.fixture
def refused_without_trail(owner: psycopg.Connection) -> Iterator[Callable]:
    """A block that has to fail because no event can be written, and must leave every row as it was."""

    @contextmanager
    def block() -> Iterator[None]:
        before = rows_as_text(owner)
        # Every event is inserted by functions of the owner, and now that role may not either.
        owner.execute("revoke insert on audit_event from seal_owner")
        with pytest.raises(Unavailable):
            yield
        owner.execute("grant insert on audit_event to seal_owner")
        assert rows_as_text(owner) == before

    return block
