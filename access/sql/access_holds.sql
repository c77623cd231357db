-- Whether an active person holds a duty at this organisation or above it (access/duties.py `has` is the same question).
create function public.access_holds(p_user uuid, p_duty text, p_organisation uuid) returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from public.access_organisationuserobjectpermission held
          join public.auth_permission duty on duty.id = held.permission_id and duty.codename = p_duty
          join public.access_organisation at on at.id = held.content_object_id
          join public.access_organisation reached on reached.id = p_organisation and starts_with(reached.path, at.path)
          join public.access_user who on who.id = held.user_id and who.is_active
         where held.user_id = p_user)
$$;
