from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from config import database


def _connected(cloned: dict[str, str], role: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(make_conninfo(**{**cloned, "user": role}), autocommit=True) as connection:
        yield connection


@pytest.fixture
def app(cloned: dict[str, str], db: None) -> Iterator[psycopg.Connection]:
    """The application's role and nothing else, as somebody has it who has captured its password."""
    yield from _connected(cloned, database.APP)


@pytest.fixture
def keys(cloned: dict[str, str], db: None) -> Iterator[psycopg.Connection]:
    """The key service's role, without its keyring."""
    yield from _connected(cloned, database.KEYS)
