-- Whoever takes an overseer away does so one after the other: two at once would each see the other as the one who stays.
create function public.access_oversight_lock() returns void
    language sql set search_path = pg_catalog, pg_temp
    as $$ select pg_advisory_xact_lock(136, 3) $$;
