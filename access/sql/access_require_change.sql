-- No version of history without a change: what is kept is what the row says at the end of this transaction, and whoever it
-- names as its author is the actor of an event about the row in this transaction (nobody: the system). One version for each
-- row and transaction: of two, only the newest could be compared with the row.
create function public.access_require_change() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    is_only boolean;
    is_right boolean;
begin
    execute format('select count(*) = 1 from public.%I h where h.id = $1 and h.history_xid = $2', tg_table_name)
        into is_only using new.id, new.history_xid;
    if not is_only then
        raise exception 'a transaction keeps one version of a row in %', tg_table_name
            using errcode = 'integrity_constraint_violation';
    end if;
    execute format('select exists (select from public.%I t where t.id = $1 and $2 @> (to_jsonb(t) - ''password''))', tg_argv[0])
        into is_right using new.id, to_jsonb(new);
    if not is_right or not exists (
        select from public.audit_event e
         where e.target_id = new.id::text and e.xid = pg_current_xact_id()
           and e.actor is not distinct from new.history_user_id::text
    ) then
        raise exception 'a version of history in % needs its change and its event in the same transaction', tg_table_name
            using errcode = 'integrity_constraint_violation';
    end if;
    return null;
end $$;
