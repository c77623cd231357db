-- For verification: what the key service needs to check its MACs of these records, and nothing that says what they are
-- (`content` is a digest over a random ciphertext too). `rest_holds`: history, handlers and stub are what was
-- sealed, and the key is there: nothing here erases a record lawfully yet, so a key that is gone was taken.
create function sealed.audited(p_ids uuid[]) returns table (id uuid, content bytea, mac bytea, rest_holds boolean)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select r.id, sealed.content(r), r.mac,
           sealed.rest(r.id) = r.rest_digest
           and exists (select from public.records_stub t where t.id = r.id and t.digest = r.mac)
           and exists (select from sealed.record_key k where k.record_id = r.id)
      from sealed.record r where r.id = any (p_ids)
$$;
