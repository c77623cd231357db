"""Thousands of confirmed and served records with every version of their history, made in seconds, as if officers had."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta

import psycopg
from django.utils import timezone

from access import identifiers, vault
from access.actions.requests import Person
from records import actions
from tests import factories

# Written once by sealing or by functions; here they are filled by hand.
FILLED = (
    "records_violation",
    "records_recordkey",
    "records_historicalviolation",
    "records_violationuserobjectpermission",
    "audit_event",
)
VERSIONS = 5
# What moves besides ids and ciphertexts is what the sample says.
ROW = """
insert into records_violation (id, status, organ_id, entered_by_id, reviewed_by_id, offence_id, acted_on, decided_on,
    served_on, warning, fine_yuan, detention_days, licence_revoked, exit_order, deportation, age_band, document_key,
    name_key, case_number_key, decision_number_key, particulars, version, created_at, submitted_at)
select n.id, v.status, v.organ_id, v.entered_by_id, v.reviewed_by_id, v.offence_id, v.acted_on, v.decided_on,
    v.served_on, v.warning, v.fine_yuan, v.detention_days, v.licence_revoked, v.exit_order, v.deportation, v.age_band,
    sha256(uuid_send(n.id)), v.name_key, v.case_number_key, sha256(n.particulars), n.particulars, v.version,
    v.created_at, v.submitted_at
from bench_new n, records_violation v where v.id = %s
"""
HISTORY = """
insert into records_historicalviolation (id, status, organ_id, entered_by_id, reviewed_by_id, offence_id, acted_on,
    decided_on, served_on, warning, fine_yuan, detention_days, licence_revoked, exit_order, deportation, age_band,
    document_key, name_key, case_number_key, decision_number_key, particulars, version, created_at, submitted_at,
    history_user_id, history_date, history_change_reason, history_type)
select n.id, h.status, h.organ_id, h.entered_by_id, h.reviewed_by_id, h.offence_id, h.acted_on, h.decided_on,
    h.served_on, h.warning, h.fine_yuan, h.detention_days, h.licence_revoked, h.exit_order, h.deportation, h.age_band,
    h.document_key, h.name_key, h.case_number_key, h.decision_number_key, n.versions[h.version], h.version,
    h.created_at, h.submitted_at, h.history_user_id, h.history_date, h.history_change_reason, h.history_type
from bench_new n, records_historicalviolation h where h.id = %s order by n.id, h.history_id
"""
REST = """
insert into records_recordkey (violation_id, wrapped) select id, wrapped from bench_new;
insert into records_violationuserobjectpermission (content_object_id, permission_id, user_id)
select n.id, p.permission_id, p.user_id from bench_new n, records_violationuserobjectpermission p
 where p.content_object_id = '{sample}';
insert into audit_event (id, canonical)
select fresh.id, audit_bytes(fresh.id, clock_timestamp(), e.kind, e.actor, e.unit, e.target_type, n.id::text, '{{}}', '{{}}')
  from bench_new n, audit_event e, lateral (select gen_random_uuid() as id, n.id as of_record, e.id as like_this) as fresh
 where e.target_id = '{sample}';
drop table bench_new;
"""


@dataclass(frozen=True)
class Plain:
    """One record of the backlog, as its baseline reads it."""

    id: uuid.UUID
    person: Person
    particulars: bytes


def person(number: int) -> Person:
    born = date(1950, 1, 1) + timedelta(days=number // 999)
    return factories.person(name="李测试", number=factories.id_number(born, number % 999 + 1))


def make(superuser: psycopg.Connection, city: factories.City, count: int, first: int = 0) -> list[Plain]:
    """Make so many records like one that the real actions made; their people are those of `person`."""
    day = timezone.localdate() - timedelta(days=60)
    draft = factories.violation_at(
        factories.Status.DRAFT,
        city,
        factories.person(),
        offence_code="PSAPL2025-058-p1-i1",
        penalty=factories.Penalty(detention_days=6),
        day=day,
        texts={"facts": "经查明的违法事实。" * 30, "evidence": "陈述、证人证言、现场照片。" * 10},
    )
    draft = actions.save_draft(draft, actions.entry_of(draft), by=city.officer)
    sample = actions.submit(draft, by=city.officer, version=draft.version)
    sample = actions.confirm(sample, by=city.reviewer, version=sample.version)
    like = actions.read_particulars(sample)
    actions._record_service(sample, by=city.reviewer, served_on=sample.decided_on)

    made = []
    for table in FILLED:
        superuser.execute(f"alter table {table} disable trigger user")
    superuser.execute("create temporary table bench_new (id uuid, wrapped bytea, particulars bytea, versions bytea[])")
    with superuser.cursor().copy("copy bench_new from stdin (format binary)") as copy:
        copy.set_types(["uuid", "bytea", "bytea", "bytea[]"])
        for number in range(first, first + count):
            who, pk = person(number), uuid.uuid4()
            key, wrapped = vault.new_key(actions.TABLE, str(pk))
            plain = replace(like, name=who.name, number=who.number).to_bytes()
            closed = [key.encrypt(plain, field="particulars") for _ in range(1 + VERSIONS)]
            copy.write_row([pk, wrapped, closed[0], closed[1:]])
            made.append(Plain(pk, who, plain))
    superuser.execute(ROW, [sample.pk])
    superuser.execute(HISTORY, [sample.pk])
    superuser.execute(REST.format(sample=sample.pk))
    for table in FILLED:
        superuser.execute(f"alter table {table} enable trigger user")
        # The product's own triggers fire always, and PostgreSQL does not say so of one that was switched off.
        for (trigger,) in superuser.execute(
            "select tgname from pg_trigger where tgrelid = %s::regclass and not tgisinternal", [table]
        ).fetchall():
            superuser.execute(f"alter table {table} enable always trigger {trigger}")
    superuser.execute("vacuum (analyze)")
    versions = superuser.execute("select count(*) from records_historicalviolation where id = %s", [made[0].id])
    if versions.fetchone() != (VERSIONS,):
        raise SystemExit("The backlog has not the versions that it should have.")
    return made


def closed_subject(key: vault.DataKey, pk: uuid.UUID, who: Person) -> bytes:
    """Return the person as a request keeps them."""
    return key.encrypt(json.dumps(asdict(who), ensure_ascii=False).encode(), field=f"subject:{pk}")


def indexes(keys: object, who: Person) -> tuple[bytes, bytes]:
    """Return the register's indexes of a person, which `keyservice.index` would count against a day's ceiling."""
    from access.vault import datakeys

    document = (who.document_type, who.number)
    return (
        datakeys.index(keys, "subject", identifiers.subject_text(*document)),
        datakeys.index(keys, "identity", identifiers.identity_text(*document, who.name)),
    )
