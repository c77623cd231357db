-- A snapshot older than a revocation must not decide anything: functions that guard insist on READ COMMITTED.
create function public.access_read_committed() returns void
    language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'this needs READ COMMITTED' using errcode = 'SE001';
    end if;
end $$;
