"""What every page says around its content - who is here, what they do, what waits for them - in one statement."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any, ClassVar, TypeVar

from allauth.account.auth_backends import AuthenticationBackend
from django.db import connection, models
from django.utils import timezone

from access.duties import Duty
from access.models import Organisation, User

# How long before a year begins its calendar is missed.
CALENDAR_AHEAD = timedelta(days=45)
Row = TypeVar("Row", bound=models.Model)
Waiting = Callable[[User], models.QuerySet[Any]]


@dataclass(frozen=True)
class Frame:
    """What the frame says to one person; read afresh for each request."""

    held: frozenset[Duty]
    # How much waits, by the name of the page where it waits.
    waiting: dict[str, int] = field(default_factory=dict)
    # The year whose working days are not confirmed yet, if there is one.
    year_without_calendar: int | None = None


class Counts:
    """What is counted for the frame: for a page, by whoever holds one of its duties. Each app announces its own."""

    announced: ClassVar[dict[str, tuple[set[Duty], Waiting]]] = {}

    @classmethod
    def announce(cls, counts: dict[str, tuple[set[Duty], Waiting]]) -> None:
        cls.announced.update(counts)
        _statement.cache_clear()


class Backend(AuthenticationBackend):
    """allauth's, which finds whoever is signed in together with the frame of their page."""

    def get_user(self, user_id: Any) -> User | None:
        user = read(user_id)
        return user if user is not None and self.user_can_authenticate(user) else None


def of(user: User) -> Frame:
    """Return the frame of a person's page, which was read with them unless they have just signed in."""
    frame: Frame | None = getattr(user, "frame", None)
    if frame is None:
        found = read(user.pk)
        frame = getattr(found, "frame", Frame(frozenset()))
    return frame


def read(user_id: uuid.UUID) -> User | None:
    """Return a person with their unit and their frame, in one statement; None when there is nobody."""
    statement, values = _statement()
    year = (timezone.localdate() + CALENDAR_AHEAD).year
    known: dict[Any, Any] = {_SOMEBODY: user_id, _SOME_DAY: f"{year}-12-31"}
    with connection.cursor() as cursor:
        # Values may be lists, which are no key of anything.
        cursor.execute(statement, [known.get(value, value) if isinstance(value, _KNOWN) else value for value in values])
        row = cursor.fetchone()
    if row is None:
        return None
    cells = iter(row)
    user, unit = _made(User, cells), _made(Organisation, cells)
    user.organisation = unit
    held, is_confirmed, *counts = cells
    user.frame = Frame(  # type: ignore[attr-defined]
        held=frozenset(map(Duty, held)),
        waiting=dict(zip(Counts.announced, counts, strict=True)),
        year_without_calendar=None if is_confirmed else year,
    )
    return user


# The statement is made once: Django takes longer to write five such queries than PostgreSQL to answer them.
_SOMEBODY = uuid.UUID(int=0x136)
_SOME_DAY = "the last day of the year"
_KNOWN = (uuid.UUID, str)


@cache
def _statement() -> tuple[str, list[Any]]:
    asker = User(pk=_SOMEBODY)
    # The unit is not known yet, so every query finds it by itself.
    asker.organisation_id = models.Subquery(User.objects.filter(pk=_SOMEBODY).values("organisation_id")[:1])  # type: ignore[assignment]
    counts, values = [], []
    for any_of, waiting in Counts.announced.values():
        query, inner = waiting(asker).order_by().values("pk").query.sql_with_params()
        # What a person has no duty for is not even counted.
        count = f"(select count(*) from ({query}) as waiting)"  # noqa: S608 - Django's own query
        counts.append(f"case when %s::text[] && held.duties then {count} else 0 end")
        values += [sorted(any_of), *inner]
    statement = f"""
        select {_columns(User, "who")}, {_columns(Organisation, "unit")}, held.duties,
               exists (select from public.access_workingday where day = %s::date)
               {"".join(f", {count}" for count in counts)}
          from public.access_user who
          join public.access_organisation unit on unit.id = who.organisation_id
          cross join lateral (
              select coalesce(array_agg(distinct duty.codename::text), array[]::text[]) as duties
                from public.access_organisationuserobjectpermission given
                join public.auth_permission duty on duty.id = given.permission_id
               where given.user_id = who.id and who.is_active) held
         where who.id = %s"""  # noqa: S608 - made of names of columns and of Django's own queries
    return statement, [_SOME_DAY, *values, _SOMEBODY]


def _columns(model: type[models.Model], table: str) -> str:
    return ", ".join(f"{table}.{field.column}" for field in model._meta.concrete_fields)


def _made(model: type[Row], cells: Iterator[Any]) -> Row:
    names = [field.attname for field in model._meta.concrete_fields]
    return model.from_db(connection.alias, names, [next(cells) for _name in names])
