-- MLPS level 3: system, security and audit administration. Who holds one of them holds no other duty.
create function public.access_is_oversight(p_duty text) returns boolean
    language sql immutable set search_path = pg_catalog, pg_temp
    as $$ select p_duty in ('oversee', 'administer_people', 'assign_duties') $$;
