-- Deferred, so that it has the last word over a statement that turned synchronous_commit off (Rule 2). It does not hold
-- against `set constraints all immediate`; the durable mark in `sealed.shown` does (custody: WAL is ordered).
-- No SET clause: the setting has to outlive the function, until commit.
create function public.audit_event_durable() returns trigger language plpgsql as $$
begin
    if pg_catalog.current_setting('synchronous_commit') operator(pg_catalog.=) 'off' then
        perform pg_catalog.set_config('synchronous_commit', 'on', true);
    end if;
    return null;
end $$;

create constraint trigger audit_event_durable after insert on public.audit_event
    deferrable initially deferred for each row execute function public.audit_event_durable();
alter table public.audit_event enable always trigger audit_event_durable;
