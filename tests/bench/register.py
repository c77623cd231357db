"""The server of the benchmark, its openable grants, and registers of any size around them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
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
GRANTS_EACH = 2
OPENINGS = 2_000_000_000
LOADED_AT_ONCE = 100_000

# Columns that identify or tell become random bytes of their usual length; the others come from a real sealed record.
RANDOM_RECORDS = """
insert into records_violation (id, status, organ_id, entered_by_id, reviewed_by_id, offence_id, acted_on, decided_on,
    served_on, warning, fine_yuan, detention_days, licence_revoked, exit_order, deportation, age_band, subject_key,
    identity_key, particulars, sealed_at, sealing_rule_id, version, created_at, submitted_at)
select gen_random_uuid(), v.status, v.organ_id, v.entered_by_id, v.reviewed_by_id, o.ids[1 + n %% cardinality(o.ids)],
    v.acted_on, v.decided_on, v.served_on, v.warning, v.fine_yuan, v.detention_days, v.licence_revoked, v.exit_order,
    v.deportation, v.age_band, sha256(uuid_send(gen_random_uuid())), sha256(uuid_send(gen_random_uuid())),
    {random_particulars}, v.sealed_at, v.sealing_rule_id, v.version, v.created_at, v.submitted_at
from (select * from records_violation where sealed_at is not null limit 1) v,
    (select array_agg(id) as ids from records_offence) o, generate_series(1, %s) n
""".format(random_particulars=" || ".join(["sha512(uuid_send(gen_random_uuid()))"] * 11))
KEYS = """
insert into records_recordkey (violation_id, wrapped)
select v.id, substring(k.wrapped for 7) || substring(sha512(uuid_send(v.id)) for 60)
from records_violation v, (select wrapped from records_recordkey limit 1) k
where not exists (select 1 from records_recordkey r where r.violation_id = v.id)
"""
HISTORY_COLUMNS = (
    "id, status, acted_on, decided_on, served_on, warning, fine_yuan, detention_days, licence_revoked, exit_order,"
    " deportation, age_band, subject_key, identity_key, particulars, sealed_at, version, created_at, submitted_at,"
    " entered_by_id, offence_id, organ_id, reviewed_by_id, sealing_rule_id"
)
HISTORY = f"""
insert into records_historicalviolation ({HISTORY_COLUMNS}, history_date, history_type)
select {HISTORY_COLUMNS}, v.sealed_at, '~' from records_violation v
where not exists (select 1 from records_historicalviolation h where h.id = v.id)
"""
LOADED = ("records_violation", "records_recordkey", "records_historicalviolation")


@dataclass(frozen=True)
class Client:
    """Whom one client acts as, and the grants that only this client opens, each with its person."""

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
    """Return the environment in which the product, as its application role, uses a database of the benchmark."""
    return {
        **os.environ,
        "MODE": "demo",
        "DATA_DIR": str(DATA_DIR),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": make_conninfo(**{**superuser, "user": database.APP, "dbname": name}),
        "DATABASE_OWNER_URL": make_conninfo(**{**superuser, "user": database.OWNER, "dbname": name}),
        "CONFIRMATION_SECONDS": "86400",
        "PYTHONWARNINGS": "ignore",
    }


def make_empty(superuser: dict[str, str]) -> None:
    """Drop what an earlier run left, and create the database that every register is cloned from."""
    with psycopg.connect(make_conninfo(**superuser), autocommit=True) as connection:
        for (name,) in connection.execute("select datname from pg_database where datname like 'bench%'").fetchall():
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
    database.prepare(superuser, PEOPLE)


def make_people(clients: int) -> list[Client]:
    """Let the real actions make, for each client, a judge with grants at rung FULL about people with a sealed record."""
    from django.utils import timezone

    from tests import factories

    city = factories.City()
    day = timezone.localdate() - timedelta(days=60)
    made = []
    for number in range(clients):
        judge = factories.user_with(
            factories.Duty.FILE_REQUESTS, organisation=city.court, username=f"judge{number}", password=PASSWORD
        )
        openings = []
        for _ in range(GRANTS_EACH):
            person = factories.person()
            penalty = factories.Penalty(detention_days=6)
            factories.sealed(city, person, offence_code="PSAPL2025-058-p1-i1", penalty=penalty, day=day)
            grant = factories.approved(city, person, by=judge, code="PSAPL-136-CASE")
            factories.ready(grant, SESSION)
            openings.append((str(grant.pk), str(factories.subject_of(grant).pk)))
        made.append(Client(judge.username, judge.full_name, openings))
    return made


def raise_limits(superuser: dict[str, str]) -> None:
    """Let the grants be opened as often as a benchmark opens them; no action would allow that."""
    with psycopg.connect(make_conninfo(**{**superuser, "dbname": PEOPLE})) as connection:
        connection.execute("update access_grant set openings_allowed = %s", [OPENINGS])


@contextmanager
def register(superuser: dict[str, str], records: int) -> Iterator[str]:
    """Give a block a database with the people of `make_people` among `records` sealed records; yield its name."""
    name = f"bench_{records}"
    with psycopg.connect(make_conninfo(**superuser), autocommit=True) as connection:
        connection.execute(f"create database {name} template {PEOPLE} strategy file_copy")
        connection.execute(f"revoke temporary on database {name} from public")  # not copied with the template
        _fill({**superuser, "dbname": name}, records)
        connection.execute("checkpoint")
        try:
            yield name
        finally:
            connection.execute(f"drop database {name} with (force)")


def _fill(values: dict[str, str], records: int) -> None:
    with psycopg.connect(make_conninfo(**values), autocommit=True) as connection:
        # Neither triggers nor foreign keys: no application could load a million records in minutes.
        connection.execute("set session_replication_role = replica")
        for table in LOADED:  # some triggers fire always
            connection.execute(f"alter table {table} disable trigger user")
        connection.execute("set maintenance_work_mem = '1GB'; set work_mem = '256MB'")
        indexes = connection.execute(
            "select i.indexname, i.indexdef from pg_indexes i where i.tablename = any (%s)"
            " and not exists (select 1 from pg_constraint c where c.conname = i.indexname)",
            [list(LOADED)],
        ).fetchall()
        for index, _definition in indexes:
            connection.execute(sql.SQL("drop index {}").format(sql.Identifier(index)))
        [(present,)] = connection.execute("select count(*) from records_violation").fetchall()
        for start in range(present, records, LOADED_AT_ONCE):
            connection.execute(RANDOM_RECORDS, [min(LOADED_AT_ONCE, records - start)])
        connection.execute(KEYS)
        connection.execute(HISTORY)
        for _index, definition in indexes:
            connection.execute(definition)
        for table, trigger in connection.execute(
            "select tgrelid::regclass::text, tgname from pg_trigger where tgrelid::regclass::text = any (%s)"
            " and not tgisinternal",
            [list(LOADED)],
        ).fetchall():
            connection.execute(f"alter table {table} enable always trigger {trigger}")
        connection.execute("vacuum (analyze)")
