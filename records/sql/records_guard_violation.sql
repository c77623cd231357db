-- What may happen to a record while it is worked on: what was submitted is confirmed or returned as it stands, and a
-- confirmed one only gets its day of service. `seal_mover` takes it away.
create function public.records_guard_violation() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    is_right boolean;
begin
    if tg_op = 'INSERT' then
        is_right := new.status = 'DRAFT' and new.version = 1
            and not exists (select from public.records_stub where id = new.id);  -- nothing is worked on that was sealed
    else
        is_right := new.version = old.version + 1
            and (new.id, new.organ_id, new.entered_by_id, new.created_at)
              = (old.id, old.organ_id, old.entered_by_id, old.created_at)
            and case old.status
                when 'DRAFT' then new.status in ('DRAFT', 'SUBMITTED', 'DISCARDED')
                when 'RETURNED' then new.status in ('RETURNED', 'SUBMITTED', 'DISCARDED')
                when 'SUBMITTED' then new.status = 'RETURNED'
                    or new.status = 'CONFIRMED' and to_jsonb(new) - array['status', 'version', 'reviewed_by_id']
                                                  = to_jsonb(old) - array['status', 'version', 'reviewed_by_id']
                when 'CONFIRMED' then old.served_on is null and new.served_on is not null
                    and to_jsonb(new) - array['version', 'served_on'] = to_jsonb(old) - array['version', 'served_on']
                else false end
            and (new.served_on is null or new.status = 'CONFIRMED');
    end if;
    if not is_right then
        raise exception 'this is not a move of a record' using errcode = 'SE001';
    end if;
    return new;
end $$;

create trigger records_guard_violation before insert or update on public.records_violation
    for each row execute function public.records_guard_violation();
alter table public.records_violation enable always trigger records_guard_violation;
