-- Keep the present state of a person as a version of their history. For functions of the owner only.
create function public.access_keep_user(p_user uuid, p_by uuid) returns void
    language sql security definer set search_path = pg_catalog, pg_temp
    as $$ select public.access_keep_version('access_user', 'access_historicaluser', p_user, p_by) $$;
