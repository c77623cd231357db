-- The first day that an answer may reach back to, or null when neither law nor request sets one.
create function public.access_widest_window(p_request uuid) returns date
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select greatest(
        (public.access_today() - make_interval(months => b.look_back_months))::date,
        (public.access_today() - make_interval(months => p.window_months))::date,
        r.asked_from)
      from public.access_accessrequest r
      join public.access_legalbasis b on b.id = r.basis_id
      left join public.access_casepurpose p on p.id = r.case_purpose_id
     where r.id = p_request
$$;
