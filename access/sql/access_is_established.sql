-- Whether it is established that name and number of this person asked about belong together: by the population register
-- when the request was submitted, or by every vote of an approved round. Answers match by the document alone and rest on it.
create function public.access_is_established(p_subject uuid) returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from public.access_requestsubject s
         where s.id = p_subject
           and (s.population = 'MATCHES'
                or (select bool_and(d.outcome = 'APPROVE' and d.checklist -> ('PERSON_' || s.position) is not distinct from 'true'::jsonb)
                      from public.access_decision d
                     where d.access_request_id = s.access_request_id and d.round = s.round)))
$$;
