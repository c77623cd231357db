-- Keep that a person proved again, in this session, who they are - or that somebody failed to. A confirmation is for one
-- act: GRANT (openings of this grant), VOTE (this request at this version, with this outcome and scope), PROPOSAL (putting
-- it in force) or CHANGE (one change of one's own factors). Whoever has a security key proves it with the key, else with
-- the authenticator app; a recovery code stands in for the app, and for a lost key only where factors are changed. The
-- password alone proves something only where nothing else is.
create function public.access_confirm(
    p_user uuid, p_session bytea, p_kind text, p_target uuid, p_detail text, p_factor text, p_proved boolean
) returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    unit text;
    is_act boolean;
    strongest text;
begin
    select o.code into unit from public.access_user u join public.access_organisation o on o.id = u.organisation_id
     where u.id = p_user and u.is_active;
    is_act := case p_kind
        when 'GRANT' then p_detail = '' and exists (select from public.access_grant where id = p_target)
        when 'VOTE' then exists (select from public.access_accessrequest
                                  where id = p_target and status = 'SUBMITTED' and p_detail ~ ('^' || version
                                  || ':(REFUSE|RETURN|APPROVE:(PRESENCE|ABSTRACT|FULL)(:\d{4}-\d\d-\d\d)?:\d{1,6}:\d{1,6})$'))
        when 'PROPOSAL' then p_detail = ''
            and exists (select from public.access_proposal where id = p_target and state = 'PROPOSED')
        when 'CHANGE' then p_target = p_user
            and p_detail ~ '^(password|app-add|app-remove|codes|key-add|key-remove-[1-9][0-9]{0,17})$'
        end;
    if unit is null or octet_length(p_session) is distinct from 32 or p_proved is null or is_act is not true
        or (p_factor in ('webauthn', 'totp', 'recovery_codes', 'password')) is not true then
        raise exception 'a confirmation is of an active person, in a session, for one act' using errcode = 'SE001';
    end if;
    if p_proved then
        strongest := case
            when exists (select from public.mfa_authenticator where user_id = p_user and type = 'webauthn') then 'webauthn'
            when exists (select from public.mfa_authenticator where user_id = p_user and type = 'totp') then 'totp'
            else 'password' end;
        if p_factor <> strongest
            and not (p_factor = 'recovery_codes' and (strongest = 'totp' or strongest = 'webauthn' and p_kind = 'CHANGE')) then
            raise exception 'this person proves it with something stronger' using errcode = 'SE001';
        end if;
        insert into public.access_identityconfirmation
            (id, user_id, session_digest, kind, target_id, which, factor, confirmed_at)
        values (gen_random_uuid(), p_user, p_session, p_kind, p_target, p_detail, p_factor, clock_timestamp());
    end if;
    perform public.audit_append(
        case when p_proved then 'IDENTITY_CONFIRMED' else 'IDENTITY_NOT_CONFIRMED' end,
        p_user::text, unit, 'access.user', p_user::text,
        case p_kind
            when 'GRANT' then '{"act":"GRANT","grant":"' || p_target || '","proof":"' || p_factor || '"}'
            when 'VOTE' then '{"act":"VOTE","outcome":"' || split_part(p_detail, ':', 2) || '","proof":"' || p_factor
                        || '","request":"' || p_target || '","version":' || split_part(p_detail, ':', 1)
                        || ',"vote":"' || p_detail || '"}'
            when 'PROPOSAL' then '{"act":"PROPOSAL","proof":"' || p_factor || '","proposal":"' || p_target || '"}'
            else '{"act":"CHANGE","change":"' || p_detail || '","proof":"' || p_factor || '"}' end);
end $$;
