-- Take a duty away, with its event.
create function public.access_withdraw_duty(p_user uuid, p_duty text, p_unit uuid, p_by uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    refusal text;
    at text;
begin
    perform public.access_read_committed();
    perform from public.access_user where id = p_user for update;
    if public.access_is_oversight(p_duty) then
        perform public.access_oversight_lock();
    end if;
    refusal := public.access_withdrawal_refusal(p_user, p_duty, p_unit, p_by);
    if refusal is not null then
        raise exception 'this duty may not be withdrawn: %', refusal using errcode = 'SE001';
    end if;
    select code into strict at from public.access_organisation where id = p_unit;
    delete from public.access_organisationuserobjectpermission held using public.auth_permission duty
     where duty.id = held.permission_id and duty.codename = p_duty and held.user_id = p_user
       and held.content_object_id = p_unit;
    perform public.audit_append(
        'DUTY_WITHDRAWN', p_by::text, public.access_unit_code(p_by), 'access.user', p_user::text,
        '{"at":"' || at || '","duty":"' || p_duty || '"}');
end $$;
