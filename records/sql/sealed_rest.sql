-- The digest over a record's history and handlers as they stand in their tables.
create function sealed.rest(p_record uuid) returns bytea
    language sql stable set search_path = pg_catalog, pg_temp as $$
    select sha256(
        coalesce((select string_agg(int4send(h.position) || sha256(h.body), ''::bytea order by h.position)
                    from sealed.history h where h.record_id = p_record), ''::bytea)
        || '\xff'::bytea
        || coalesce((select string_agg(uuid_send(t.user_id), ''::bytea order by t.user_id)
                       from sealed.handler t where t.record_id = p_record), ''::bytea))
$$;
