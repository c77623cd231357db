-- Every event waits for its place in the log from the transaction that wrote it: none can be missed by looking for new ones.
create function public.audit_event_queued() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into public.audit_queue (event_id, at) values (new.id, new.at);
    return null;
end $$;

create trigger audit_event_queued after insert on public.audit_event
    for each row execute function public.audit_event_queued();
alter table public.audit_event enable always trigger audit_event_queued;
