"""The sealed connection and the register's keyring: nothing outside this package names either."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from access import vault
from access.exceptions import NotHere, Unavailable
from access.vault.ciphers import VaultError
from access.vault.keyring import Keyring

# What the functions of the database raise when something may not be.
REFUSED = "SE001"
CONNECTIONS = 8
WAIT_SECONDS = 5
RESTED_SECONDS = 1
logger = logging.getLogger(__name__)

_pool: ConnectionPool[psycopg.Connection[dict[str, Any]]] | None = None
_lock = threading.Lock()


class RefusedByDatabase(Exception):
    """The database's own check says that this may not be."""


@contextmanager
def sealed() -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """Give an autocommitting connection as `seal_keys` to a block; each statement in it is a durable transaction.

    Raises RefusedByDatabase where a function refuses, and Unavailable where the connection cannot be had or the
    database has not the functions of this version.
    """
    try:
        with _get_pool().connection(timeout=WAIT_SECONDS) as connection:
            yield connection
    except psycopg.Error as error:
        if error.diag.sqlstate == REFUSED:
            raise RefusedByDatabase(str(error.diag.message_primary)) from None
        # The database's message may carry values, so it is not passed on.
        logger.error("The sealed connection failed: %s", type(error).__name__)
        if isinstance(error, psycopg.errors.DiskFull):
            raise Unavailable(
                "The disk of the database is full. Free some space there; what was not sealed waits and goes on."
            ) from None
        if isinstance(error, psycopg.ProgrammingError):
            raise Unavailable(
                "The database has not the functions of this version. Run `manage.py migrate` with DATABASE_OWNER_URL."
            ) from None
        raise Unavailable(
            "The sealed part of the database cannot be reached. Check SEALED_DATABASE_URL and the database server."
        ) from None


def register_keys() -> Keyring:
    """Return the keyring of the sealed compartment and the register's index, read again whenever it has changed."""
    path = getattr(settings, "SEALED_KEYRING", None)
    try:
        if not path:
            raise vault.KeyUnavailable("SEALED_KEYRING is not set. Set it to the path of the register's keyring.")
        return vault.keyring_at(Path(path))
    except VaultError as error:
        logger.error("The register's keyring cannot be used: %s", error)
        raise Unavailable(str(error)) from None


def close() -> None:
    """Give the connections back, as when the process ends or, in tests, the database changes."""
    global _pool
    with _lock:
        if _pool is not None:
            _pool.close()
            _pool = None


def _get_pool() -> ConnectionPool[psycopg.Connection[dict[str, Any]]]:
    global _pool
    pool = _pool
    if pool is None:
        with _lock:
            pool = _pool
            if pool is None:
                pool = _pool = _new_pool(settings.SEALED_DATABASE_URL)
    return pool


def _new_pool(address: str) -> ConnectionPool[psycopg.Connection[dict[str, Any]]]:
    if not address:
        raise NotHere("SEALED_DATABASE_URL is not set, so nothing sealed can be reached from here.")
    return ConnectionPool(
        address,
        min_size=0,
        max_size=CONNECTIONS,
        timeout=WAIT_SECONDS,
        reconnect_timeout=WAIT_SECONDS,
        configure=_check_role,
        check=_check_idle,
        open=True,
        kwargs={
            "autocommit": True,
            "row_factory": dict_row,
            "prepare_threshold": 2,
            "connect_timeout": 5,
            "options": "-c statement_timeout=60000 -c lock_timeout=8000 -c idle_in_transaction_session_timeout=60000",
        },
    )


def _check_idle(connection: psycopg.Connection[dict[str, Any]]) -> None:
    """Ask a connection that has rested whether it is still there; one that was just used is."""
    rested = time.monotonic() - getattr(connection, "used_at", 0.0)
    connection.used_at = time.monotonic()  # type: ignore[attr-defined]
    if rested > RESTED_SECONDS:
        ConnectionPool.check_connection(connection)


def _check_role(connection: psycopg.Connection[dict[str, Any]]) -> None:
    """Refuse a connection that could read tables: this one has its functions and nothing else."""
    row = connection.execute(
        """
        select r.rolsuper or r.rolbypassrls or exists (select from pg_auth_members m where m.member = r.oid)
               or exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                           where c.relkind in ('r', 'v', 'm', 'p') and n.nspname in ('sealed', 'public')
                             and has_table_privilege(r.oid, c.oid, 'select, insert, update, delete')) as too_much
          from pg_roles r where r.rolname = current_user
        """
    ).fetchone()
    if row is None or row["too_much"]:
        logger.error("SEALED_DATABASE_URL names a role that can do too much; it has to be seal_keys.")
        raise psycopg.OperationalError("SEALED_DATABASE_URL names a role that can do too much.")
