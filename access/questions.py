"""What pages ask about one person, put into SQL once: Django takes longer to write such a question than PostgreSQL to
answer it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Hashable, Iterator
from copy import copy
from datetime import date
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.core.paginator import Page, Paginator
from django.db import connection, models
from django.db.models.sql.compiler import SQLCompiler
from django.http import Http404

from access.models import User

Row = TypeVar("Row", bound=models.Model)
# Stand in the written SQL for whoever asks, and for the one row that is asked for.
SOMEBODY, SOMETHING = uuid.UUID(int=0x136), uuid.UUID(int=0x59)


def somebody() -> User:
    """Return who stands for whoever will ask; their unit is found by the database, since it is not known yet."""
    person = User(pk=SOMEBODY)
    person.organisation_id = models.Subquery(User.objects.filter(pk=SOMEBODY).values("organisation_id")[:1])  # type: ignore[assignment]
    return person


class Written:
    """A statement of Django's with its values, some of which stand for what it will be asked about."""

    def __init__(self, sql: str, values: tuple[Any, ...], *stand_ins: Hashable) -> None:
        if any(isinstance(value, date) for value in values):
            raise TypeError("A question holds no moment and no day: they would stay those of the first time.")
        self.sql, self.values, self._stand_ins = sql, tuple(values), stand_ins or (SOMEBODY, SOMETHING)

    def filled(self, *about: Any) -> list[Any]:
        """Return its values for what it is asked about, in the order of what stands for it."""
        known = dict(zip(self._stand_ins, about, strict=False))
        return [known.get(value, value) if isinstance(value, Hashable) else value for value in self.values]


class Replay(Generic[Row]):
    """A query set whose SQL is written once; its rows are made by Django, as ever."""

    def __init__(self, rows: models.QuerySet[Row]) -> None:
        self._rows = rows
        self._compiler: SQLCompiler = rows.query.get_compiler(using=rows.db)
        self._written = Written(*self._compiler.as_sql())
        # How values of the database become those of Python depends on the columns only.
        columns = [column for column, _sql, _alias in self._compiler.select[: self._compiler.col_count]]
        converters = self._compiler.get_converters(columns)
        self._compiler.get_converters = lambda _columns: converters

    def read(self, *about: uuid.UUID, part: str = "") -> list[Row]:
        """Return the rows about a person, or about a person and one row; all of them, or a part."""
        sql, values = self._written.sql + part, self._written.filled(*about)
        compiler = copy(self._compiler)
        # Who wrote it may have been another thread, whose connection is not ours.
        compiler.connection = connection
        compiler.as_sql = lambda *_args, **_kwargs: (sql, values)  # type: ignore[assignment,method-assign]
        rows: models.QuerySet[Row] = self._rows.all()
        rows.query.get_compiler = lambda *_args, **_kwargs: compiler  # type: ignore[method-assign]
        return list(rows)


class Question(Generic[Row]):
    """A query set about one person, which is built and put into SQL once in a process.

    `build` may look at nothing of the person but who they are and their unit. It may hold no moment and no day, which
    would stay those of the first question: what has to be current is the database's (`DATABASE_NOW`).
    """

    def __init__(self, build: Callable[[User], models.QuerySet[Row]]) -> None:
        self.build = build

    def of(self, user: User, *, count: int | None = None) -> Answer[Row]:
        """Ask it for this person; who knows already how many rows there are says so."""
        return Answer(self, user.pk, count)

    @cached_property
    def counted(self) -> Written:
        """The statement that counts its rows."""
        sql, values = self.build(somebody()).order_by().values("pk").query.sql_with_params()
        return Written(f"SELECT count(*) FROM ({sql}) AS asked", values)  # noqa: S608 - Django's own query

    @cached_property
    def rows(self) -> Replay[Row]:
        """All its rows, as a statement that was written once."""
        return Replay(self.build(somebody()))

    @cached_property
    def row(self) -> Replay[Row]:
        """One of its rows by its key, as a statement that was written once."""
        return Replay(self.build(somebody()).filter(pk=SOMETHING))


class Answer(Generic[Row]):
    """The rows for one person, read when they are looked at: all, one, or the part that a paginator asks for."""

    # A question says its order itself; Django's paginator looks for it.
    ordered = True

    def __init__(self, question: Question[Row], user_id: uuid.UUID, count: int | None) -> None:
        self._question, self._user_id, self._count = question, user_id, count

    def count(self) -> int:
        """Return how many rows there are; the database is asked once, and not where it was known already."""
        if self._count is None:
            counted = self._question.counted
            with connection.cursor() as cursor:
                cursor.execute(counted.sql, counted.filled(self._user_id))
                self._count = int(cursor.fetchone()[0])
        return self._count

    def get_or_404(self, pk: uuid.UUID) -> Row:
        """Return the row of this key. Raises Http404 where it is not among them: for this person it does not exist."""
        for row in self._question.row.read(self._user_id, pk):
            return row
        raise Http404

    def page(self, number: str | None, size: int) -> Page[Row]:
        """Return one page of the rows; what is no number of a page is the first or the last."""
        return Paginator(self, size).get_page(number)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Row]:
        return iter(self._question.rows.read(self._user_id))

    def __getitem__(self, part: slice) -> list[Row]:
        start, stop = part.start or 0, part.stop
        return self._question.rows.read(self._user_id, part=f" LIMIT {stop - start:d} OFFSET {start:d}")
