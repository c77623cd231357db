-- Write a code and its event; the newest of a person counts. For functions of the owner only.
create function public.access_make_code(
    p_user uuid, p_made_by uuid, p_second_by uuid, p_salt bytea, p_digest bytea, p_second_salt bytea, p_second_digest bytea
) returns timestamptz language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    enrolment uuid := gen_random_uuid();
    actor uuid := coalesce(p_second_by, p_made_by);
    over timestamptz := clock_timestamp() + make_interval(days => public.audit_limit_of('ENROLMENT_DAYS'));
begin
    if octet_length(p_salt) is distinct from 16 or octet_length(p_digest) is distinct from 32
        or p_second_by is not null and (octet_length(p_second_salt) is distinct from 16
                                        or octet_length(p_second_digest) is distinct from 32) then
        raise exception 'a code has a salt and a digest' using errcode = 'SE001';
    end if;
    insert into public.access_enrolment
        (id, user_id, made_by_id, second_by_id, salt, digest, second_salt, second_digest, made_at, until)
    values (enrolment, p_user, p_made_by, p_second_by, p_salt, p_digest,
            case when p_second_by is not null then p_second_salt end,
            case when p_second_by is not null then p_second_digest end, clock_timestamp(), over);
    perform public.audit_append(
        'ENROLMENT_CODE_MADE', actor::text, public.access_unit_code(actor), 'access.user', p_user::text,
        '{"enrolment":"' || enrolment || '","proposed_by":'
        || coalesce('"' || case when p_second_by is not null then p_made_by end || '"', 'null') || '}');
    return over;
end $$;
