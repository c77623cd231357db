-- How much a rung says: 1 presence, 2 abstract, 3 full; null for anything else.
create function public.access_rung_height(p_rung text) returns integer
    language sql immutable set search_path = pg_catalog, pg_temp
    as $$ select array_position(array['PRESENCE', 'ABSTRACT', 'FULL'], p_rung) $$;
