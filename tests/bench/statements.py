"""What one opening sends to the database, recorded from the real door and sent again by bare psycopg."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from unittest import mock

import psycopg
from django.db import connection

BEGIN, COMMIT = "begin", "commit"


@dataclass(frozen=True)
class Statement:
    text: str
    parameters: Any = None


@contextmanager
def recorded() -> Iterator[list[Statement]]:
    """Yield a list that is filled with the statements of the block and with what begins and ends its transactions."""
    statements: list[Statement] = []
    begin, commit = connection._set_autocommit, connection._commit

    def keep(execute: Callable[..., Any], text: str, parameters: Any, many: bool, context: dict[str, Any]) -> Any:
        statements.append(Statement(text, parameters))
        return execute(text, parameters, many, context)

    def set_autocommit(autocommit: bool) -> None:
        if not autocommit:  # psycopg then begins by itself before the next statement
            statements.append(Statement(BEGIN))
        begin(autocommit)

    def committed() -> None:
        statements.append(Statement(COMMIT))
        commit()

    with ExitStack() as stack:
        stack.enter_context(connection.execute_wrapper(keep))
        stack.enter_context(mock.patch.object(connection, "_set_autocommit", set_autocommit))
        stack.enter_context(mock.patch.object(connection, "_commit", committed))
        yield statements


class Replay:
    """Sends one recorded opening again and again, each time with a token, an opening and an event of its own."""

    def __init__(
        self, statements: list[Statement], *, token: uuid.UUID, opening: uuid.UUID, event: uuid.UUID, at: datetime
    ):
        self.statements = statements
        self.own = (token, opening, event)
        self.at = at

    def send(self, to: psycopg.Connection, now: datetime) -> int:
        """Send the opening, its times moved to `now`; return how many rows the last statement with rows gave."""
        fresh = {old: uuid.uuid4() for old in self.own}
        names = [(str(old).encode(), str(new).encode()) for old, new in fresh.items()]
        later = now - self.at
        rows: list[Any] = []
        with to.cursor() as cursor:
            for statement in self.statements:
                cursor.execute(statement.text, _moved(statement.parameters, fresh, names, later))
                if cursor.description:
                    rows = cursor.fetchall()
        return len(rows)


def _moved(value: Any, fresh: dict[uuid.UUID, uuid.UUID], names: list[tuple[bytes, bytes]], later: Any) -> Any:
    if isinstance(value, uuid.UUID):
        return fresh.get(value, value)
    if isinstance(value, datetime):
        return value + later
    if isinstance(value, Mapping):
        return {name: _moved(each, fresh, names, later) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_moved(each, fresh, names, later) for each in value]
    if isinstance(value, bytes):
        for old, new in names:
            value = value.replace(old, new)
    return value
