-- The value of a limit; an unknown one is an error, so that a half upgrade opens nothing.
create function public.audit_limit_of(p_name text) returns integer
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    found_it integer;
begin
    select value into strict found_it from public.audit_limit where name = p_name;
    return found_it;
end $$;
