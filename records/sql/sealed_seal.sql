-- Move records behind the seal: the row, every version, handlers and the new key, in one transaction with one event.
-- What is gone meanwhile, or has another version than was read, is left out; the ids that were sealed come back.
--
-- It belongs to `seal_mover`, the only one whom triggers let take rows out of the working tables. `p_macs` are over
-- `sealed.content` of the row as it will stand: anything else is refused (SE001). Arrays run parallel to `p_ids`;
-- `p_bodies` are the versions of all records one after the other, `p_counts` says how many each has.
create function sealed.seal(
    p_ids uuid[], p_versions integer[], p_subject_keys bytea[], p_identity_keys bytea[], p_particulars bytea[],
    p_wrapped bytea[], p_contents bytea[], p_macs bytea[], p_rests bytea[], p_counts integer[], p_bodies bytea[],
    p_rule uuid
) returns setof uuid language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    done uuid[];
    rule public.records_sealingrule%rowtype;
    now_is timestamptz := clock_timestamp();
    event uuid;
    batch uuid := gen_random_uuid();
    digest bytea;
begin
    perform public.access_read_committed();
    if (cardinality(p_ids) between 1 and 500) is not true
        or cardinality(p_bodies) <> (select sum(c) from unnest(p_counts) as c) then
        raise exception 'a batch has 1 to 500 records, each with all of its history' using errcode = 'SE001';
    end if;
    select * into rule from public.records_sealingrule r
     where r.id = p_rule and r.valid_from <= public.access_today()
       and (r.valid_until is null or r.valid_until >= public.access_today());
    if not found then
        raise exception 'no sealing rule in force has this id' using errcode = 'SE001';
    end if;
    -- Two workers with the same records wait for each other here, in one order; the second finds them gone.
    done := array(
        select v.id from public.records_violation v
          join unnest(p_ids, p_versions, p_counts) as n (id, version, count) on n.id = v.id and n.version = v.version
         where v.status = 'CONFIRMED' and v.served_on <= public.access_today()
           and n.count = (select count(*) from public.records_historicalviolation h where h.id = v.id)
           -- What was never entered, confirmed and served by the people it names is not sealed in their name.
           and exists (select from public.audit_event e where e.target_id = v.id::text
                          and e.kind = 'VIOLATION_CONFIRMED' and e.actor = v.reviewed_by_id::text)
           and exists (select from public.audit_event e where e.target_id = v.id::text and e.kind = 'VIOLATION_SUBMITTED')
           and exists (select from public.audit_event e where e.target_id = v.id::text and e.kind = 'DECISION_SERVED')
         order by v.id for update of v);
    if cardinality(done) = 0 then
        return;
    end if;
    insert into sealed.record (
        id, organ_id, entered_by_id, reviewed_by_id, offence_id, acted_on, decided_on, served_on, warning, fine_yuan,
        detention_days, licence_revoked, exit_order, deportation, age_band, subject_key, identity_key, particulars,
        created_at, submitted_at, version, sealed_at, sealing_rule_id, rest_digest, mac)
    select v.id, v.organ_id, v.entered_by_id, v.reviewed_by_id, v.offence_id, v.acted_on, v.decided_on, v.served_on,
           v.warning, v.fine_yuan, v.detention_days, v.licence_revoked, v.exit_order, v.deportation, v.age_band,
           n.subject_key, n.identity_key, n.particulars, v.created_at, v.submitted_at, v.version, now_is, p_rule,
           n.rest, n.mac
      from unnest(p_ids, p_subject_keys, p_identity_keys, p_particulars, p_rests, p_macs)
           as n (id, subject_key, identity_key, particulars, rest, mac)
      join public.records_violation v on v.id = n.id
     where n.id = any (done);
    -- Byte 3 of a wrapped key names its compartment: 2 is the sealed one.
    if exists (select from unnest(p_ids, p_wrapped) as n (id, wrapped)
                where n.id = any (done) and (octet_length(n.wrapped) > 40 and get_byte(n.wrapped, 2) = 2) is not true) then
        raise exception 'every record needs its key, wrapped for the sealed compartment' using errcode = 'SE001';
    end if;
    insert into sealed.record_key (record_id, wrapped)
    select n.id, n.wrapped from unnest(p_ids, p_wrapped) as n (id, wrapped) where n.id = any (done);
    insert into sealed.history (record_id, position, body)
    select owner.id, row_number() over (partition by owner.id order by b.place), b.body
      from (select n.id, sum(n.count) over (order by n.place) - n.count as before, n.count
              from unnest(p_ids, p_counts) with ordinality as n (id, count, place)) as owner
      join unnest(p_bodies) with ordinality as b (body, place) on b.place > owner.before and b.place <= owner.before + owner.count
     where owner.id = any (done);
    insert into sealed.handler (record_id, user_id)
    select distinct p.content_object_id, p.user_id from public.records_violationuserobjectpermission p
     where p.content_object_id = any (done);
    if exists (
        select from unnest(p_ids, p_contents) as n (id, content) join sealed.record r on r.id = n.id
         where n.id = any (done) and (sealed.content(r) <> n.content or sealed.rest(r.id) <> r.rest_digest)
    ) then
        raise exception 'what was read is not what stands here' using errcode = 'SE001';
    end if;

    select sha256(string_agg(r.mac, ''::bytea order by r.id)) into digest from sealed.record r where r.id = any (done);
    event := public.audit_append(
        'VIOLATION_SEALED', null, null,
        case cardinality(done) when 1 then 'records.violation' else 'records.sealing' end,
        case cardinality(done) when 1 then done[1] else batch end::text,
        '{"digest":"' || encode(digest, 'hex') || '","records":["' || array_to_string(done, '","')
        || '"],"rule":"' || rule.code || '","rule_version":' || rule.version || '}');
    insert into public.records_stub (id, organ_id, sealed_at, sealing_rule_id, digest, decision_number_key, event_id)
    select r.id, r.organ_id, r.sealed_at, p_rule, r.mac, v.decision_number_key, event
      from sealed.record r join public.records_violation v on v.id = r.id where r.id = any (done);
    delete from public.records_violationuserobjectpermission where content_object_id = any (done);
    delete from public.records_recordkey where violation_id = any (done);
    delete from public.records_historicalviolation where id = any (done);
    delete from public.records_violation where id = any (done);
    return query select unnest(done);
end $$;
