-- Give an answer that stands on a screen five minutes more, and never beyond its grant or the usual time from now; each
-- extension is a row and an event. Returns for how many seconds it may stand: unchanged where there is nothing to give,
-- and 0 where it may not stand at all, whatever the reason (Rule 3).
create function public.access_extend(p_opening uuid, p_user uuid) returns integer
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    found_it record;
    until timestamptz;
begin
    perform public.access_read_committed();
    perform from public.access_grant g join public.access_opening o on o.grant_id = g.id
      where o.id = p_opening and o.user_id = p_user for no key update of g;
    if public.access_standing(p_opening, p_user) = 0 then
        return 0;
    end if;
    select o.grant_id, o.subject_id, g.ends_at, r.number, unit.code as unit,
           public.access_viewable_until(o.id, o.viewable_until) as until
      into strict found_it
      from public.access_opening o
      join public.access_grant g on g.id = o.grant_id
      join public.access_accessrequest r on r.id = g.access_request_id
      join public.access_organisation unit on unit.id = r.organisation_id
     where o.id = p_opening;
    until := least(found_it.until + interval '5 minutes', found_it.ends_at,
                   clock_timestamp() + make_interval(secs => public.audit_limit_of('VIEWING_SECONDS')));
    if until > found_it.until + interval '1 second' and public.audit_staleness() is null then
        insert into public.access_openingextension (id, opening_id, until, at)
        values (gen_random_uuid(), p_opening, until, clock_timestamp());
        perform public.audit_append(
            'ANSWER_EXTENDED', p_user::text, found_it.unit, 'access.grant', found_it.grant_id::text,
            '{"number":"' || found_it.number || '","opening":"' || p_opening || '","subject":"' || found_it.subject_id
            || '","until":"' || to_char(until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"}');
    end if;
    return public.access_standing(p_opening, p_user);
end $$;
