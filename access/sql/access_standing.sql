-- For how many seconds an answer that is open on a screen may still stand, by this clock; 0 when it may not: its time is
-- over, the grant has ended or was revoked, its reader is not its recipient any more, or their unit's agreement has ended.
create function public.access_standing(p_opening uuid, p_user uuid) returns integer
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce((
        select greatest(0, ceil(extract(epoch from least(public.access_viewable_until(o.id, o.viewable_until), g.ends_at) - clock_timestamp())))::integer
          from public.access_opening o
          join public.access_grant g on g.id = o.grant_id
          join public.access_accessrequest r on r.id = g.access_request_id
         where o.id = p_opening and o.user_id = p_user and public.access_is_live(g)
           and public.access_is_recipient(g, p_user) and public.access_agreement_holds(r.organisation_id)), 0)
$$;
