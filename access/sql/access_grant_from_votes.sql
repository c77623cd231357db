-- The grant of an approved round: the narrowest of what its approvers allow, made from their votes and from nothing else
-- (Rules 5 to 7, 10), named to the requester. Part of `access_vote`; nobody else may call it.
create function public.access_grant_from_votes(
    p_request uuid, p_by uuid, p_unit text, p_now timestamptz, p_narrowed text[]
) returns uuid language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
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
    -- An answer looks for a document and for nothing else: it needs somebody who said whose document that is.
    if exists (select from public.access_requestsubject s
                where s.access_request_id = p_request and s.round = r.round and not public.access_is_established(s.id)) then
        raise exception 'nobody established that name and number belong together' using errcode = 'SE001';
    end if;
    select min(d.hours), min(d.openings), max(d.window_from),
           (array['PRESENCE', 'ABSTRACT', 'FULL'])[least(
               min(public.access_rung_height(d.rung)), public.access_rung_height(p.highest_rung))]
      into hours, g.openings, g.window_from, g.rung
      from public.access_decision d where d.access_request_id = p_request and d.round = r.round;
    g.id := gen_random_uuid();
    insert into public.access_grant (
        id, access_request_id, round, basis_id, case_purpose_id, rung, categories, record_filter, filter_count,
        window_from, window_until, decision_on, adult_acts_only, starts_at, ends_at, openings, narrowed
    ) values (
        g.id, p_request, r.round, b.id, p.id, g.rung,
        -- What basis and purpose both cover; of the same kind means the kind that the request names.
        case when p.id is null then b.categories
             when not p.same_kind then public.access_narrower(b.categories, p.categories)
             else public.access_narrower(public.access_narrower(b.categories, p.categories),
                                         array_remove(array[r.act_kind]::text[], '')) end,
        b.record_filter, greatest(b.filter_count, p.minimum_count),
        -- What took effect after the new act is not earlier than it.
        g.window_from, case when p.counts_from_act then r.act_on end, r.decision_on,
        -- Law on the Prevention of Juvenile Delinquency Art. 59(2); whether a supervision organ is meant waits for review.
        exists (select from public.access_organisation o where o.id = r.organisation_id and o.kind = 'SUPERVISION_ORGAN'),
        p_now, p_now + make_interval(hours => hours), g.openings, p_narrowed)
    returning * into g;
    insert into public.access_grantuserobjectpermission (content_object_id, user_id, permission_id)
    select g.id, r.requester_id, a.id from public.auth_permission a
     where a.codename = 'open_grant';
    perform public.audit_append(
        'GRANT_MADE', p_by::text, p_unit, 'access.grant', g.id::text,
        '{"adult_acts_only":' || g.adult_acts_only
        -- What was asked, so that the event itself says what was narrowed.
        || ',"asked_from":' || coalesce('"' || to_char(public.access_widest_window(p_request), 'YYYY-MM-DD') || '"', 'null')
        || ',"asked_hours":' || b.grant_hours || ',"asked_openings":' || b.grant_openings
        || ',"asked_rung":"' || r.asked_rung || '","basis":"' || b.code || '","basis_version":' || b.version
        || ',"categories":[' || coalesce((select string_agg('"' || c || '"', ',' order by place)
                                   from unnest(g.categories) with ordinality as list (c, place)), '')
        || '],"decision_on":' || coalesce('"' || to_char(g.decision_on, 'YYYY-MM-DD') || '"', 'null') || ',"hours":' || hours
        || ',"narrowed":' || to_json(p_narrowed) || ',"number":"' || r.number || '","openings":' || g.openings
        || ',"purpose":"' || coalesce(p.code, '') || '","round":' || r.round || ',"rung":"' || g.rung
        || '","window_from":' || coalesce('"' || to_char(g.window_from, 'YYYY-MM-DD') || '"', 'null')
        || ',"window_until":' || coalesce('"' || to_char(g.window_until, 'YYYY-MM-DD') || '"', 'null') || '}');
    return g.id;
end $$;
