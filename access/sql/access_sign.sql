-- Keep a recipient's promise of confidentiality (Article 136, second sentence). The name has to be their own.
create function public.access_sign(p_grant uuid, p_user uuid, p_name text, p_text_version integer) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    g public.access_grant%rowtype;
    unit text;
begin
    perform public.access_read_committed();
    select * into g from public.access_grant where id = p_grant for no key update;
    if not found or not public.access_is_live(g) or not public.access_is_recipient(g, p_user) then
        return false;
    end if;
    select o.code into unit from public.access_user u join public.access_organisation o on o.id = u.organisation_id
     where u.id = p_user and u.full_name = p_name;
    if not found then
        raise exception 'the undertaking is signed with another name' using errcode = 'SE001';
    end if;
    if exists (select from public.access_undertaking where grant_id = p_grant and user_id = p_user) then
        return true;
    end if;
    insert into public.access_undertaking (id, grant_id, user_id, text_version, signed_name, signed_at)
    values (gen_random_uuid(), p_grant, p_user, p_text_version, p_name, clock_timestamp());
    perform public.audit_append(
        'UNDERTAKING_SIGNED', p_user::text, unit, 'access.grant', p_grant::text,
        '{"text_version":' || p_text_version || '}');
    return true;
end $$;
