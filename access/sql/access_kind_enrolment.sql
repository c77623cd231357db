-- The kind ENROLMENT: one administrator has made the first half of a code, whose `payload` {salt, digest} it keeps;
-- another makes the second half (`p_secret`), and the code lets its holder in from then on.
create function public.access_enrolment_change_ground(p public.access_proposal) returns text
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    -- A code that somebody made meanwhile would be undone by this one.
    select encode(sha256(convert_to(concat_ws('/', public.access_ground(p.person_id), (
        select id from public.access_enrolment where user_id = p.person_id order by made_at desc limit 1)), 'UTF8')), 'hex')
$$;

create function public.access_enrolment_change_refusal(p public.access_proposal, p_by uuid) returns text
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    if p.payload is distinct from jsonb_build_object('salt', p.payload -> 'salt', 'digest', p.payload -> 'digest')
        or (p.payload ->> 'salt' ~ '^[0-9a-f]{32}$' and p.payload ->> 'digest' ~ '^[0-9a-f]{64}$') is not true
        or p.subject <> p.person_id::text or p_by is null
        or p.unit_id is distinct from (select organisation_id from public.access_user where id = p.person_id) then
        return 'MALFORMED';
    end if;
    return public.access_code_refusal(p.person_id, p_by);
end $$;

create function public.access_enrolment_change_enact(p public.access_proposal, p_by uuid, p_secret jsonb) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if (p_secret ->> 'salt' ~ '^[0-9a-f]{32}$' and p_secret ->> 'digest' ~ '^[0-9a-f]{64}$') is not true then
        raise exception 'the second half of a code has a salt and a digest' using errcode = 'SE001';
    end if;
    perform public.access_make_code(
        p.person_id, p.proposed_by_id, p_by,
        decode(p.payload ->> 'salt', 'hex'), decode(p.payload ->> 'digest', 'hex'),
        decode(p_secret ->> 'salt', 'hex'), decode(p_secret ->> 'digest', 'hex'));
end $$;
