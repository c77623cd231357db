-- What a proposal of a duty stands on: the person as they are, and their duties.
create function public.access_duty_change_ground(p public.access_proposal) returns text
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as $$ select public.access_ground(p.person_id) $$;
