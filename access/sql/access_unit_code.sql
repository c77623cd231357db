-- The code of the unit that a person acts for, as the trail names it; null for nobody.
create function public.access_unit_code(p_user uuid) returns text
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select o.code from public.access_user u join public.access_organisation o on o.id = u.organisation_id where u.id = p_user
$$;
