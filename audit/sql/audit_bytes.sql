-- The canonical bytes of an event (JCS, RFC 8785): the one place that knows their form. Its callers hand in words that
-- need no escaping (ids, codes), and `detail` and `texts` as canonical text; nobody else may call it.
--
-- In SQL and without settings of its own, so that it becomes part of the statement that calls it; every caller has a
-- fixed search_path.
create function public.audit_bytes(
    p_id uuid, p_at timestamptz, p_kind text, p_actor text, p_unit text, p_target_type text, p_target_id text,
    p_detail text, p_texts text
) returns bytea language sql stable parallel safe as $$
    select pg_catalog.convert_to(
        '{"actor":{"id":' || coalesce('"' || p_actor || '"', 'null')
        || ',"unit":' || coalesce('"' || p_unit || '"', 'null')
        || '},"at":"' || pg_catalog.to_char(p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        || '","detail":' || p_detail || ',"id":"' || p_id
        || '","kind":"' || p_kind
        || '","target":{"id":' || coalesce('"' || p_target_id || '"', 'null')
        || ',"type":' || coalesce('"' || p_target_type || '"', 'null')
        || '},"texts":' || p_texts || ',"v":1}', 'UTF8')
$$;
