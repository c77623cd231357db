-- Nothing about a person changes silently: each kind of change demands its own event, about this person.
create function public.access_demand_user_event() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    demanded text[] := '{}';
begin
    -- A moment that no clock has stops every page that reads it.
    if not isfinite(new.created_at) then
        raise exception 'when a person was entered is a moment' using errcode = 'SE001';
    end if;
    if tg_op = 'INSERT' then
        demanded := array['USER_CREATED'];
    else
        if new.password <> old.password then
            demanded := demanded || 'PASSWORD_CHANGED|PASSWORD_REHASHED'::text;
        end if;
        if new.is_active <> old.is_active then
            demanded := demanded || case when new.is_active then 'USER_ENABLED' else 'USER_DISABLED' end;
        end if;
        if (to_jsonb(new) - array['password', 'is_active']) <> (to_jsonb(old) - array['password', 'is_active']) then
            demanded := demanded || 'USER_CHANGED'::text;
        end if;
    end if;
    if exists (
        select from unnest(demanded) as wanted (kinds)
         where not exists (
            select from public.audit_event e
             where e.target_id = new.id::text and e.target_type = 'access.user' and e.xid = pg_current_xact_id()
               and e.kind = any (string_to_array(wanted.kinds, '|')))
    ) then
        raise exception 'a change of a person needs its event in the same transaction'
            using errcode = 'integrity_constraint_violation';
    end if;
    return null;
end $$;

create constraint trigger access_user_needs_event after insert or update on public.access_user
    deferrable initially deferred for each row execute function public.access_demand_user_event();
alter table public.access_user enable always trigger access_user_needs_event;
