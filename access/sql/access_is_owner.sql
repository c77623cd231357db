-- Whether it is the owner of the tables who has logged in: set-up and recovery on the server, nobody's page.
create function public.access_is_owner() returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as $$ select pg_has_role(session_user, current_user, 'member') $$;
