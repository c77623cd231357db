-- What a vote is about: the people, what was written and the letters of this round, exactly as they stand encrypted in
-- their rows. The votes' events carry it, and verification makes it again.
create function public.access_request_digest(p_request uuid, p_round integer) returns bytea
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select sha256(
        sha256(r.particulars)
        || sha256(convert_to(concat_ws('|', r.basis_id, coalesce(r.case_purpose_id::text, ''), r.asked_rung,
               coalesce(to_char(r.asked_from, 'YYYY-MM-DD'), ''), coalesce(to_char(r.act_on, 'YYYY-MM-DD'), ''),
               r.act_kind, coalesce(to_char(r.decision_on, 'YYYY-MM-DD'), '')), 'UTF8'))
        || coalesce((select string_agg(
               uuid_send(s.id) || s.subject_key || s.identity_key || sha256(s.particulars)
               || case when s.is_minor then '\x01'::bytea else '\x00'::bytea end
               || sha256(convert_to(s.population, 'UTF8')), ''::bytea order by s.position)
               from public.access_requestsubject s where s.access_request_id = r.id and s.round = p_round), ''::bytea)
        || '\xff'::bytea
        || coalesce((select string_agg(uuid_send(l.id) || sha256(l.name) || sha256(l.content), ''::bytea order by l.id)
               from public.access_letter l where l.access_request_id = r.id and l.removed_at is null), ''::bytea))
      from public.access_accessrequest r where r.id = p_request
$$;
