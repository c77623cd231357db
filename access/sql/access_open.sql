-- The whole first step of an opening, in one round trip: lock, guard, count, one event a person (Rule 2). One row for each
-- person in the order asked, when all of them are OPENED; otherwise one row that says why not:
--
--   NOTHING          no live grant names this person for these people (Rule 3: without any detail)
--   TRAIL_STALE      the trail is not fresh enough to disclose anything (Rule 12)
--   AGREEMENT_ENDED  SIGN_FIRST  CONFIRM_FIRST
--   OVER             this form was sent before, and the time to look again is over
--   USED_UP          every opening granted for one of these people has been used
--
-- `now` is this clock, by which the time that is left counts. Sending the same form again (`p_token`) within the viewing time is the same opening, with an event of its own.
create function public.access_open(p_grant uuid, p_subjects uuid[], p_user uuid, p_session bytea, p_token uuid)
    returns table (outcome text, subject uuid, opening uuid, event uuid, opened_at timestamptz, viewable_until timestamptz,
                   now timestamptz)
    language plpgsql security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
    g public.access_grant%rowtype;
    found_it record;
    now_is timestamptz;
    until timestamptz;
    openings uuid[];
    events uuid[];
    wanted integer := cardinality(p_subjects);
begin
    perform public.access_read_committed();
    if public.audit_staleness() is not null then
        return query select 'TRAIL_STALE', null::uuid, null::uuid, null::uuid, null::timestamptz, null::timestamptz,
                            null::timestamptz;
        return;
    end if;
    -- Openings of one grant are counted one after the other; its row itself is never changed.
    select * into g from public.access_grant where id = p_grant for no key update;
    if not found or (wanted between 1 and 10000) is not true then
        return query select 'NOTHING', null::uuid, null::uuid, null::uuid, null::timestamptz, null::timestamptz,
                            null::timestamptz;
        return;
    end if;
    now_is := clock_timestamp();
    -- Every condition in one look, taken after the grant is held.
    select q.number, unit.code as unit, b.code as basis, b.version as basis_version,
           public.access_is_live(g) and public.access_is_recipient(g, p_user)
               and (select count(distinct s.id) from public.access_requestsubject s where s.id = any (p_subjects)
                       and s.access_request_id = g.access_request_id and s.round = g.round
                       and public.access_is_established(s.id)) = wanted as names_them,
           public.access_agreement_holds(q.organisation_id) as agreement_holds,
           exists (select from public.access_undertaking u where u.grant_id = p_grant and u.user_id = p_user) as is_signed,
           public.access_confirmation(p_user, p_session, 'GRANT', p_grant, '') as proof,
           again.openings as again, coalesce(cardinality(again.openings), 0) as known, again.opened_at, again.until,
           exists (
               select from unnest(p_subjects) as asked (id)
                where (select count(*) from public.access_opening o where o.subject_id = asked.id and o.grant_id = p_grant)
                      >= g.openings) as used_up
      into strict found_it
      from public.access_accessrequest q
      join public.access_organisation unit on unit.id = q.organisation_id
      join public.access_legalbasis b on b.id = g.basis_id
     cross join lateral (
           select array_agg(o.id order by array_position(p_subjects, o.subject_id)) as openings,
                  min(o.opened_at) as opened_at, min(public.access_viewable_until(o.id, o.viewable_until)) as until
             from public.access_opening o
            where o.token = p_token and o.subject_id = any (p_subjects) and o.grant_id = p_grant and o.user_id = p_user
           ) as again
     where q.id = g.access_request_id;
    outcome := case
        when found_it.names_them is not true then 'NOTHING'
        when not found_it.agreement_holds then 'AGREEMENT_ENDED'
        when not found_it.is_signed then 'SIGN_FIRST'
        when found_it.proof is null then 'CONFIRM_FIRST'
        when found_it.known not in (0, wanted) then 'NOTHING'
        when found_it.until <= now_is then 'OVER'
        when found_it.known = 0 and found_it.used_up then 'USED_UP' end;
    if outcome is not null then
        return next;
        return;
    end if;
    select array_agg(gen_random_uuid()), array_agg(gen_random_uuid()) into openings, events from unnest(p_subjects);
    if found_it.known > 0 then
        openings := found_it.again;
        now_is := found_it.opened_at;
        until := found_it.until;
    else
        until := least(now_is + make_interval(secs => public.audit_limit_of('VIEWING_SECONDS')), g.ends_at);
        insert into public.access_opening (id, grant_id, subject_id, user_id, token, confirmation_id, opened_at, viewable_until)
        select n.opening, p_grant, n.subject, p_user, p_token, found_it.proof, now_is, until
          from unnest(p_subjects, openings) as n (subject, opening);
    end if;
    insert into public.audit_event (id, canonical)
    select n.event, public.audit_bytes(
               n.event, clock_timestamp(), 'OPENING', p_user::text, found_it.unit, 'access.grant', p_grant::text,
               '{"basis":"' || found_it.basis || '","basis_version":' || found_it.basis_version || ',"confirmation":"'
               || found_it.proof || '","number":"' || found_it.number || '","opening":"' || n.opening || '","rung":"'
               || g.rung || '","subject":"' || n.subject || '"}', '{}')
      from unnest(p_subjects, openings, events) as n (subject, opening, event);
    return query
    select 'OPENED', n.subject, n.opening, n.event, now_is, until, clock_timestamp()
      from unnest(p_subjects, openings, events) as n (subject, opening, event);
end $$;
