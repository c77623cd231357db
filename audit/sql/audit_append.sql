-- Write one event whose words are known to be codes. For functions of the owner only.
create function public.audit_append(
    p_kind text, p_actor text, p_unit text, p_target_type text, p_target_id text, p_detail text,
    p_texts text default '{}'
) returns uuid language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    event uuid := gen_random_uuid();
begin
    insert into public.audit_event (id, canonical)
    values (event, public.audit_bytes(
        event, clock_timestamp(), p_kind, p_actor, p_unit, p_target_type, p_target_id, p_detail, p_texts));
    return event;
end $$;
