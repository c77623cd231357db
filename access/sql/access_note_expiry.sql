-- Write the event of each grant that time has ended, at most so many; the door asks the clock and needs no note (Rule 5).
create function public.access_note_expiry(p_most integer) returns integer
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    g record;
    noted integer := 0;
begin
    for g in
        select q.id from public.access_grant q
         where q.ends_at <= clock_timestamp()
           and not exists (select from public.access_grantexpiry x where x.grant_id = q.id)
         order by q.ends_at limit p_most for no key update skip locked
    loop
        insert into public.access_grantexpiry (grant_id, noted_at) values (g.id, clock_timestamp());
        -- A revoked one was told about when it was revoked.
        if not exists (select from public.access_revocation v where v.grant_id = g.id) then
            perform public.audit_append(
                'GRANT_EXPIRED', null, null, 'access.grant', g.id::text,
                '{"openings":' || (select count(*) from public.access_opening o where o.grant_id = g.id) || '}');
        end if;
        noted := noted + 1;
    end loop;
    return noted;
end $$;
