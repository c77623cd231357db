-- Details as canonical JSON (keys in order, no spaces), or an error: numbers, truth values, codes, and lists of those.
-- What may stand in the log for ever are opaque ids and codes, never words and never an identity number.
create function public.audit_detail(p_detail jsonb) returns text
    language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
    canonical text;
    is_right boolean;
begin
    if jsonb_typeof(p_detail) <> 'object' then
        raise exception 'the details of an event are an object' using errcode = 'data_exception';
    end if;
    select coalesce(string_agg('"' || key || '":' || case jsonb_typeof(value) when 'array' then
               '[' || coalesce((select string_agg(item::text, ',' order by place)
                                  from jsonb_array_elements(value) with ordinality as list (item, place)), '') || ']'
               else value::text end, ',' order by key collate "C"), ''),
           coalesce(bool_and(key ~ '^[a-z][a-z0-9_]{0,39}$' and (select coalesce(bool_and(case jsonb_typeof(part)
               when 'string' then part #>> '{}' ~ '^[\x21-\x7e]{0,200}$'
                   and part #>> '{}' !~ '^\d{6}(18|19|20)\d{2}(0[1-9]|1[0-2])([0-2]\d|3[01])\d{3}[\dXx]$'
               when 'number' then part::text ~ '^-?\d{1,15}$'
               else jsonb_typeof(part) in ('boolean', 'null') end), true)
               from jsonb_array_elements(case jsonb_typeof(value) when 'array' then value
                                         else jsonb_build_array(value) end) as parts (part))), true)
      into canonical, is_right
      from jsonb_each(p_detail) as pairs (key, value);
    if not is_right then
        raise exception 'a detail of an event is neither a number nor a code' using errcode = 'data_exception';
    end if;
    return '{' || canonical || '}';
end $$;
