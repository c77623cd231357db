-- The second step of an opening, first half: check everything again by a session of its own, mark the events as used, and
-- write that their answers were shown - committed before anything is read, since a caller can roll its own transaction
-- back. An event is marked once and for ever; which records it covers is fixed with the mark.
--
-- The size of a table is everybody's to read (`pg_class.relpages`): the list of what is covered is filled up with an id
-- that no record has, and at PRESENCE, where one record answers as well as many, it names at most one.
--
-- The event of a shown answer carries a digest that looks the same for something and for nothing, and never a count.
create function sealed.mark(p_events uuid[]) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
    wanted uuid;
    e public.audit_event%rowtype;
    detail jsonb;
    g public.access_grant%rowtype;
    counted record;
    covered uuid[];
    macs bytea;
    nonce bytea;
    shown uuid;
begin
    perform public.access_read_committed();
    if (cardinality(p_events) between 1 and 10000) is not true or public.audit_staleness() is not null then
        raise exception 'nothing is disclosed' using errcode = 'SE001';
    end if;
    foreach wanted in array p_events loop
        -- Rule 2: an opening, committed, and of this minute.
        select * into e from public.audit_event v where v.id = wanted;
        if not found or e.kind is distinct from 'OPENING' or pg_xact_status(e.xid) is distinct from 'committed'
            or e.at < clock_timestamp() - interval '60 seconds' or e.at > clock_timestamp() then
            raise exception 'no committed, recent opening' using errcode = 'SE001';
        end if;
        detail := public.audit_json(e.canonical) -> 'detail';
        select * into g from public.access_grant v where v.id = e.target_id::uuid and e.target_type = 'access.grant';
        if not found or not public.access_is_live(g) or not public.access_is_recipient(g, e.actor::uuid)
            or g.rung is distinct from detail ->> 'rung' then
            raise exception 'no live grant' using errcode = 'SE001';
        end if;
        -- The opening that was counted is of this grant, this person asked about and this reader, and all that it needed
        -- is still there.
        select v.id as opening, s.id as subject, s.subject_key,
               public.access_is_established(s.id)
               and (select count(*) from public.access_opening c where c.grant_id = g.id and c.subject_id = s.id) <= g.openings
               and exists (select from public.access_undertaking u where u.grant_id = g.id and u.user_id = v.user_id)
               and exists (select from public.access_identityconfirmation c
                            where c.id = (detail ->> 'confirmation')::uuid and c.kind = 'GRANT' and c.target_id = g.id and c.user_id = v.user_id
                              and c.confirmed_at > e.at - make_interval(secs => public.audit_limit_of('CONFIRMATION_SECONDS')))
               and exists (select from public.access_accessrequest r
                            where r.id = g.access_request_id and public.access_agreement_holds(r.organisation_id))
               as is_whole
          into counted
          from public.access_opening v
          join public.access_requestsubject s
               on s.id = v.subject_id and s.access_request_id = g.access_request_id and s.round = g.round
         where v.id = (detail ->> 'opening')::uuid and v.grant_id = g.id and v.user_id = e.actor::uuid
           and v.subject_id = (detail ->> 'subject')::uuid and public.access_viewable_until(v.id, v.viewable_until) > clock_timestamp();
        if not found or counted.is_whole is not true then
            raise exception 'something that an opening needs is missing' using errcode = 'SE001';
        end if;
        nonce := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
        select array_agg(r.id), string_agg(r.mac, ''::bytea order by r.id) into covered, macs
          from sealed.record r join public.records_offence f on f.id = r.offence_id
         -- By the document alone: whose it is was established before the grant, so no other spelling hides a record.
         where r.subject_key = counted.subject_key
           and ('*' = any (g.categories) or f.tags && g.categories)
           and (g.record_filter = 'ANY' or r.detention_days > 0)
           and (g.window_from is null or r.served_on >= g.window_from)
           and (g.window_until is null or r.served_on <= g.window_until)
           and (g.decision_on is null or r.decided_on = g.decision_on)
           and (not g.adult_acts_only or r.age_band in ('adult', 'from_70'))
        having count(*) >= g.filter_count;
        covered := coalesce(case when g.rung = 'PRESENCE' then covered[1:1] else covered end, '{}');
        covered := covered || array_fill(
            '00000000-0000-0000-0000-000000000000'::uuid,
            array[case cardinality(covered) when 0 then 8 else (8 - cardinality(covered) % 8) % 8 end]);
        insert into sealed.shown (event_id, at, nonce, rung, covered)
        values (wanted, clock_timestamp(), nonce, g.rung, covered) on conflict do nothing;
        if not found then
            raise exception 'an event shows once' using errcode = 'SE001';
        end if;
        shown := gen_random_uuid();
        insert into public.audit_event (id, canonical) values (shown, public.audit_bytes(
            shown, clock_timestamp(), 'ANSWER_SHOWN', e.actor, e.unit, 'access.grant', e.target_id,
            '{"digest":"' || encode(sha256(nonce || coalesce(macs, ''::bytea)), 'hex') || '","event":"' || wanted
            || '","number":"' || (detail ->> 'number') || '","opening":"' || counted.opening || '","rung":"' || g.rung
            || '","subject":"' || counted.subject || '"}', '{}'));
    end loop;
end $$;
