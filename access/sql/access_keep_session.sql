-- Whose a session is stays so: one that is somebody else's for a moment is not found when its holder's are ended.
create function public.access_keep_session() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if old.user_id is not null and new.user_id is distinct from old.user_id then
        raise exception 'a session stays its holder''s' using errcode = 'SE001';
    end if;
    return new;
end $$;

create trigger access_keep_session before update on public.access_session
    for each row execute function public.access_keep_session();
alter table public.access_session enable always trigger access_keep_session;
