-- After an older database was put back: openings that the lost part of the trail tells of are used up. For the owner only.
create function sealed.after_restore(p_events uuid[]) returns integer
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    marked integer;
begin
    insert into sealed.shown (event_id, at, nonce)
    select distinct e, clock_timestamp(), uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
      from unnest(p_events) as e
        on conflict do nothing;
    get diagnostics marked = row_count;
    return marked;
end $$;
