-- Whether a request says what its case purpose needs, and nothing that it does not ask for: the grant is cut out of it. And
-- it waits for as many approvals as its basis wants. The new act is one of the days that the purpose is the law of, and no
-- more is asked than basis and purpose ever say. (access/law.py `missing_for_purpose` and `why_not_act` say it in words.)
create function public.access_asks_enough(r public.access_accessrequest) returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from public.access_legalbasis b
          left join public.access_casepurpose p on p.id = r.case_purpose_id
         where b.id = r.basis_id and r.approvals_needed >= b.approvals
           and (r.act_on is not null) = coalesce(p.counts_from_act, false)
           and (p.acts_from is null or r.act_on >= p.acts_from) and (p.acts_until is null or r.act_on <= p.acts_until)
           and (r.asked_from is not null or not coalesce(p.case_bound, false))
           and public.access_rung_height(r.asked_rung)
               <= least(public.access_rung_height(b.highest_rung), public.access_rung_height(p.highest_rung))
           and (r.act_kind <> '') = coalesce(p.same_kind, false) and (r.act_kind = '' or r.act_kind = any (public.access_act_kinds()))
           -- The number of the decision under review stands in the particulars: with less, others of its day are answered too.
           and (r.asked_rung = 'FULL' or not coalesce(p.names_decision, false))
           and (r.decision_on is not null) = coalesce(p.names_decision, false)
           and greatest(r.act_on, r.decision_on, r.asked_from, public.access_today()) = public.access_today())
$$;
