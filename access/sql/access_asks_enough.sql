-- Whether a request says what its case purpose needs, and nothing that it does not ask for: the grant is cut out of it. And
-- it waits for as many approvals as its basis wants. (access/law.py `missing_for_purpose` says it in words.)
create function public.access_asks_enough(r public.access_accessrequest) returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from public.access_legalbasis b
          left join public.access_casepurpose p on p.id = r.case_purpose_id
         where b.id = r.basis_id and r.approvals_needed >= b.approvals
           and (r.act_on is not null) = (p.window_months is not null)
           and (r.act_kind <> '') = coalesce(p.same_kind, false) and r.act_kind <> '*'
           and (r.decision_on is not null) = coalesce(p.names_decision, false)
           and greatest(r.act_on, r.decision_on, r.asked_from, public.access_today()) = public.access_today())
$$;
