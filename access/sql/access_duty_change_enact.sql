-- Give the duty that a proposal is about, by both.
create function public.access_duty_change_enact(p public.access_proposal, p_by uuid, p_secret jsonb) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    select public.access_put_duty(p.person_id, p.payload ->> 'duty', p.unit_id, p.proposed_by_id, p_by, p.id)
$$;
