-- The holder of a code chooses a password with it: once, in time, with the newest code. What is handed in are slow digests
-- of its halves; the table holds digests of those. Old second factors go with the old password. False, and an event, when
-- the code is not right.
create function public.access_enrol(p_enrolment uuid, p_first bytea, p_second bytea, p_password text) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    e public.access_enrolment%rowtype;
    factors integer;
begin
    perform public.access_read_committed();
    if p_password is null or starts_with(p_password, '!') or length(p_password) not between 20 and 128 then
        raise exception 'a password is kept as a digest' using errcode = 'SE001';
    end if;
    -- The person first, as whoever makes a new code does.
    perform from public.access_user u join public.access_enrolment n on n.user_id = u.id
      where n.id = p_enrolment for update of u;
    select * into e from public.access_enrolment where id = p_enrolment;
    if not found or (e.digest = sha256(p_first)) is not true
        or (e.second_digest is null and p_second is null or e.second_digest = sha256(p_second)) is not true
        or e.used_at is not null or e.until <= clock_timestamp()
        or exists (select from public.access_enrolment newer where newer.user_id = e.user_id and newer.made_at > e.made_at)
        or not exists (select from public.access_user where id = e.user_id and is_active) then
        perform public.audit_append(
            'ENROLMENT_FAILED', null, null, case when e.user_id is not null then 'access.user' end, e.user_id::text, '{}');
        return false;
    end if;
    update public.access_enrolment set used_at = clock_timestamp(), used_xid = pg_current_xact_id() where id = e.id;
    update public.access_user set password = p_password where id = e.user_id;
    perform public.access_keep_user(e.user_id, e.user_id);
    delete from public.mfa_authenticator where user_id = e.user_id;
    get diagnostics factors = row_count;
    perform public.audit_append(
        'ENROLLED', e.user_id::text, public.access_unit_code(e.user_id), 'access.user', e.user_id::text,
        '{"enrolment":"' || e.id || '","factors":' || factors || '}');
    return true;
end $$;
