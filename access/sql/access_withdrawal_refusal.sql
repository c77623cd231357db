-- Why `p_by` may not take this duty away, or null when they may: one person is enough, but not the last overseer's.
create function public.access_withdrawal_refusal(p_user uuid, p_duty text, p_unit uuid, p_by uuid) returns text
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    if p_by is null and not public.access_is_owner() then
        return 'NOT_YOURS';
    elsif p_by is not null and p_by = p_user then
        return 'ONESELF';
    elsif p_by is not null and not public.access_holds(p_by, 'assign_duties', p_unit) then
        return 'NOT_YOURS';
    elsif not exists (select from public.access_organisationuserobjectpermission held
                        join public.auth_permission duty on duty.id = held.permission_id and duty.codename = p_duty
                       where held.user_id = p_user and held.content_object_id = p_unit) then
        return 'NOT_HELD';
    elsif exists (select from public.access_last_held(p_user) l where l.duty = p_duty and l.unit = p_unit) then
        return 'LAST';
    end if;
    return null;
end $$;
