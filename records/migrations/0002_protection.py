"""The register's own protection: sealed rows do not exist for the application (Rule 1), and two functions let
it do what it may do with them: seal, and read what one committed event covers."""

from django.db import migrations

HISTORY = """
alter table records_historicalviolation add column history_xid xid8 not null default pg_current_xact_id();
create constraint trigger records_violation_needs_history after insert or update on records_violation
    deferrable initially deferred for each row execute function access_require_history('records_historicalviolation');
alter table records_violation enable always trigger records_violation_needs_history;
create index records_historicalviolation_row on records_historicalviolation (id);
"""

FROZEN = """
create trigger {table}_is_frozen before update or delete on {table}
    for each row execute function audit_append_only();
create trigger {table}_is_not_emptied before truncate on {table}
    for each statement execute function audit_append_only();
alter table {table} enable always trigger {table}_is_frozen;
alter table {table} enable always trigger {table}_is_not_emptied;
revoke update on {table} from seal_app;
"""

PRIVILEGES = """
revoke delete, truncate on records_violation, records_historicalviolation, records_recordkey, records_offence,
    records_sealingrule from seal_app;
-- Only sealing changes a key, and it is not the application that does it.
revoke update on records_recordkey from seal_app;
"""

ROW_LEVEL_SECURITY = """
-- The policies are for everybody: whoever is neither the owner nor above row-level security sees unsealed rows only.
alter table records_violation enable row level security;
create policy unsealed on records_violation
    using (sealed_at is null) with check (sealed_at is null and status <> 'SEALED');
-- A key, the history and the handlers of a record are there while the record is: the subquery runs under the
-- policies of who asks.
alter table records_recordkey enable row level security;
create policy with_record on records_recordkey
    using (exists (select 1 from records_violation v where v.id = violation_id)) with check (true);
alter table records_historicalviolation enable row level security;
create policy with_record on records_historicalviolation
    using (exists (select 1 from records_violation v where v.id = records_historicalviolation.id)) with check (true);
alter table records_violationuserobjectpermission enable row level security;
create policy with_record on records_violationuserobjectpermission
    using (exists (select 1 from records_violation v where v.id = content_object_id)) with check (true);
create index records_violation_sealed_person on records_violation (subject_key) where sealed_at is not null;
"""

SEAL = """
create function records_seal(p_ids uuid[], p_wrapped bytea[], p_rule uuid) returns integer
    language plpgsql security definer set search_path = pg_catalog, public as $$
declare
    due integer;
    wanted integer := cardinality(p_ids);
    now_is timestamptz := clock_timestamp();
begin
    if wanted is distinct from cardinality(p_wrapped) then
        raise exception 'one key a record';
    end if;
    if not exists (
        select 1 from records_sealingrule r where r.id = p_rule and r.valid_from <= current_date
            and (r.valid_until is null or r.valid_until >= current_date)
    ) then
        raise exception 'no sealing rule in force has this id';
    end if;
    update records_violation v
       set status = 'SEALED', sealed_at = now_is, sealing_rule_id = p_rule, version = v.version + 1
     where v.id = any (p_ids) and v.status = 'CONFIRMED' and v.served_on <= (now_is at time zone 'Asia/Shanghai')::date;
    get diagnostics due = row_count;
    if due <> wanted then
        raise exception '% of % records are confirmed, served and due', due, wanted;
    end if;
    -- Byte 3 of a wrapped key names its compartment: 2 is the sealed one.
    update records_recordkey k set wrapped = n.wrapped
      from unnest(p_ids, p_wrapped) as n(id, wrapped)
     where k.violation_id = n.id and get_byte(n.wrapped, 2) = 2;
    get diagnostics due = row_count;
    if due <> wanted then
        raise exception 'every record needs its key, wrapped for the sealed compartment';
    end if;
    insert into records_historicalviolation ({columns}, history_date, history_type, history_user_id, history_change_reason)
    select {columns}, now_is, '~', null, null from records_violation v where v.id = any (p_ids);
    return wanted;
end $$;
revoke execute on function records_seal(uuid[], bytea[], uuid) from public;
grant execute on function records_seal(uuid[], bytea[], uuid) to seal_app;
"""

COLUMNS = (
    "id, status, acted_on, decided_on, served_on, warning, fine_yuan, detention_days, licence_revoked, exit_order,"
    " deportation, age_band, subject_key, identity_key, particulars, sealed_at, version, created_at, submitted_at,"
    " entered_by_id, offence_id, organ_id, reviewed_by_id, sealing_rule_id"
)

