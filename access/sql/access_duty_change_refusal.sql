-- Why a proposal of a duty may not go ahead: a dangerous duty for a person at a unit, as `payload` {duty} says.
create function public.access_duty_change_refusal(p public.access_proposal, p_by uuid) returns text
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    if p.payload is distinct from jsonb_build_object('duty', p.payload -> 'duty')
        or public.access_is_dangerous(p.payload ->> 'duty') is not true
        or p.subject <> concat_ws('/', p.person_id, p.unit_id, p.payload ->> 'duty') or p_by is null then
        return 'MALFORMED';
    end if;
    return public.access_duty_refusal(p.person_id, p.payload ->> 'duty', p.unit_id, p_by);
end $$;
