-- Turn a proposal down with a reason, as who could decide it; or take back one's own, which needs none.
create function public.access_turn_down(p_proposal uuid, p_by uuid, p_reason text, p_nonce bytea, p_digest bytea)
    returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    p public.access_proposal%rowtype;
    event uuid;
    is_own boolean;
begin
    perform public.access_read_committed();
    select * into p from public.access_proposal where id = p_proposal for update;
    is_own := p.proposed_by_id = p_by;
    if not found or p.state <> 'PROPOSED' or p.person_id = p_by
        or not (is_own or public.access_may_propose(p, p_by))
        or not exists (select from public.access_user where id = p_by and is_active)
        or p_reason is null or length(p_reason) > 2000 or not is_own and p_reason !~ '\S'
        or octet_length(p_nonce) is distinct from 32 or octet_length(p_digest) is distinct from 32 then
        raise exception 'this proposal may not be turned down' using errcode = 'SE001';
    end if;
    update public.access_proposal
       set state = case when is_own then 'WITHDRAWN' else 'TURNED_DOWN' end, answer = p_reason,
           decided_by_id = p_by, decided_at = clock_timestamp(), decided_xid = pg_current_xact_id()
     where id = p_proposal;
    event := public.audit_append(
        case when is_own then 'CHANGE_WITHDRAWN' else 'CHANGE_TURNED_DOWN' end,
        p_by::text, public.access_unit_code(p_by), 'access.proposal', p.id::text,
        public.access_proposal_detail(p), '{"reason":"' || encode(p_digest, 'hex') || '"}');
    insert into public.audit_nonce (event_id, name, nonce) values (event, 'reason', p_nonce);
end $$;
