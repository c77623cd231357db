-- Why this person may not put this proposal in force, or null when they may: another person than proposed it, not the one
-- it is about, both holding the duty now, on unchanged ground.
create function public.access_proposal_refusal(p_proposal uuid, p_by uuid) returns text
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    p public.access_proposal%rowtype;
    k public.access_proposalkind%rowtype;
    ground text;
    refusal text;
begin
    select * into p from public.access_proposal where id = p_proposal;
    select * into k from public.access_proposalkind where kind = p.kind;
    if not found or p.person_id = p_by then
        return 'NOT_YOURS';
    elsif p.state <> 'PROPOSED' then
        return 'DECIDED';
    elsif p.proposed_by_id = p_by then
        return 'SAME_PERSON';
    elsif not public.access_may_propose(p, p_by) then
        return 'NOT_YOURS';
    elsif not public.access_may_propose(p, p.proposed_by_id) then
        return 'PROPOSER_LOST';
    end if;
    execute format('select public.%I($1)', k.ground_function) into ground using p;
    if ground is distinct from p.based_on then
        return 'GROUND_CHANGED';
    end if;
    execute format('select public.%I($1, $2)', k.refusal_function) into refusal using p, p_by;
    return refusal;
end $$;
