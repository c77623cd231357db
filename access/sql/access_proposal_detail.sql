-- What the events of a proposal say of it: its kind, whom it is about, and the digest of what was approved.
create function public.access_proposal_detail(p public.access_proposal) returns text
    language sql stable set search_path = pg_catalog, pg_temp as $$
    select '{"change":"' || p.kind || '","payload":"' || encode(sha256(convert_to(p.payload::text, 'UTF8')), 'hex')
        || '","person":' || coalesce('"' || p.person_id || '"', 'null') || ',"proposed_by":"' || p.proposed_by_id || '"}'
$$;
