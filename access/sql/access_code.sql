-- Make a code of which one person knows the whole; for who holds a dangerous duty it takes a proposal and a second
-- person, or the owner on the server. Returns until when it may be used.
create function public.access_code(p_user uuid, p_by uuid, p_salt bytea, p_digest bytea) returns timestamptz
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    refusal text;
begin
    perform public.access_read_committed();
    perform from public.access_user where id = p_user for update;
    refusal := public.access_code_refusal(p_user, p_by);
    if refusal is null and p_by is not null and public.access_needs_two(p_user) then
        refusal := 'TAKES_TWO';
    end if;
    if refusal is not null then
        raise exception 'this code may not be made: %', refusal using errcode = 'SE001';
    end if;
    return public.access_make_code(p_user, p_by, null, p_salt, p_digest, null, null);
end $$;
