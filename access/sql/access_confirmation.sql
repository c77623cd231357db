-- The newest confirmation of this person, in this session, for this grant, that is still fresh; null when there is none.
create function public.access_confirmation(p_user uuid, p_session bytea, p_grant uuid) returns uuid
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select id from public.access_identityconfirmation
     where user_id = p_user and grant_id = p_grant and session_digest = p_session
       and confirmed_at > clock_timestamp() - make_interval(secs => public.audit_limit_of('CONFIRMATION_SECONDS'))
     order by confirmed_at desc limit 1
$$;