DISCLOSED = """
create function records_disclosed(p_event uuid) returns table (
    id uuid, offence_id uuid, organ_id uuid, acted_on date, decided_on date, warning boolean, fine_yuan integer,
    detention_days integer, licence_revoked boolean, exit_order boolean, deportation boolean,
    particulars bytea, wrapped bytea
) language plpgsql stable security definer set search_path = pg_catalog, public as $$
declare
    e audit_event;
    detail jsonb;
    g access_grant;
    s access_requestsubject;
begin
    -- Rule 2: the event is a disclosure, committed, and of this minute.
    select * into e from audit_event where audit_event.id = p_event;
    if not found or e.kind <> 'DISCLOSED' or pg_xact_status(e.xid) is distinct from 'committed'
        or e.at < clock_timestamp() - interval '60 seconds' or e.at > clock_timestamp() then
        raise exception 'no committed, recent disclosure' using errcode = 'insufficient_privilege';
    end if;
    detail := convert_from(e.canonical, 'UTF8')::jsonb -> 'detail';
    -- The grant is live by this clock, was opened for this event, and covers this person (Rules 1, 5, 6).
    select * into g from access_grant where access_grant.id = e.target_id::uuid
        and e.target_type = 'access.grant' and revoked_at is null
        and clock_timestamp() >= starts_at and clock_timestamp() < ends_at;
    if not found then
        raise exception 'no live grant' using errcode = 'insufficient_privilege';
    end if;
    select r.* into s from access_requestsubject r
      join access_opening o on o.subject_id = r.id
     where r.id = (detail ->> 'subject')::uuid and r.access_request_id = g.access_request_id and r.round = g.round
       and o.id = (detail ->> 'opening')::uuid and o.grant_id = g.id and o.user_id::text = e.actor
       and o.viewable_until > clock_timestamp();
    if not found then
        raise exception 'not a person of this grant' using errcode = 'insufficient_privilege';
    end if;
    return query
    with covered as (
        select v.* from records_violation v
          join records_offence o on o.id = v.offence_id
         where v.subject_key = s.subject_key and v.identity_key = s.identity_key and v.sealed_at is not null
           and ('*' = any (g.categories) or o.tags && g.categories)
           and (g.record_filter = 'ANY' or v.detention_days > 0)
           and (g.window_from is null or v.served_on >= g.window_from)
           and (g.window_until is null or v.served_on <= g.window_until)
           and (g.decision_on is null or v.decided_on = g.decision_on)
           and (not g.adult_acts_only or v.age_band in ('adult', 'from_70'))
    )
    -- Rule 7: each rung carries no more than it shows, and PRESENCE not even how many.
    select case when g.rung <> 'PRESENCE' then c.id end,
           case when g.rung <> 'PRESENCE' then c.offence_id end,
           case when g.rung <> 'PRESENCE' then c.organ_id end,
           case when g.rung <> 'PRESENCE' then c.acted_on end,
           case when g.rung <> 'PRESENCE' then c.decided_on end,
           case when g.rung <> 'PRESENCE' then c.warning end,
           case when g.rung <> 'PRESENCE' then c.fine_yuan end,
           case when g.rung <> 'PRESENCE' then c.detention_days end,
           case when g.rung <> 'PRESENCE' then c.licence_revoked end,
           case when g.rung <> 'PRESENCE' then c.exit_order end,
           case when g.rung <> 'PRESENCE' then c.deportation end,
           case when g.rung = 'FULL' then c.particulars end,
           case when g.rung = 'FULL' then k.wrapped end
      from covered c
      join records_recordkey k on k.violation_id = c.id
     where (select count(*) from covered) >= g.filter_count
     order by c.served_on desc, c.id
     limit case when g.rung = 'PRESENCE' then 1 end;
end $$;
revoke execute on function records_disclosed(uuid) from public;
grant execute on function records_disclosed(uuid) to seal_app;
"""

STUB = """
-- Owned by the migrating role and so not bound by the policies: it shows what a stub shows and no more.
create view records_stub with (security_barrier) as
    select id, organ_id, sealed_at, sealing_rule_id, sha256(particulars) as digest
      from records_violation where sealed_at is not null;
revoke all on records_stub from public, seal_app;
grant select on records_stub to seal_app;
"""

FROZEN_TABLES = ["records_historicalviolation", "records_offence", "records_sealingrule"]


class Migration(migrations.Migration):
    dependencies = [("records", "0001_initial"), ("access", "0002_protection"), ("audit", "0001_initial")]

    operations = [
        migrations.RunSQL(HISTORY),
        *[migrations.RunSQL(FROZEN.format(table=table)) for table in FROZEN_TABLES],
        migrations.RunSQL(PRIVILEGES),
        migrations.RunSQL(ROW_LEVEL_SECURITY),
        migrations.RunSQL(SEAL.replace("{columns}", COLUMNS)),
        migrations.RunSQL(DISCLOSED),
        migrations.RunSQL(STUB),
    ]
