-- Whether this person oversees the trail: only they verify it by hand, raise an alarm, or accept how the database is built.
create function public.access_oversees(p_user uuid) returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from public.access_organisationuserobjectpermission held
          join public.auth_permission duty on duty.id = held.permission_id and duty.codename = 'oversee'
          join public.access_user u on u.id = held.user_id and u.is_active
         where held.user_id = p_user)
$$;
