-- The first day from which `p_day` is within so many months (access/law.py `earliest`): where the month has no such day
-- (29 February), its last day would already be a day too early.
create function public.access_earliest(p_day date, p_months integer) returns date
    language sql immutable set search_path = pg_catalog, pg_temp as $$
    select (p_day - make_interval(months => p_months))::date
         + (extract(day from p_day - make_interval(months => p_months)) <> extract(day from p_day))::integer
$$;
