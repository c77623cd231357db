-- Keep that a person proved again, in this session and for this one grant, who they are - or that somebody failed to.
create function public.access_confirm(p_user uuid, p_session bytea, p_grant uuid, p_proved boolean) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    unit text;
begin
    select o.code into unit from public.access_user u join public.access_organisation o on o.id = u.organisation_id
     where u.id = p_user and u.is_active;
    if not found or octet_length(p_session) is distinct from 32
        or not exists (select from public.access_grant where id = p_grant) then
        raise exception 'a confirmation is of an active person, in a session, for a grant' using errcode = 'SE001';
    end if;
    if p_proved then
        insert into public.access_identityconfirmation (id, user_id, session_digest, grant_id, confirmed_at)
        values (gen_random_uuid(), p_user, p_session, p_grant, clock_timestamp());
    end if;
    perform public.audit_append(
        case when p_proved then 'IDENTITY_CONFIRMED' else 'IDENTITY_NOT_CONFIRMED' end,
        p_user::text, unit, 'access.user', p_user::text, '{"grant":"' || p_grant || '"}');
end $$;
