-- Keep the present state of a request as a version of its history. For functions of the owner only.
create function public.access_keep_request(p_request uuid, p_by uuid) returns void
    language sql security definer set search_path = pg_catalog, pg_temp
    as $$ select public.access_keep_version('access_accessrequest', 'access_historicalaccessrequest', p_request, p_by) $$;
