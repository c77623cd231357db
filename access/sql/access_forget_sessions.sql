-- Forget the sessions that have ended or that time has ended, and the marks of ends that no row needs any more: a week later
-- nothing that was signed for a session is taken. The application may not delete, since that would be a right to lock the
-- table; a row that somebody holds is left for the next time.
create function public.access_forget_sessions(p_idle_seconds integer, p_seconds integer) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from public.access_session where id in (
        select s.id from public.access_session s
         where s.last_seen_at not between clock_timestamp() - make_interval(secs => p_idle_seconds)
                                      and clock_timestamp() + interval '5 seconds'
            or s.created_at not between clock_timestamp() - make_interval(secs => p_seconds)
                                    and clock_timestamp() + interval '5 seconds'
            or exists (select from public.access_sessionend e where e.digest = s.digest)
           for update of s skip locked);
    delete from public.access_sessionend e
     where e.at < clock_timestamp() - interval '7 days'
       and not exists (select from public.access_session s where s.digest = e.digest);
end $$;
