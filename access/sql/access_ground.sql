-- What a proposal about a person stands on: who they are, what they hold, and with which code they last chose a password.
create function public.access_ground(p_person uuid) returns text
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select encode(sha256(convert_to(jsonb_build_array(
        u.is_active, o.path,
        (select jsonb_agg(jsonb_build_array(what.codename, held.content_object_id) order by what.codename, held.content_object_id)
           from public.access_organisationuserobjectpermission held
           join public.auth_permission what on what.id = held.permission_id where held.user_id = u.id),
        (select id from public.access_enrolment
          where user_id = u.id and used_at is not null order by used_at desc limit 1))::text, 'UTF8')), 'hex')
      from public.access_user u join public.access_organisation o on o.id = u.organisation_id where u.id = p_person
$$;
