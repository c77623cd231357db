-- The oversight duties of which this active person is the last active holder at the top of a tree of units.
create function public.access_last_held(p_user uuid) returns table (duty text, unit uuid)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select what.codename::text, held.content_object_id
      from public.access_organisationuserobjectpermission held
      join public.auth_permission what on what.id = held.permission_id and public.access_is_oversight(what.codename)
      join public.access_organisation at on at.id = held.content_object_id and at.parent_id is null
      join public.access_user who on who.id = held.user_id and who.is_active
     where held.user_id = p_user and not exists (
        select from public.access_organisationuserobjectpermission other
          join public.access_user another on another.id = other.user_id and another.is_active
         where other.permission_id = held.permission_id and other.content_object_id = held.content_object_id
           and other.user_id <> p_user)
$$;
