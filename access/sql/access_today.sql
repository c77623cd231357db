-- The day of the law: China has one time zone.
create function public.access_today() returns date
    language sql stable set search_path = pg_catalog, pg_temp
    as $$ select (clock_timestamp() at time zone 'Asia/Shanghai')::date $$;
