-- Use up the confirmation of this act, in the transaction that does it: one confirmation, one vote or one change.
create function public.access_use_confirmation(p_user uuid, p_session bytea, p_kind text, p_target uuid, p_detail text)
    returns uuid language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    proof uuid;
begin
    perform public.access_read_committed();
    proof := public.access_confirmation(p_user, p_session, p_kind, p_target, p_detail);
    if proof is not null then
        -- Whoever uses the same one at the same moment waits here, and finds it used.
        insert into public.access_confirmationuse (confirmation_id, used_at) values (proof, clock_timestamp())
            on conflict do nothing;
    end if;
    if proof is null or not found then
        raise exception 'this act needs a fresh confirmation of its own' using errcode = 'SE001';
    end if;
    return proof;
end $$;
