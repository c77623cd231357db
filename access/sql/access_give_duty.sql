-- Give an ordinary duty. A dangerous one takes a proposal and a second person (access_enact), or the owner on the server.
create function public.access_give_duty(p_user uuid, p_duty text, p_unit uuid, p_by uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    refusal text;
begin
    perform public.access_read_committed();
    perform from public.access_user where id = p_user for update;
    refusal := public.access_duty_refusal(p_user, p_duty, p_unit, p_by);
    if refusal is null and p_by is not null and public.access_is_dangerous(p_duty) then
        refusal := 'TAKES_TWO';
    end if;
    if refusal is not null then
        raise exception 'this duty may not be given: %', refusal using errcode = 'SE001';
    end if;
    perform public.access_put_duty(p_user, p_duty, p_unit, p_by, null, null);
end $$;
