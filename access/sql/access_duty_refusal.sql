-- Why this person may not be given this duty there by `p_by` (null: the owner, on the server), or null when they may.
-- The one place of these rules: pages, actions and the functions that write ask here.
create function public.access_duty_refusal(p_user uuid, p_duty text, p_unit uuid, p_by uuid) returns text
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    u public.access_user%rowtype;
begin
    select * into u from public.access_user where id = p_user;
    if not found then
        return 'NOT_YOURS';
    elsif p_by is null and not public.access_is_owner() then
        return 'NOT_YOURS';
    elsif p_by is not null and p_by = p_user then
        return 'ONESELF';
    elsif p_by is not null and not (public.access_holds(p_by, 'assign_duties', p_unit)
                                    and public.access_holds(p_by, 'assign_duties', u.organisation_id)) then
        return 'NOT_YOURS';
    elsif not u.is_active then
        return 'DISABLED';  -- their other duties sleep and would be overlooked
    elsif exists (select from public.access_organisationuserobjectpermission held
                    join public.auth_permission duty on duty.id = held.permission_id and duty.codename = p_duty
                   where held.user_id = p_user and held.content_object_id = p_unit) then
        return 'HELD';
    elsif not public.access_duty_fits(p_user, p_duty, p_unit) then
        return 'DOES_NOT_FIT';
    elsif exists (select from public.access_organisationuserobjectpermission held
                    join public.auth_permission duty on duty.id = held.permission_id and duty.codename <> p_duty
                   where held.user_id = p_user
                     and (public.access_is_oversight(p_duty) or public.access_is_oversight(duty.codename))) then
        return 'EXCLUSIVE';
    elsif p_by is not null and public.access_is_dangerous(p_duty) and not public.access_enrolled_by_two(p_user) then
        return 'ENROLLED_BY_ONE';
    end if;
    return null;
end $$;
