-- Until when a counted opening may be looked at: what was counted, or the last extension.
create function public.access_viewable_until(p_opening uuid, p_counted timestamptz) returns timestamptz
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select greatest(p_counted, (select max(x.until) from public.access_openingextension x where x.opening_id = p_opening))
$$;
