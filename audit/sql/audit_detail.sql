-- Details as canonical JSON (keys in order, no spaces), or an error: numbers, truth values, codes, and lists of those.
-- What may stand in the log for ever are opaque ids and codes, never words and never an identity number.
--
-- Lengths are compared and not matched: a pattern with a bounded repetition is built anew for each value.
create function public.audit_detail(p_detail jsonb) returns text
    language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
    canonical text := '';
    name text;
    value jsonb;
    item jsonb;
    items text;
    word text;
begin
    if (jsonb_typeof(p_detail) = 'object') is not true then
        raise exception 'the details of an event are an object' using errcode = 'data_exception';
    end if;
    for name, value in select e.key, e.value from jsonb_each(p_detail) as e order by e.key collate "C" loop
        if length(name) > 40 or name !~ '^[a-z][a-z0-9_]*$' then
            raise exception 'the name of a detail is a code' using errcode = 'data_exception';
        end if;
        items := null;
        for place in 0 .. case jsonb_typeof(value) when 'array' then jsonb_array_length(value) else 1 end - 1 loop
            item := case jsonb_typeof(value) when 'array' then value -> place else value end;
            word := item #>> '{}';
            if (case jsonb_typeof(item)
                when 'string' then length(word) > 200 or word ~ '[^\x21-\x7e]'
                    or length(word) = 18 and word ~ '^\d{6}(18|19|20)\d{2}(0[1-9]|1[0-2])([0-2]\d|3[01])\d{3}[\dXx]$'
                when 'number' then length(word) > 16 or word !~ '^-?\d+$' or abs(word::numeric) >= 1e15
                else jsonb_typeof(item) not in ('boolean', 'null') end)
            then
                raise exception 'a detail of an event is neither a number nor a code' using errcode = 'data_exception';
            end if;
            items := coalesce(items || ',', '') || item::text;
        end loop;
        canonical := canonical || ',"' || name || '":'
            || case jsonb_typeof(value) when 'array' then '[' || coalesce(items, '') || ']' else items end;
    end loop;
    return '{' || substr(canonical, 2) || '}';
end $$;
