"""Sealing a backlog beside the least it could cost: the same plaintexts read, closed with AES-GCM, and written by COPY."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.utils import timezone

from records import actions, keyservice
from tests.bench.backlog import VERSIONS, Plain

GOAL = 0.35
# Plain tables with the columns and indexes of those that sealing fills, without its triggers.
TABLES = ("sealed.record", "sealed.record_key", "sealed.history", "sealed.handler", "public.records_stub")
PLAIN = """
create schema bench;
create table bench.plain as
select v.id, v.organ_id, v.entered_by_id, v.reviewed_by_id, v.offence_id, v.acted_on, v.decided_on, v.served_on, v.warning,
       v.fine_yuan, v.detention_days, v.licence_revoked, v.exit_order, v.deportation, v.age_band, v.created_at,
       v.submitted_at, v.version, v.decision_number_key, p.user_id, ''::bytea as particulars, '{}'::bytea[] as versions
  from records_violation v join records_violationuserobjectpermission p on p.content_object_id = v.id;
alter table bench.plain add primary key (id);
"""


def seal_all(records: Sequence[Plain]) -> None:
    """Seal the records, in batches as the worker does."""
    rule = actions.sealing_rule(timezone.localdate())
    for start in range(0, len(records), keyservice.BATCH):
        batch = [record.id for record in records[start : start + keyservice.BATCH]]
        if len(keyservice.seal(batch, rule.pk)) != len(batch):
            raise SystemExit("Not every record was sealed.")


def measured(superuser: psycopg.Connection, records: Sequence[Plain]) -> str:
    """Seal these records beside the baseline, batch by batch in turns; return lines of the report."""
    rule = actions.sealing_rule(timezone.localdate())
    _make_plain(superuser, records)
    spent = {"seal": 0.0, "baseline": 0.0}
    ratios = []
    connection = psycopg.connect(superuser.info.dsn, autocommit=True)
    for start in range(0, len(records), keyservice.BATCH):
        batch = [record.id for record in records[start : start + keyservice.BATCH]]
        began = time.perf_counter()
        if len(keyservice.seal(batch, rule.pk)) != len(batch):
            raise SystemExit("Not every record was sealed.")
        sealed = time.perf_counter()
        _copied(connection, batch, rule.pk)
        copied = time.perf_counter()
        spent["seal"] += sealed - began
        spent["baseline"] += copied - sealed
        ratios.append((copied - sealed) / (sealed - began))
    connection.close()
    superuser.execute("drop schema bench cascade")
    ratio = spent["baseline"] / spent["seal"]
    return (
        f"| sealing {len(records):,} records of {VERSIONS} versions, over COPY and AES | {ratio:.2f} of its rate"
        f" ({len(records) / spent['seal']:,.0f} and {len(records) / spent['baseline']:,.0f} records/s;"
        f" batches {min(ratios):.2f} to {max(ratios):.2f}) | >= {GOAL} |"
    )


def _make_plain(connection: psycopg.Connection, records: Sequence[Plain]) -> None:
    connection.execute(PLAIN)
    with connection.cursor() as cursor:
        cursor.executemany(
            "update bench.plain set particulars = %s, versions = %s where id = %s",
            [(record.particulars, [_history(record)] * VERSIONS, record.id) for record in records],
        )
    for table in TABLES:
        connection.execute(f"create table bench.{table.split('.')[1]} (like {table} including all)")
    connection.execute("vacuum (analyze)")


def _history(record: Plain) -> bytes:
    """As long as what is kept of a version: its columns in words, and the particulars."""
    return b"x" * 900 + record.particulars


def _copied(connection: psycopg.Connection, ids: list, rule: object) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        rows = cursor.execute("select * from bench.plain where id = any(%s)", [ids]).fetchall()
        records, keys, histories, handlers, stubs = [], [], [], [], []
        master = AESGCM(AESGCM.generate_key(256))
        now = cursor.execute("select clock_timestamp()").fetchone()[0]
        for row in rows:
            secret = AESGCM.generate_key(256)
            cipher, pk = AESGCM(secret), str(row[0]).encode()
            closed = [_closed(cipher, plain, pk) for plain in (row[20], *row[21])]
            records.append(
                (
                    *row[:15],
                    *(os.urandom(32), os.urandom(32), closed[0]),
                    *row[15:18],
                    now,
                    rule,
                    os.urandom(32),
                    os.urandom(32),
                )
            )
            keys.append((row[0], _closed(master, secret, pk)))
            histories += [(row[0], position, body) for position, body in enumerate(closed[1:], 1)]
            handlers.append((row[0], row[19]))
            stubs.append((row[0], row[1], now, rule, os.urandom(32), row[18], row[0]))
        _copy(cursor, "record", (
            "id, organ_id, entered_by_id, reviewed_by_id, offence_id, acted_on, decided_on, served_on, warning, fine_yuan,"
            " detention_days, licence_revoked, exit_order, deportation, age_band, subject_key, identity_key, particulars,"
            " created_at, submitted_at, version, sealed_at, sealing_rule_id, rest_digest, mac"
        ), records)  # fmt: skip
        _copy(cursor, "record_key", "record_id, wrapped", keys)
        _copy(cursor, "history", "record_id, position, body", histories)
        _copy(cursor, "handler", "record_id, user_id", handlers)
        _copy(
            cursor,
            "records_stub",
            "id, organ_id, sealed_at, sealing_rule_id, digest, decision_number_key, event_id",
            stubs,
        )


def _closed(cipher: AESGCM, plain: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(12)
    return nonce + cipher.encrypt(nonce, plain, bound)


def _copy(cursor: psycopg.Cursor, table: str, columns: str, rows: list[tuple]) -> None:
    types = cursor.execute(
        "select array(select format_type(a.atttypid, null) from unnest(string_to_array(%s, ', ')) with ordinality as n (name, place)"
        " join pg_attribute a on a.attrelid = %s::regclass and a.attname = n.name order by n.place)",
        [columns, f"bench.{table}"],
    ).fetchone()[0]
    with cursor.copy(f"copy bench.{table} ({columns}) from stdin (format binary)") as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)
