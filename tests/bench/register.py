"""The server of the benchmark, its openable grants, and registers of any size around them."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from config import database

ROOT = Path(__file__).resolve().parent.parent.parent
DATA_DIR = ROOT / ".data" / "bench"
PEOPLE = "bench_people"
SESSION = "session-of-the-bench"
PASSWORD = "a password for the bench only"
# People whom each client may open: counting the openings of one of them must not become what is measured.
SUBJECTS_EACH = 400
OPENINGS = 2_000_000_000
LOADED_AT_ONCE = 100_000
RANDOM = " || ".join(["sha512(uuid_send(gen_random_uuid()))"] * 11)

# Columns that identify or tell become random bytes of their usual length; the others come from a real sealed record.
# Nobody opens these rows, so neither ciphertexts nor MACs have to be right.
LOAD = f"""
create temporary table bench_ids as select gen_random_uuid() as id, n from generate_series(1, {{count}}) n;
insert into sealed.record (id, organ_id, entered_by_id, reviewed_by_id, offence_id, acted_on, decided_on, served_on,
    warning, fine_yuan, detention_days, licence_revoked, exit_order, deportation, age_band, subject_key, identity_key,
    particulars, created_at, submitted_at, version, sealed_at, sealing_rule_id, rest_digest, mac)
select i.id, r.organ_id, r.entered_by_id, r.reviewed_by_id, o.ids[1 + i.n % cardinality(o.ids)], r.acted_on,
    r.decided_on, r.served_on, r.warning, r.fine_yuan, r.detention_days, r.licence_revoked, r.exit_order, r.deportation,
    r.age_band, sha256(uuid_send(gen_random_uuid())), sha256(uuid_send(gen_random_uuid())), {RANDOM},
    r.created_at, r.submitted_at, r.version, r.sealed_at, r.sealing_rule_id, sha256(uuid_send(gen_random_uuid())),
    sha256(uuid_send(i.id))
from bench_ids i, (select * from sealed.record limit 1) r, (select array_agg(id) as ids from records_offence) o;
insert into sealed.record_key (record_id, wrapped)
select i.id, substring(k.wrapped for 7) || substring(sha512(uuid_send(i.id)) for 60)
from bench_ids i, (select wrapped from sealed.record_key limit 1) k;
insert into sealed.history (record_id, position, body) select id, 1, {RANDOM} from bench_ids;
insert into sealed.handler (record_id, user_id)
select i.id, h.user_id from bench_ids i, (select user_id from sealed.handler limit 1) h;
insert into records_stub (id, organ_id, sealed_at, sealing_rule_id, digest, decision_number_key, event_id)
select i.id, s.organ_id, s.sealed_at, s.sealing_rule_id, sha256(uuid_send(i.id)), sha256(sha256(uuid_send(i.id))),
    s.event_id
