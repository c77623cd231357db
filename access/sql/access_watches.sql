-- Whether this person has to know when the trail does not hold: overseers and security administrators close alarms.
create function public.access_watches(p_user uuid) returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from public.access_organisationuserobjectpermission held
          join public.auth_permission duty on duty.id = held.permission_id and duty.codename in ('oversee', 'assign_duties')
          join public.access_user u on u.id = held.user_id and u.is_active
         where held.user_id = p_user)
$$;
