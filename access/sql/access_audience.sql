-- Which undertaking people of this kind of unit sign (access/models/people.py `audience` is the same question).
create function public.access_audience(p_kind text) returns text
    language sql immutable set search_path = pg_catalog, pg_temp as $$
    select case when public.access_is_police(p_kind) then 'POLICE'
                when p_kind in ('PROCURATORATE', 'COURT', 'SUPERVISION_ORGAN') then 'JUDICIAL' else 'OTHERS' end
$$;
