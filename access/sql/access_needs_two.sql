-- Whether a new code for this person takes two administrators: they hold a dangerous duty, be it asleep.
create function public.access_needs_two(p_user uuid) returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from public.access_organisationuserobjectpermission held
          join public.auth_permission duty on duty.id = held.permission_id
         where held.user_id = p_user and public.access_is_dangerous(duty.codename))
$$;
