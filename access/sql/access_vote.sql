-- One vote on what was on the screen, its event, and what follows when it was the last that was needed: the request's
-- new state with its history, and the grant. Returns the state.
--
-- `p_version` is the version that was read: an older one is refused, whoever asks (SE001). The vote's event carries the
-- digest of the people, the reason and the letters, so that a vote proves what it was about. It uses up a fresh
-- confirmation of this person, in this session (`p_session`), for this vote: the request at this version, outcome and scope.
create function public.access_vote(
    p_request uuid, p_version integer, p_by uuid, p_session bytea, p_decision uuid, p_outcome text,
    p_rung text, p_window_from date, p_hours integer, p_openings integer,
    p_checklist jsonb, p_reason bytea, p_reason_nonce bytea, p_reason_digest bytea
) returns text language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    r public.access_accessrequest%rowtype;
    b public.access_legalbasis%rowtype;
    u public.access_user%rowtype;
    unit text;
    proof uuid;
    widest date;
    digest bytea;
    event uuid;
    cast_votes integer;
    needed integer;
    now_is timestamptz;
    state text;
    move text;
    -- On which sides this vote gives less than was asked, and all of its round together.
    narrowed text[] := '{}';
    narrowed_by_all text[];
begin
    perform public.access_read_committed();
    select * into r from public.access_accessrequest where id = p_request for update;
    if not found or r.status <> 'SUBMITTED' or r.version is distinct from p_version then
        raise exception 'the request has moved on' using errcode = 'SE001';
    end if;
    if not public.access_may_decide(p_request, p_by) then
        raise exception 'this person may not vote on this request' using errcode = 'SE001';
    end if;
    if not public.access_agreement_holds(r.organisation_id) then
        raise exception 'the agreement has ended' using errcode = 'SE001';
    end if;
    select * into strict b from public.access_legalbasis where id = r.basis_id;
    select * into strict u from public.access_user where id = p_by;
    unit := public.access_unit_code(p_by);
    if p_outcome is null or p_outcome not in ('APPROVE', 'REFUSE', 'RETURN')
        or octet_length(p_reason) is null or octet_length(p_reason_nonce) is distinct from 32
        or octet_length(p_reason_digest) is distinct from 32
        or (select array_agg(case jsonb_typeof(value) when 'boolean' then key end order by key collate "C")
              from jsonb_each(p_checklist) as answers (key, value))
           is distinct from public.access_points(p_request, r.round) then
        raise exception 'a vote has an outcome, a reason and an answered checklist' using errcode = 'SE001';
    end if;
    if p_outcome = 'APPROVE' then
        -- Rules 7 and 11: never more than was asked, nor than the basis allows.
        widest := public.access_widest_window(p_request);
        if exists (select from jsonb_each(p_checklist) as answers (key, value) where value <> 'true'::jsonb)
            or not public.access_asks_enough(r)
            or not public.access_law_applies(r.basis_id, r.case_purpose_id, r.organisation_id)
            or (public.access_rung_height(p_rung)
                <= least(public.access_rung_height(b.highest_rung), public.access_rung_height(r.asked_rung))) is not true
            or p_rung <> 'FULL' and r.decision_on is not null
            or (p_hours between 1 and b.grant_hours) is not true
            or (p_openings between 1 and b.grant_openings) is not true
            or (widest is null or p_window_from >= widest) is not true
            -- What begins after the new act covers nothing, and would answer "none" to who asks rightly.
            or p_window_from not between date '1900-01-01' and least(public.access_today(), r.act_on) then
            raise exception 'the scope is wider than what may be allowed' using errcode = 'SE001';
        end if;
        narrowed := public.access_narrowed(p_request, p_rung, p_window_from, p_hours, p_openings);
    elsif p_rung is not null or p_window_from is not null or p_hours is not null or p_openings is not null then
        raise exception 'only an approval has a scope' using errcode = 'SE001';
    end if;

    proof := public.access_use_confirmation(
        p_by, p_session, 'VOTE', p_request,
        concat_ws(':', r.version, p_outcome, p_rung, to_char(p_window_from, 'YYYY-MM-DD'), p_hours, p_openings));
    digest := public.access_request_digest(p_request, r.round);
    now_is := clock_timestamp();
    insert into public.access_decision (
        id, access_request_id, round, decider_id, decider_organisation_id, outcome, basis_id, rung, window_from, hours,
        openings, narrowed, checklist, reason, digest, decided_at
    ) values (
        p_decision, p_request, r.round, p_by, u.organisation_id, p_outcome, r.basis_id, coalesce(p_rung, ''),
        p_window_from, p_hours, p_openings, narrowed, p_checklist, p_reason, digest, now_is);
    event := public.audit_append(
        'REQUEST_VOTED', p_by::text, unit, 'access.accessrequest', p_request::text,
        '{"basis":"' || b.code || '","basis_version":' || b.version
        || ',"confirmation":"' || proof || '","decision":"' || p_decision || '","digest":"' || encode(digest, 'hex')
        -- Of how many people this vote says that name and number belong together.
        || '","established":' || (select count(*) from jsonb_each(p_checklist) as answers (key, value)
                                   where starts_with(key, 'PERSON_') and value = 'true'::jsonb)
        || ',"hours":' || coalesce(p_hours, 0) || ',"narrowed":' || to_json(narrowed) || ',"number":"' || r.number
        || '","openings":' || coalesce(p_openings, 0)
        || ',"outcome":"' || p_outcome || '","round":' || r.round || ',"rung":"' || coalesce(p_rung, '')
        || '","version":' || r.version || ',"window_from":' || coalesce('"' || to_char(p_window_from, 'YYYY-MM-DD') || '"', 'null') || '}',
        '{"reason":"' || encode(p_reason_digest, 'hex') || '"}');
    insert into public.audit_nonce (event_id, name, nonce) values (event, 'reason', p_reason_nonce);

    select count(*) into cast_votes from public.access_decision where access_request_id = p_request and round = r.round;
    -- Two approvers where the basis says so, and where a person asked about is a minor or may be one.
    needed := greatest(r.approvals_needed, b.approvals, case when exists (
        select from public.access_requestsubject where access_request_id = p_request and round = r.round and is_minor
    ) then 2 else 1 end);
    if p_outcome = 'RETURN' then
        state := 'RETURNED';
        move := 'REQUEST_RETURNED';
    elsif cast_votes < needed then
        return 'SUBMITTED';
    elsif exists (select from public.access_decision
                   where access_request_id = p_request and round = r.round and outcome = 'REFUSE') then
        state := 'REFUSED';
        move := 'REQUEST_REFUSED';
    else
        state := 'APPROVED';
        move := 'REQUEST_APPROVED';
        narrowed_by_all := array(
            select side from unnest(array['LEVEL', 'PERIOD', 'OPENINGS', 'HOURS']) as side
             where exists (select from public.access_decision d
                            where d.access_request_id = p_request and d.round = r.round and side = any (d.narrowed)));
    end if;
    update public.access_accessrequest
       set status = state, version = version + 1, approvals_needed = needed,
           returned_at = case when state = 'RETURNED' then now_is end,
           decided_at = case when state <> 'RETURNED' then now_is end
     where id = p_request;
    perform public.access_keep_request(p_request, p_by);
    perform public.audit_append(
        move, p_by::text, unit, 'access.accessrequest', p_request::text,
        '{' || coalesce('"narrowed":' || to_json(narrowed_by_all) || ',', '')
        || '"number":"' || r.number || '","round":' || r.round || '}');
    if state = 'APPROVED' then
        perform public.access_grant_from_votes(p_request, p_by, unit, now_is, narrowed_by_all);
    end if;
    return state;
end $$;
