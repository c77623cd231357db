"""The cache of this product: a table of attempts and used codes, in JSON.

Django's own database and file caches unpickle what they read, so that whoever can write a row there runs code in the
web process; and they evict, so that a busy day forgets who failed to sign in. Here a row is JSON and stays until its
time is over. Nothing but allauth's limits and used codes, and our own counting of attempts, goes through it.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.core.cache import cache
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import connection
from django.db.models.functions import Now

# `until` is compared with the database's clock alone: two machines agree on what is over.
_ADD = """
insert into public.access_attempt (key, value, until)
values (%s, %s::jsonb, clock_timestamp() + make_interval(secs => %s))
on conflict (key) do update set value = excluded.value, until = excluded.until
  where access_attempt.until <= clock_timestamp() or %s
returning key
"""


class AttemptsCache(BaseCache):
    """Django's cache interface over `access_attempt`; `add` is atomic, and values are what JSON can hold."""

    def __init__(self, _location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> bool:
        """Set a value unless a live one is there, in one statement; say whether it was set."""
        return self._put(key, value, timeout, version, replace=False)

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> None:
        """Set a value and its end, whatever was there."""
        self._put(key, value, timeout, version, replace=True)

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        """Return the live value, or the default; nothing is ever unpickled."""
        return self.get_many([key], version).get(key, default)

    def get_many(self, keys: Any, version: Any = None) -> dict[Any, Any]:
        """Return the live values of these keys in one query."""
        names = {self.make_and_validate_key(key, version): key for key in keys}
        return {names[name]: value for name, value in self._live().filter(pk__in=names).values_list("key", "value")}

    def has_key(self, key: Any, version: Any = None) -> bool:
        """Say whether a live value is there."""
        return self._live().filter(pk=self.make_and_validate_key(key, version)).exists()

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> bool:
        """Give a live value another end; say whether there was one."""
        rows = self._live().filter(pk=self.make_and_validate_key(key, version))
        return bool(rows.update(until=self._until(timeout)))

    def delete(self, key: Any, version: Any = None) -> bool:
        """Remove a value; say whether it was there."""
        deleted, _each = self._rows().filter(pk=self.make_and_validate_key(key, version)).delete()
        return bool(deleted)

    def incr(self, key: Any, delta: int = 1, version: Any = None) -> int:
        """Count in the database, so that no attempt is lost between processes; ValueError where nothing is counted."""
        name = self.make_and_validate_key(key, version)
        with connection.cursor() as cursor:
            cursor.execute(
                "update public.access_attempt set value = to_jsonb((value #>> '{}')::bigint + %s)"
                " where key = %s and until > clock_timestamp() returning (value #>> '{}')::bigint",
                [delta, name],
            )
            row = cursor.fetchone()
        if row is None:
            raise ValueError("There is no such attempt.")
        return int(row[0])

    def clear(self) -> None:
        """Forget what is over, and nothing else: an attempt stays until its time."""
        self._rows().filter(until__lte=Now()).delete()

    def _put(self, key: Any, value: Any, timeout: Any, version: Any, *, replace: bool) -> bool:
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        name = self.make_and_validate_key(key, version)
        if seconds is not None and seconds <= 0:
            self.delete(key, version)
            return True
        with connection.cursor() as cursor:
            # Nothing is remembered for ever: without an end it is a year.
            cursor.execute(_ADD, [name, json.dumps(value), float(seconds or 31_536_000), replace])
            return cursor.fetchone() is not None

    def _until(self, timeout: Any) -> Any:
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return Now() + timedelta(seconds=seconds or 31_536_000)

    @staticmethod
    def _rows() -> Any:
        from access.models import Attempt

        return Attempt.objects.all()

    def _live(self) -> Any:
        return self._rows().filter(until__gt=Now())


def seconds_left(keys: list[str]) -> list[float]:
    """Return how long each of these keys that is there stays, by the database's clock; what stands in it means nothing."""
    names = [cache.make_key(key) for key in keys]
    with connection.cursor() as cursor:
        cursor.execute(
            "select extract(epoch from least(until, clock_timestamp() + interval '1 year') - clock_timestamp())::float from public.access_attempt"
            " where key = any (%s) and until > clock_timestamp()",
            [names],
        )
        return [row[0] for row in cursor.fetchall()]
