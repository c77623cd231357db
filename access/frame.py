"""What every page says around its content - who is here, what they do, what waits for them - in one statement."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, ClassVar, TypeVar

from allauth.account.auth_backends import AuthenticationBackend
from django.db import connection, models
from django.utils import timezone

from access.actions import people
from access.models import Organisation, User
from access.models.duty import Duty
from access.questions import SOMEBODY, Question, Written

# How long before a year begins its calendar is missed.
CALENDAR_AHEAD = timedelta(days=45)
Row = TypeVar("Row", bound=models.Model)


@dataclass(frozen=True)
class Frame:
    """What the frame says to one person; read afresh for each request."""

    held: frozenset[Duty]
    # The database's clock, at which all of it was read.
    now: datetime
    # How much waits, by the name of the page where it waits.
    waiting: dict[str, int] = field(default_factory=dict)
    # The year whose working days are not confirmed yet, if there is one.
    year_without_calendar: int | None = None


class Counts:
    """What is counted for the frame: for a page, by whoever holds one of its duties. Each app announces its own."""

    announced: ClassVar[dict[str, tuple[set[Duty], Question[Any]]]] = {}

    @classmethod
    def announce(cls, counts: dict[str, tuple[set[Duty], Question[Any]]]) -> None:
        """Add what an app counts for the menu, and for whom."""
        cls.announced.update(counts)
        _statement.cache_clear()


class Backend(AuthenticationBackend):
    """allauth's, which finds whoever is signed in together with the frame of their page."""

    def _check_password(self, user: User | None, password: str) -> User | None:
        """Let in with the right password, which is stored as passwords are today from then on."""
        found: User | None = super()._check_password(user, password)
        if found is not None and found.has_outdated_hash:
            people.store_password_anew(found, password)
        return found

    def get_user(self, user_id: Any) -> User | None:
        """Return who is signed in with the frame of their page, in one query, or nobody where the account is disabled."""
        user = read(user_id)
        return user if user is not None and self.user_can_authenticate(user) else None


def of(user: User) -> Frame:
    """Return the frame of a person's page, which was read with them unless they have just signed in."""
    frame: Frame | None = getattr(user, "frame", None)
    if frame is None:
        found = read(user.pk)
        frame = getattr(found, "frame", Frame(frozenset(), timezone.now()))
    return frame


def holds(user: User, duty: Duty) -> bool:
    """Say whether this person held the duty anywhere when their page began; what changes something asks anew."""
    return duty in of(user).held


# Only what a statement is made of, never what somebody may do: that is read each time.
_last: dict[uuid.UUID, tuple[str, ...]] = {}
MOST_REMEMBERED = 10_000


def read(user_id: uuid.UUID) -> User | None:
    """Return a person with their unit and their frame, in one statement; None when there is nobody.

    It counts for the pages that this person had the last time, and for no others, which makes it half as long; who has
    got another duty since is read a second time.
    """
    pages = _last.get(user_id, ())
    user = _read(user_id, pages)
    if user is not None and (due := _pages(user.frame.held)) != pages:  # type: ignore[attr-defined]
        if len(_last) >= MOST_REMEMBERED:
            _last.clear()
        _last[user_id] = due
        user = _read(user_id, due)
    return user


def _pages(held: frozenset[Duty]) -> tuple[str, ...]:
    return tuple(page for page, (any_of, _question) in Counts.announced.items() if any_of & held)


def _read(user_id: uuid.UUID, pages: tuple[str, ...]) -> User | None:
    statement = _statement(pages)
    year = (timezone.localdate() + CALENDAR_AHEAD).year
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, [f"{year}-12-31", *statement.filled(user_id)])
        row = cursor.fetchone()
    if row is None:
        return None
    cells = iter(row)
    user, unit = _made(User, cells), _made(Organisation, cells)
    user.organisation = unit
    held, now, is_confirmed, *counts = cells
    user.frame = Frame(  # type: ignore[attr-defined]
        held=frozenset(map(Duty, held)),
        now=now,
        waiting=dict.fromkeys(Counts.announced, 0) | dict(zip(pages, counts, strict=True)),
        year_without_calendar=None if is_confirmed else year,
    )
    return user


@cache
def _statement(pages: tuple[str, ...]) -> Written:
    """Write the statement; its first value is the day that a year's calendar has to know."""
    counts, values = [], []
    for any_of, question in map(Counts.announced.__getitem__, pages):
        # What a person has no duty for any more is not even counted.
        counts.append(f"case when %s::text[] && held.duties then ({question.counted.sql}) else 0 end")
        values += [sorted(any_of), *question.counted.values]
    statement = f"""
        select {_columns(User, "who")}, {_columns(Organisation, "unit")}, held.duties, clock_timestamp(),
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
    return Written(statement, (*values, SOMEBODY))


def _columns(model: type[models.Model], table: str) -> str:
    return ", ".join(f"{table}.{field.column}" for field in model._meta.concrete_fields)


def _made(model: type[Row], cells: Iterator[Any]) -> Row:
    names = [field.attname for field in model._meta.concrete_fields]
    return model.from_db(connection.alias, names, [next(cells) for _name in names])
