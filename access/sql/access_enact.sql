-- Put a proposal in force: its own rows and event, and this one, in the same transaction. It uses up a fresh confirmation
-- of this person, in this session (`p_session`), for this proposal.
create function public.access_enact(p_proposal uuid, p_by uuid, p_session bytea, p_secret jsonb default null)
    returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    p public.access_proposal%rowtype;
    k public.access_proposalkind%rowtype;
    refusal text;
begin
    perform public.access_read_committed();
    select * into p from public.access_proposal where id = p_proposal for update;
    perform from public.access_user where id = p.person_id for update;
    refusal := public.access_proposal_refusal(p_proposal, p_by);
    if refusal is not null then
        raise exception 'this proposal may not be enacted: %', refusal using errcode = 'SE001';
    end if;
    perform public.access_use_confirmation(p_by, p_session, 'PROPOSAL', p_proposal, '');
    select * into strict k from public.access_proposalkind where kind = p.kind;
    update public.access_proposal
       set state = 'ENACTED', decided_by_id = p_by, decided_at = clock_timestamp(), decided_xid = pg_current_xact_id()
     where id = p_proposal;
    execute format('select public.%I($1, $2, $3)', k.enact_function) using p, p_by, p_secret;
    perform public.audit_append(
        'CHANGE_ENACTED', p_by::text, public.access_unit_code(p_by), 'access.proposal', p.id::text,
        public.access_proposal_detail(p));
end $$;
