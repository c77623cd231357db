-- When a version was written is the database's to say; the owner's functions take the same clock.
create function public.access_date_version() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if current_user <> 'seal_owner' then
        new.history_date := clock_timestamp();
    end if;
    return new;
end $$;
