-- Whoever takes an overseer away does so one after the other: two at once would each see the other as the one who stays.
-- The one row is locked and nothing else; the application has no privilege on it, so that it cannot hold it by itself.
create table public.access_oversight (is_it boolean primary key default true check (is_it));
insert into public.access_oversight values (true);

create function public.access_oversight_lock() returns void
    language sql set search_path = pg_catalog, pg_temp
    as $$ select from public.access_oversight for update $$;
