-- Make a code of both halves: `p_secret` {salt, digest} is the second, and the code lets its holder in from then on.
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
