-- Why `p_by` may not make a code for this person by themselves (or propose one, where it takes two), or null.
create function public.access_code_refusal(p_user uuid, p_by uuid) returns text
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    u public.access_user%rowtype;
begin
    select * into u from public.access_user where id = p_user;
    if not found or p_by is null and not public.access_is_owner() then
        return 'NOT_YOURS';
    elsif p_by is not null and p_by = p_user then
        return 'ONESELF';
    elsif p_by is not null and not public.access_holds(p_by, 'administer_people', u.organisation_id) then
        return 'NOT_YOURS';
    elsif not u.is_active then
        return 'DISABLED';
    end if;
    return null;
end $$;
