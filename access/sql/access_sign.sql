-- Keep a recipient's promise of confidentiality (Article 136, second sentence). The name has to be their own, and the text
-- the one in force for their kind of unit; the event carries the digest of what it says.
create function public.access_sign(p_grant uuid, p_user uuid, p_name text, p_text uuid) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    g public.access_grant%rowtype;
    t public.access_undertakingtext%rowtype;
    who record;
begin
    perform public.access_read_committed();
    select * into g from public.access_grant where id = p_grant for no key update;
    if not found or not public.access_is_live(g) or not public.access_is_recipient(g, p_user) then
        return false;
    end if;
    select o.code as unit, public.access_audience(o.kind) as audience
      into who
      from public.access_user u join public.access_organisation o on o.id = u.organisation_id
     where u.id = p_user and u.full_name = p_name;
    if not found then
        raise exception 'the undertaking is signed with another name' using errcode = 'SE001';
    end if;
    if exists (select from public.access_undertaking where grant_id = p_grant and user_id = p_user) then
        return true;
    end if;
    select * into t from public.access_undertakingtext x
     where x.code = who.audience and x.valid_from <= public.access_today()
       and (x.valid_until is null or x.valid_until >= public.access_today())
     order by x.version desc limit 1;
    if t.id is distinct from p_text or p_text is null then
        raise exception 'this text of the undertaking is not the one in force' using errcode = 'SE001';
    end if;
    insert into public.access_undertaking (id, grant_id, user_id, text_id, signed_name, signed_at)
    values (gen_random_uuid(), p_grant, p_user, t.id, p_name, clock_timestamp());
    perform public.audit_append(
        'UNDERTAKING_SIGNED', p_user::text, who.unit, 'access.grant', p_grant::text,
        '{"digest":"' || public.access_undertaking_digest(t) || '","text":"' || t.code || '","text_version":'
        || t.version || '}');
    return true;
end $$;
