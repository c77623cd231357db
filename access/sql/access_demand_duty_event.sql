-- A duty is given and withdrawn with an event that names the person, the duty and the unit, in the same transaction; a
-- dangerous one is given only with the proposal that this transaction enacted, or by the owner on the server.
create function public.access_demand_duty_event() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    changed public.access_organisationuserobjectpermission%rowtype;
    wanted jsonb;
begin
    if tg_op = 'UPDATE' then
        raise exception 'a duty is given or withdrawn, never changed' using errcode = 'integrity_constraint_violation';
    elsif tg_op = 'INSERT' then
        changed := new;
    else
        changed := old;
    end if;
    select jsonb_build_object('duty', a.codename, 'at', o.code) into wanted
      from public.auth_permission a, public.access_organisation o
     where a.id = changed.permission_id and o.id = changed.content_object_id;
    if not exists (
        select from public.audit_event e
         where e.target_id = changed.user_id::text and e.target_type = 'access.user' and e.xid = pg_current_xact_id()
           and e.kind = case tg_op when 'INSERT' then 'DUTY_GIVEN' else 'DUTY_WITHDRAWN' end
           and public.audit_json(e.canonical) -> 'detail' @> wanted
    ) then
        raise exception 'a duty needs its event in the same transaction' using errcode = 'integrity_constraint_violation';
    end if;
    if tg_op = 'INSERT' and public.access_is_dangerous(wanted ->> 'duty') and not exists (
        select from public.access_proposal p
         where p.kind = 'DUTY' and p.state = 'ENACTED' and p.decided_xid = pg_current_xact_id()
           and p.person_id = changed.user_id and p.unit_id = changed.content_object_id
           and p.payload ->> 'duty' = wanted ->> 'duty'
           and p.proposed_by_id = changed.given_by_id and p.decided_by_id = changed.consented_by_id
    ) and not (changed.given_by_id is null and public.access_is_owner()) then
        raise exception 'this duty takes a proposal and a second person' using errcode = 'integrity_constraint_violation';
    end if;
    return null;
end $$;

create constraint trigger access_duty_needs_event
    after insert or update or delete on public.access_organisationuserobjectpermission
    deferrable initially deferred for each row execute function public.access_demand_duty_event();
alter table public.access_organisationuserobjectpermission enable always trigger access_duty_needs_event;