from bench_ids i, (select * from records_stub limit 1) s;
drop table bench_ids
"""
LOADED = ("sealed.record", "sealed.record_key", "sealed.history", "sealed.handler", "public.records_stub")


@dataclass(frozen=True)
class Client:
    """Whom one client acts as, and the openings that only this client does: grant and person."""

    username: str
    full_name: str
    openings: list[tuple[str, str]]


def server() -> dict[str, str]:
    """Return the superuser's connection values of the benchmark's own server, which keeps every promise to the disk."""
    values = {key: str(value) for key, value in database.embedded(DATA_DIR / "postgres").items()}
    with psycopg.connect(make_conninfo(**values), autocommit=True) as connection:
        # For the load only; measured transactions are far too small to reach it.
        connection.execute("alter system set max_wal_size = '8GB'")
        connection.execute("alter system set checkpoint_timeout = '1h'")
        connection.execute("select pg_reload_conf()")
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            if connection.execute(f"show {name}").fetchone() != ("on",):
                raise SystemExit(f"{name} is off; what is measured would not be durable.")
    return values


def environment(superuser: dict[str, str], name: str) -> dict[str, str]:
    """Return the environment in which the product, with its own roles, uses a database of the benchmark."""

    def url(role: str) -> str:
        return make_conninfo(**{**superuser, "user": role, "dbname": name})

    return {
        **os.environ,
        "MODE": "demo",
        "DATA_DIR": str(DATA_DIR),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": url(database.APP),
        "DATABASE_OWNER_URL": url(database.OWNER),
        "DATABASE_SIGNER_URL": url(database.SIGNER),
        "SEALED_DATABASE_URL": url(database.KEYS),
        "CONFIRMATION_SECONDS": "86400",
        "STALE_TRAIL_STOPS": "no",  # no signer runs beside the measurements
        "PYTHONWARNINGS": "ignore",
    }


def make_empty(superuser: dict[str, str]) -> None:
    """Drop what an earlier run left, and migrate the database that every register is cloned from."""
    with psycopg.connect(make_conninfo(**superuser), autocommit=True) as connection:
        for (name,) in connection.execute("select datname from pg_database where datname like 'bench%'").fetchall():
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
    database.prepare(superuser, PEOPLE)
    os.environ.update(environment(superuser, PEOPLE))
    for command in (
        ["migrate", "--skip-checks", "-v0"],
        ["load_catalogue", "--skip-checks"],
        ["collectstatic", "--noinput"],
    ):
        manage(*command)


def manage(*command: str, name: str = PEOPLE) -> None:
    """Run a command of the product on a database of the benchmark."""
    environment_ = {**os.environ, **{key: _renamed(value, name) for key, value in os.environ.items() if "_URL" in key}}
    subprocess.run(
        [sys.executable, "manage.py", *command], cwd=ROOT, env=environment_, check=True, stdout=subprocess.DEVNULL
    )


def _renamed(url: str, name: str) -> str:
    return url.replace(f"dbname={PEOPLE}", f"dbname={name}")


def make_people(superuser: dict[str, str], clients: int, measured: int = 0) -> tuple[list[Client], str]:
    """Make for each client a judge with a grant at rung FULL about people with a sealed record.

    The grants come from the real actions, the records from the real `keyservice.seal`; `measured` more of them are
    sealed beside their baseline, and the report of that comes back.
    """
    from tests import factories
    from tests.bench import backlog, sealing

    city = factories.City()
    with psycopg.connect(make_conninfo(**{**superuser, "dbname": PEOPLE}), autocommit=True) as connection:
        records = backlog.make(connection, city, clients * SUBJECTS_EACH + measured)
        report = sealing.measured(connection, records[:measured]) if measured else ""
        sealing.seal_all(records[measured:])
        made = [
            make_client(connection, city, number, records[measured + number * SUBJECTS_EACH :][:SUBJECTS_EACH])
            for number in range(clients)
        ]
    from django.db import connections

    from records import keyservice

    factories.part_from_owners()
    connections.close_all()
    keyservice.close()
    return made, report


def make_client(connection: psycopg.Connection, city: object, number: int, records: list) -> Client:
    """Make a judge with a grant about the people of these sealed records, which can be opened without end."""
    from access.actions.requests import key_of
    from records.keyservice.connection import register_keys
    from tests import factories
    from tests.bench import backlog

    judge = factories.user_with(
        factories.Duty.FILE_REQUESTS, organisation=city.court, username=f"judge{number}", password=PASSWORD
    )
    grant = factories.approved(city, factories.person(), by=judge, code="PSAPL-136-CASE")
    factories.ready(grant, SESSION)
    key, rows = key_of(grant.access_request), []
    for position, record in enumerate(records, 2):
        pk = uuid.uuid4()
        closed = backlog.closed_subject(key, pk, record.person)
        rows.append((pk, grant.round, position, *backlog.indexes(register_keys(), record.person), closed))
    connection.execute("alter table access_requestsubject disable trigger user")
    connection.cursor().executemany(
        "insert into access_requestsubject (id, round, position, subject_key, identity_key, particulars, is_minor,"
        f" population, access_request_id) values (%s, %s, %s, %s, %s, %s, false, 'MATCHES', '{grant.access_request_id}')",
        rows,
    )
    _enable_always(connection, "access_requestsubject")
    # No action would allow so many openings of one person.
    connection.execute("alter table access_grant disable trigger user")
    connection.execute("update access_grant set openings = %s where id = %s", [OPENINGS, grant.pk])
    _enable_always(connection, "access_grant")
    return Client(judge.username, judge.full_name, [(str(grant.pk), str(row[0])) for row in rows])


@contextmanager
def register(superuser: dict[str, str], records: int) -> Iterator[str]:
    """Give a block a database with the people of `make_people` among `records` sealed records; yield its name."""
    name = f"bench_{records}"
    with psycopg.connect(make_conninfo(**superuser), autocommit=True) as connection:
        connection.execute(f"create database {name} template {PEOPLE} strategy file_copy")
        database.close_database(connection, name)  # not copied with the template
        _fill({**superuser, "dbname": name}, records)
        manage("maintain", "--quiet", name=name)  # the product's own upkeep, and no other
        connection.execute("checkpoint")
        try:
            yield name
        finally:
            connection.execute(f"drop database {name} with (force)")


def _fill(values: dict[str, str], records: int) -> None:
    with psycopg.connect(make_conninfo(**values), autocommit=True) as connection:
        # Neither triggers nor indexes: no application could load a million records in minutes.
        for table in LOADED:
            connection.execute(f"alter table {table} disable trigger user")
        connection.execute("set maintenance_work_mem = '512MB'; set work_mem = '256MB'; set synchronous_commit = off")
        indexes = connection.execute(
            "select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) from pg_index i"
            " where i.indrelid::regclass::text = any (%s) and not i.indisprimary",
            [[table.removeprefix("public.") for table in LOADED]],
        ).fetchall()
        for index, _definition in indexes:
            connection.execute(f"drop index {index}")
        [(present,)] = connection.execute("select count(*) from sealed.record").fetchall()
        for start in range(present, records, LOADED_AT_ONCE):
            connection.execute(LOAD.format(count=min(LOADED_AT_ONCE, records - start)))
        for _index, definition in indexes:
            connection.execute(definition)
        for table in LOADED:
            _enable_always(connection, table)


def _enable_always(connection: psycopg.Connection, table: str) -> None:
    """Switch a table's triggers on again as the product has them."""
    for trigger, is_internal in connection.execute(
        "select tgname, tgisinternal from pg_trigger where tgrelid = %s::regclass", [table]
    ).fetchall():
        if not is_internal:
            connection.execute(f'alter table {table} enable always trigger "{trigger}"')
