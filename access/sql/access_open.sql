-- The whole first step of an opening, in one round trip: lock, guard, count, one event a person (Rule 2). One row for each
-- person in the order asked, when all of them are OPENED; otherwise one row that says why not:
--
--   NOTHING          no live grant names this person for these people (Rule 3: without any detail)
--   TRAIL_STALE      the trail is not fresh enough to disclose anything (Rule 12)
--   AGREEMENT_ENDED  SIGN_FIRST  CONFIRM_FIRST
--   OVER             this form was sent before, and the time to look again is over
--   USED_UP          every opening granted for one of these people has been used
--
-- Sending the same form again (`p_token`) within the viewing time is the same opening, with an event of its own.
create function public.access_open(p_grant uuid, p_subjects uuid[], p_user uuid, p_session bytea, p_token uuid)
    returns table (outcome text, subject uuid, opening uuid, event uuid, opened_at timestamptz, viewable_until timestamptz)
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    g public.access_grant%rowtype;
    r public.access_accessrequest%rowtype;
    now_is timestamptz;
    until timestamptz;
    proof uuid;
    unit text;
    basis text;
    basis_version integer;
    wanted integer := cardinality(p_subjects);
    known integer;
    over boolean;
    used_up boolean;
begin
    perform public.access_read_committed();
    if public.audit_staleness() is not null then
        return query select 'TRAIL_STALE', null::uuid, null::uuid, null::uuid, null::timestamptz, null::timestamptz;
        return;
    end if;
    -- Openings of one grant are counted one after the other; its row itself is never changed.
    select * into g from public.access_grant where id = p_grant for no key update;
    if not found or not public.access_is_live(g) or not public.access_is_recipient(g, p_user)
        or (wanted between 1 and 10000) is not true
        or (select count(distinct s.id) from public.access_requestsubject s where s.id = any (p_subjects)
               and s.access_request_id = g.access_request_id and s.round = g.round) <> wanted then
        return query select 'NOTHING', null::uuid, null::uuid, null::uuid, null::timestamptz, null::timestamptz;
        return;
    end if;
    now_is := clock_timestamp();
    select q.* into strict r from public.access_accessrequest q where q.id = g.access_request_id;
    select o.code into strict unit from public.access_organisation o where o.id = r.organisation_id;
    proof := public.access_confirmation(p_user, p_session, p_grant);
    outcome := case
        when not public.access_agreement_holds(r.organisation_id) then 'AGREEMENT_ENDED'
        when not exists (select from public.access_undertaking u where u.grant_id = p_grant and u.user_id = p_user)
            then 'SIGN_FIRST'
        when proof is null then 'CONFIRM_FIRST' end;
    if outcome is not null then
        return next;
        return;
    end if;
    select count(*), coalesce(bool_or(o.viewable_until <= now_is), false) into known, over
      from public.access_opening o
     where o.token = p_token and o.subject_id = any (p_subjects) and o.grant_id = p_grant and o.user_id = p_user;
    if known = 0 then
        select exists (
            select from unnest(p_subjects) as asked (id)
             where (select count(*) from public.access_opening o where o.subject_id = asked.id and o.grant_id = p_grant)
                   >= g.openings
        ) into used_up;
        until := least(now_is + make_interval(secs => public.audit_limit_of('VIEWING_SECONDS')), g.ends_at);
        if not used_up then
            insert into public.access_opening (id, grant_id, subject_id, user_id, token, confirmation_id, opened_at, viewable_until)
            select gen_random_uuid(), p_grant, asked.id, p_user, p_token, proof, now_is, until
              from unnest(p_subjects) as asked (id);
        end if;
    end if;
    outcome := case when known not in (0, wanted) then 'NOTHING' when over then 'OVER' when used_up then 'USED_UP' end;
    if outcome is not null then
        return next;
        return;
    end if;
    select b.code, b.version into strict basis, basis_version from public.access_legalbasis b where b.id = g.basis_id;
    return query
    with written as (
        insert into public.audit_event (id, canonical)
        select fresh.id, public.audit_bytes(
                   fresh.id, clock_timestamp(), 'OPENING', p_user::text, unit, 'access.grant', p_grant::text,
                   '{"basis":"' || basis || '","basis_version":' || basis_version || ',"confirmation":"' || proof
                   || '","number":"' || r.number || '","opening":"' || o.id || '","rung":"' || g.rung
                   || '","subject":"' || o.subject_id || '"}', '{}')
          from public.access_opening o, lateral (select gen_random_uuid() as id, o.id as of_opening) as fresh
         where o.token = p_token and o.grant_id = p_grant and o.user_id = p_user and o.subject_id = any (p_subjects)
        returning id, canonical
    )
    select 'OPENED', o.subject_id, o.id, w.id, o.opened_at, o.viewable_until
      from written w
      join public.access_opening o on o.id = (public.audit_json(w.canonical) -> 'detail' ->> 'opening')::uuid
     order by array_position(p_subjects, o.subject_id);
end $$;
