-- Propose a change, with its event; what it stands on is read here and not taken from the caller.
create function public.access_propose(
    p_kind text, p_subject text, p_person uuid, p_unit uuid, p_payload jsonb, p_by uuid, p_reason text,
    p_nonce bytea, p_digest bytea
) returns uuid language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    p public.access_proposal%rowtype;
    k public.access_proposalkind%rowtype;
    refusal text;
    event uuid;
begin
    perform public.access_read_committed();
    select * into k from public.access_proposalkind where kind = p_kind;
    if not found or p_reason is null or length(p_reason) > 2000
        or octet_length(p_nonce) is distinct from 32 or octet_length(p_digest) is distinct from 32 then
        raise exception 'a proposal is of a known kind and has a reason' using errcode = 'SE001';
    end if;
    p.id := gen_random_uuid();
    p.kind := p_kind;
    p.subject := p_subject;
    p.person_id := p_person;
    p.unit_id := p_unit;
    p.payload := p_payload;
    p.reason := p_reason;
    p.answer := '';
    p.state := 'PROPOSED';
    p.proposed_by_id := p_by;
    p.proposed_at := clock_timestamp();
    perform from public.access_user where id = p_person for update;
    execute format('select public.%I($1, $2)', k.refusal_function) into refusal using p, p_by;
    if refusal is null and (p_by = p_person or not public.access_may_propose(p, p_by)) then
        refusal := 'NOT_YOURS';
    end if;
    if refusal is not null then
        raise exception 'this may not be proposed: %', refusal using errcode = 'SE001';
    end if;
    execute format('select public.%I($1)', k.ground_function) into strict p.based_on using p;
    insert into public.access_proposal select p.*;
    event := public.audit_append(
        'CHANGE_PROPOSED', p_by::text, public.access_unit_code(p_by), 'access.proposal', p.id::text,
        public.access_proposal_detail(p), '{"reason":"' || encode(p_digest, 'hex') || '"}');
    insert into public.audit_nonce (event_id, name, nonce) values (event, 'reason', p_nonce);
    return p.id;
end $$;
