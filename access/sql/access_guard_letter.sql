-- Letters come and go while a request is being written, held until commit so that a submission sees all or none of it.
create function public.access_guard_letter() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    state text;
begin
    select status into state from public.access_accessrequest where id = new.access_request_id for no key update;
    if state is null or state not in ('DRAFT', 'RETURNED') then
        raise exception 'a submitted request keeps its letters' using errcode = 'SE001';
    end if;
    return new;
end $$;

create trigger access_guard_letter before insert or update on public.access_letter
    for each row execute function public.access_guard_letter();
alter table public.access_letter enable always trigger access_guard_letter;
