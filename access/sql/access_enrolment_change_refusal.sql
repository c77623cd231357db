-- Why the second half of a code may not be made; `payload` {salt, digest} keeps the first half.
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
