-- Rule 5: time by this clock, and no revocation.
create function public.access_is_live(p_grant public.access_grant) returns boolean
    language sql stable set search_path = pg_catalog, pg_temp as $$
    select p_grant.starts_at <= clock_timestamp() and clock_timestamp() < p_grant.ends_at
       and not exists (select from public.access_revocation v where v.grant_id = p_grant.id)
$$;
