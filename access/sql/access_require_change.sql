-- No version of history without a change: what is kept is what the row says at the end of this transaction, which has an
-- event about it. Only the newest of several versions in one transaction can be compared.
create function public.access_require_change() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    is_newer boolean;
    is_right boolean;
begin
    execute format(
        'select exists (select from public.%I h where h.id = $1 and h.history_xid = $2 and h.history_id > $3)', tg_table_name)
        into is_newer using new.id, new.history_xid, new.history_id;
    if is_newer then
        return null;
    end if;
    execute format('select exists (select from public.%I t where t.id = $1 and $2 @> (to_jsonb(t) - ''password''))', tg_argv[0])
        into is_right using new.id, to_jsonb(new);
    if not is_right or not exists (
        select from public.audit_event e where e.target_id = new.id::text and e.xid = pg_current_xact_id()
    ) then
        raise exception 'a version of history in % needs its change and its event in the same transaction', tg_table_name
            using errcode = 'integrity_constraint_violation';
    end if;
    return null;
end $$;
