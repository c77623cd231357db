-- What the application may do to a request by itself: write it, submit it, withdraw it, let it lapse. Every move out of
-- SUBMITTED belongs to a function, which runs as the owner.
create function public.access_guard_request() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    is_right boolean;
begin
    if current_user = 'seal_owner' then
        return new;
    end if;
    if tg_op = 'INSERT' then
        is_right := new.status = 'DRAFT' and new.round = 0 and new.version = 1;
    else
        is_right := new.version = old.version + 1
            and (new.id, new.number, new.organisation_id, new.requester_id, new.wrapped_key, new.created_at)
              = (old.id, old.number, old.organisation_id, old.requester_id, old.wrapped_key, old.created_at)
            and case old.status
                when 'DRAFT' then new.status in ('DRAFT', 'SUBMITTED', 'WITHDRAWN')
                when 'RETURNED' then new.status in ('RETURNED', 'SUBMITTED', 'WITHDRAWN', 'LAPSED')
                else false end
            and new.round = old.round + (new.status = 'SUBMITTED')::integer;
    end if;
    if is_right is not true or new.status = 'SUBMITTED' and (
        public.access_asks_enough(new)
        and public.access_law_applies(new.basis_id, new.case_purpose_id, new.organisation_id)) is not true then
        raise exception 'this is not a move of a request that is made by hand' using errcode = 'SE001';
    end if;
    return new;
end $$;

create trigger access_guard_request before insert or update on public.access_accessrequest
    for each row execute function public.access_guard_request();
alter table public.access_accessrequest enable always trigger access_guard_request;
