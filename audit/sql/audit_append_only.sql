-- Refuse every change of a row that is written once (Rule 8). Only sealing, as `seal_mover`, takes rows out, and only of
-- tables whose trigger says that they are movable.
create function public.audit_append_only() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'DELETE' and tg_nargs = 1 and current_user = 'seal_mover' then
        return old;
    end if;
    raise exception 'This is append-only: % on % is refused.', tg_op, tg_table_name using errcode = 'insufficient_privilege';
end $$;
