-- The categories in both lists, where * stands for every category (Rule 11; access/law.py `narrower`).
create function public.access_narrower(p_one text[], p_other text[]) returns text[]
    language sql immutable set search_path = pg_catalog, pg_temp as $$
    select case when '*' = any (p_one) then p_other
                when '*' = any (p_other) then p_one
                else array(select unnest(p_one) intersect select unnest(p_other) order by 1) end
$$;
