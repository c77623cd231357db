-- Write one event of a kind that needs no function of its own. Free text never enters: only its digest with a nonce.
create function public.audit_write(
    p_kind text, p_actor uuid, p_unit text, p_target_type text, p_target_id text, p_detail jsonb,
    p_names text[] default '{}', p_nonces bytea[] default '{}', p_digests bytea[] default '{}'
) returns uuid language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    event uuid := gen_random_uuid();
    texts text := '{}';
    guard name;
    is_theirs boolean;
begin
    if length(p_unit) not between 1 and 18 or p_unit ~ '[^0-9A-Z]'
        or length(p_target_type) not between 1 and 60 or p_target_type ~ '[^a-z_.]'
        or length(p_target_id) not between 1 and 100 or p_target_id ~ '[^0-9A-Za-z_.:/-]' then
        raise exception 'an event names its actor and target by codes' using errcode = 'data_exception';
    end if;
    if cardinality(p_names) > 0 then
        if cardinality(p_names) > 20 or cardinality(p_names) <> cardinality(p_nonces)
            or cardinality(p_names) <> cardinality(p_digests)
            or exists (select from unnest(p_names, p_nonces, p_digests) as t (name, nonce, digest)
                        where (name ~ '^[a-z_]{1,40}$') is not true or octet_length(nonce) is distinct from 32
                           or octet_length(digest) is distinct from 32) then
            raise exception 'each text has a name, a nonce and a digest' using errcode = 'data_exception';
        end if;
        select '{' || string_agg('"' || name || '":"' || encode(digest, 'hex') || '"', ',' order by name collate "C") || '}'
          into texts from unnest(p_names, p_digests) as t (name, digest);
    end if;
    select k.guard into guard from public.audit_kind k where k.kind = p_kind and not k.by_function;
    if not found then
        raise exception 'events of the kind % are not written by hand', p_kind using errcode = 'insufficient_privilege';
    end if;
    if guard is not null and p_actor is not null then
        execute format('select public.%I($1)', guard) into is_theirs using p_actor;
        if is_theirs is not true then
            raise exception 'this person has no part in events of the kind %', p_kind using errcode = 'insufficient_privilege';
        end if;
    end if;
    insert into public.audit_event (id, canonical)
    values (event, public.audit_bytes(event, clock_timestamp(), p_kind, p_actor::text, p_unit, p_target_type, p_target_id,
                                      public.audit_detail(p_detail), texts));
    if cardinality(p_names) > 0 then
        insert into public.audit_nonce (event_id, name, nonce)
        select event, name, nonce from unnest(p_names, p_nonces) as t (name, nonce);
    end if;
    return event;
end $$;
