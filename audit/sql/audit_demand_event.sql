-- A deferred trigger: nothing changes silently. Arguments: the column that the event's target names, then the kinds of
-- which one has to be in the trail, written by this very transaction about this very row.
create function public.audit_demand_event() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    changed jsonb := case when tg_op = 'DELETE' then to_jsonb(old) else to_jsonb(new) end;
begin
    if not exists (
        select from public.audit_event e
         where e.target_id = changed ->> tg_argv[0] and e.xid = pg_current_xact_id()
           and e.kind = any (tg_argv[1:tg_nargs - 1])
    ) then
        raise exception 'a change of % needs its event in the same transaction', tg_table_name
            using errcode = 'integrity_constraint_violation';
    end if;
    return null;
end $$;
