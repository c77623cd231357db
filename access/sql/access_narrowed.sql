-- On which sides a scope gives less than was asked: 'LEVEL', 'PERIOD', 'OPENINGS', 'HOURS' (Rule 7). Hours and openings are
-- asked for as the basis allows them; the period as `access_widest_window` counts it today.
create function public.access_narrowed(
    p_request uuid, p_rung text, p_window_from date, p_hours integer, p_openings integer
) returns text[] language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select array_remove(array[
        case when public.access_rung_height(p_rung) < public.access_rung_height(r.asked_rung) then 'LEVEL' end,
        case when p_window_from is distinct from public.access_widest_window(p_request) then 'PERIOD' end,
        case when p_openings < b.grant_openings then 'OPENINGS' end,
        case when p_hours < b.grant_hours then 'HOURS' end], null)
      from public.access_accessrequest r join public.access_legalbasis b on b.id = r.basis_id
     where r.id = p_request
$$;
