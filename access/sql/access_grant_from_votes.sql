-- The grant of an approved round: the narrowest of what its approvers allow, made from their votes and from nothing else
-- (Rules 5 to 7, 10), named to the requester. Part of `access_vote`; nobody else may call it.
create function public.access_grant_from_votes(p_request uuid, p_by uuid, p_unit text, p_now timestamptz) returns uuid
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    g public.access_grant%rowtype;
    r public.access_accessrequest%rowtype;
    b public.access_legalbasis%rowtype;
    p public.access_casepurpose%rowtype;
    hours integer;
begin
    select * into strict r from public.access_accessrequest where id = p_request;
    select * into strict b from public.access_legalbasis where id = r.basis_id;
    select * into p from public.access_casepurpose where id = r.case_purpose_id;
    select min(d.hours), min(d.openings), max(d.window_from),
           (array['PRESENCE', 'ABSTRACT', 'FULL'])[min(public.access_rung_height(d.rung))]
      into hours, g.openings, g.window_from, g.rung
      from public.access_decision d where d.access_request_id = p_request and d.round = r.round;
    g.id := gen_random_uuid();
    insert into public.access_grant (
        id, access_request_id, round, basis_id, case_purpose_id, rung, categories, record_filter, filter_count,
        window_from, starts_at, ends_at, openings
    ) values (
        g.id, p_request, r.round, b.id, p.id, g.rung,
        -- The categories in both lists, where * stands for every category (Rule 11).
        case when p.id is null or '*' = any (p.categories) then b.categories
             when '*' = any (b.categories) then p.categories
             else array(select unnest(b.categories) intersect select unnest(p.categories) order by 1) end,
        b.record_filter, greatest(b.filter_count, p.minimum_count),
        g.window_from, p_now, p_now + make_interval(hours => hours), g.openings)
    returning * into g;
    insert into public.access_grantuserobjectpermission (content_object_id, user_id, permission_id)
    select g.id, r.requester_id, a.id from public.auth_permission a
     where a.codename = 'open_grant';
    perform public.audit_append(
        'GRANT_MADE', p_by::text, p_unit, 'access.grant', g.id::text,
        '{"basis":"' || b.code || '","basis_version":' || b.version
        || ',"categories":[' || coalesce((select string_agg('"' || c || '"', ',' order by place)
                                   from unnest(g.categories) with ordinality as list (c, place)), '')
        || '],"hours":' || hours || ',"number":"' || r.number || '","openings":' || g.openings
        || ',"purpose":"' || coalesce(p.code, '') || '","round":' || r.round || ',"rung":"' || g.rung
        || '","window_from":' || coalesce('"' || g.window_from || '"', 'null') || '}');
    return g.id;
end $$;
