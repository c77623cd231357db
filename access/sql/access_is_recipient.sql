-- Whether the grant names this person, who is still active, still of the unit that asked, and still files for it.
create function public.access_is_recipient(p_grant public.access_grant, p_user uuid) returns boolean
    language sql stable set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from public.access_grantuserobjectpermission named
          join public.auth_permission a on a.id = named.permission_id and a.codename = 'open_grant'
          join public.access_user u on u.id = named.user_id and u.is_active
          join public.access_accessrequest r on r.id = p_grant.access_request_id and r.organisation_id = u.organisation_id
         where named.content_object_id = p_grant.id and named.user_id = p_user
           and public.access_holds(p_user, 'file_requests', u.organisation_id))
$$;
