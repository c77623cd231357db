-- (A case purpose counts from the day of the new act, a basis from today; access/law.py `window` says it in words.)
-- The first day that an answer may reach back to, or null when neither law nor request sets one.
create function public.access_widest_window(p_request uuid) returns date
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select greatest(
        public.access_earliest(public.access_today(), b.look_back_months),
        public.access_earliest(r.act_on, p.window_months),
        r.asked_from)
      from public.access_accessrequest r
      join public.access_legalbasis b on b.id = r.basis_id
      left join public.access_casepurpose p on p.id = r.case_purpose_id
     where r.id = p_request
$$;
