-- Why the trail is not fresh enough to disclose anything (Rule 12), or null when it is: events wait too long for their
-- place, a leaf is too long under no checkpoint, or the signer has not lately found this database whole.
create function public.audit_staleness() returns text
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    now_is timestamptz := clock_timestamp();
    state public.audit_log_state%rowtype;
    signed bigint;
begin
    if public.audit_limit_of('STALE_TRAIL_STOPS') = 0 then
        return null;
    end if;
    select * into strict state from public.audit_log_state;
    if exists (select from public.audit_queue where at < now_is - make_interval(secs => public.audit_limit_of('UNSEQUENCED_SECONDS'))) then
        return 'UNSEQUENCED';
    end if;
    select coalesce(max(size), 0) into signed from public.audit_checkpoint where size <= state.size;
    if exists (select from public.audit_leaf l join public.audit_event e on e.id = l.event_id
                where l.index = signed and e.at < now_is - make_interval(secs => public.audit_limit_of('UNSIGNED_SECONDS'))) then
        return 'UNSIGNED';
    end if;
    -- The signer says so each second; a database that was set back to a few seconds ago must not pass for confirmed.
    if (state.confirmed_at between now_is - make_interval(secs => public.audit_limit_of('UNCONFIRMED_SECONDS'))
                               and now_is) is not true then
        return 'UNCONFIRMED';
    end if;
    return null;
end $$;
