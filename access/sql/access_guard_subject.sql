-- The people of a round are written by the transaction that submits it, and by no later one: what is voted on is what
-- is granted. The request's row is this transaction's own: it has just moved it to SUBMITTED. About a minor two decide.
-- What the population register said of somebody stands there only where it was asked, with its event, about the very
-- version that is submitted.
create function public.access_guard_subject() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if not exists (
        select from public.access_accessrequest r
         where r.id = new.access_request_id and r.status = 'SUBMITTED' and r.round = new.round
           and r.xmin = pg_current_xact_id()::xid and (not new.is_minor or r.approvals_needed >= 2)
           and (new.population = '' or exists (
               select from public.access_populationquestion q
                where q.access_request_id = r.id and q.version = r.version - 1 and q.asked_by_id = r.requester_id
                  and new.position between 1 and q.people))
    ) or exists (
        select from public.access_decision d where d.access_request_id = new.access_request_id and d.round = new.round
    ) then
        raise exception 'people are named when a request is submitted' using errcode = 'SE001';
    end if;
    return new;
end $$;

create trigger access_guard_subject before insert on public.access_requestsubject
    for each row execute function public.access_guard_subject();
alter table public.access_requestsubject enable always trigger access_guard_subject;
