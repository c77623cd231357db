-- "No write without its history row in the same transaction" closes every path that simple-history does not see:
-- update(), bulk_*, raw SQL. The history row says its transaction by itself, and has to say what the row says (a
-- password stands in no history).
create function public.access_require_history() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    found_it boolean;
begin
    execute format(
        'select exists (select from public.%I h where h.id = $1 and h.history_xid = pg_current_xact_id()'
        ' and to_jsonb(h) @> $2)', tg_argv[0])
        into found_it using new.id, to_jsonb(new) - 'password';
    if not found_it then
        raise exception 'a change of % needs a history row in the same transaction', tg_table_name
            using errcode = 'integrity_constraint_violation';
    end if;
    return null;
end $$;
