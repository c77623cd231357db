-- The newest confirmation of this person, in this session, for this act, that is fresh and not used up; null when there is
-- none. Votes, proposals put in force and changes use one up; openings of a grant do not.
create function public.access_confirmation(p_user uuid, p_session bytea, p_kind text, p_target uuid, p_detail text)
    returns uuid language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select c.id from public.access_identityconfirmation c
     where c.user_id = p_user and c.kind = p_kind and c.target_id = p_target and c.which = p_detail
       and c.session_digest = p_session
       and c.confirmed_at > clock_timestamp() - make_interval(secs => public.audit_limit_of('CONFIRMATION_SECONDS'))
       and not exists (select from public.access_confirmationuse u where u.confirmation_id = c.id)
     order by c.confirmed_at desc limit 1
$$;
