-- The points that a vote on this round answers, in order: five about the request, and one for each person of whom no
-- population register has said that name and number belong together. (access/actions/decisions.py `points` says the same.)
create function public.access_points(p_request uuid, p_round integer) returns text[]
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select array(
        select point from (
            select unnest(array['DOCUMENTS', 'INTEREST', 'ORGANISATION', 'PURPOSE', 'SCOPE'])
            union all
            select 'PERSON_' || s.position from public.access_requestsubject s
             where s.access_request_id = p_request and s.round = p_round and s.population <> 'MATCHES'
        ) as points (point) order by point collate "C")
$$;
