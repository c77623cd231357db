"""Databases for tests: one template, migrated by the owner, and a clone for each test, used as the application role.

The application role may not truncate, so the usual flush cannot work; and a disclosure needs real commits. A clone
costs a tenth of a second.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.db import connection as application
from django.db import models
from psycopg import sql
from psycopg.conninfo import make_conninfo

from config import database

ROOT = Path(__file__).resolve().parent.parent


def server() -> dict[str, str]:
    """Return the superuser's connection values of the test server, started if need be."""
    values = database.embedded(Path(os.environ["DATA_DIR"]) / "postgres")
    return {key: str(value) for key, value in values.items()}


def template() -> str:
    """Return the name of a migrated database with the catalogue loaded; made once for a set of migrations."""
    superuser = server()
    files = [
        *ROOT.glob("*/migrations/*.py"),
        *ROOT.glob("*/sql/*"),
        *ROOT.glob("*/catalogue/*"),
        ROOT / "requirements-dev.txt",
        ROOT / "config" / "database.py",  # it closes the counters of a database
    ]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(files) if path.is_file())).hexdigest()
    name = f"template_{digest[:12]}"
    lock = Path(os.environ["DATA_DIR"]) / "template.lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with psycopg.connect(make_conninfo(**superuser), autocommit=True) as connection:
            # Nothing here has to survive a power cut; crash tests start a server of their own.
            connection.execute("alter system set fsync = off")
            connection.execute("alter system set max_connections = 200")
            connection.execute("select pg_reload_conf()")
            if connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
                return name
            database.prepare(superuser, f"{name}_new")
        environment = {
            **os.environ,
            "DATABASE_URL": make_conninfo(**{**superuser, "user": database.APP, "dbname": f"{name}_new"}),
            "DATABASE_OWNER_URL": make_conninfo(**{**superuser, "user": database.OWNER, "dbname": f"{name}_new"}),
            "SEALED_DATABASE_URL": make_conninfo(**{**superuser, "user": database.KEYS, "dbname": f"{name}_new"}),
        }
        for command in (["migrate", "--skip-checks", "-v0"], ["load_catalogue"]):
            subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=environment, check=True)
        with psycopg.connect(make_conninfo(**superuser), autocommit=True) as connection:
            connection.execute(f"alter database {name}_new rename to {name}")
    return name


def insert(connection: psycopg.Connection, row: models.Model) -> None:
    """Insert a new row of a model by this connection: for what the application's role may not write."""
    fields = [field for field in row._meta.concrete_fields if not field.generated]
    values = [field.get_db_prep_save(getattr(row, field.attname), application) for field in fields]
    connection.execute(
        sql.SQL("insert into public.{} ({}) values ({})").format(
            sql.Identifier(row._meta.db_table),
            sql.SQL(", ").join(sql.Identifier(field.column) for field in fields),
            sql.SQL(", ").join(sql.Placeholder() for _field in fields),
        ),
        [str(value) if isinstance(value, str) else value for value in values],
    )


@contextmanager
def clone(source: str, name: str) -> Iterator[dict[str, str]]:
    """Give a database of its own to a block; yield the superuser's connection values for it."""
    superuser = server()
    with psycopg.connect(make_conninfo(**superuser), autocommit=True) as connection:
        connection.execute(f"drop database if exists {name} with (force)")
        connection.execute(f"create database {name} template {source} strategy file_copy")
        database.close_database(connection, name)  # not copied with the template
        try:
            yield {**superuser, "dbname": name}
        finally:
            connection.execute(f"drop database if exists {name} with (force)")
