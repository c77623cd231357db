-- Nothing about a person changes silently: each kind of change demands its own event, about this person. A password is
-- chosen with a used code (access_enrol) or changed by its holder; nobody enters an account that has one.
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
        if not starts_with(new.password, '!') then
            raise exception 'nobody enters the password of somebody else' using errcode = 'integrity_constraint_violation';
        end if;
    else
        if new.password <> old.password and not exists (
            select from public.access_enrolment
             where user_id = new.id and used_xid = pg_current_xact_id()
        ) and not exists (
            select from public.audit_event e
             where e.target_id = new.id::text and e.target_type = 'access.user' and e.xid = pg_current_xact_id()
               and e.kind in ('PASSWORD_CHANGED', 'PASSWORD_REHASHED') and e.actor = new.id::text
        ) then
            raise exception 'a password is changed by its holder or chosen with a code'
                using errcode = 'integrity_constraint_violation';
        end if;
        if new.is_active <> old.is_active then
            demanded := demanded || case when new.is_active then 'USER_ENABLED' else 'USER_DISABLED' end;
        end if;
        if (to_jsonb(new) - array['password', 'is_active']) <> (to_jsonb(old) - array['password', 'is_active']) then
            demanded := demanded || 'USER_CHANGED'::text;
        end if;
    end if;
    if exists (
        select from unnest(demanded) as wanted (kind)
         where not exists (
            select from public.audit_event e
             where e.target_id = new.id::text and e.target_type = 'access.user' and e.xid = pg_current_xact_id()
               and e.kind = wanted.kind)
    ) then
        raise exception 'a change of a person needs its event in the same transaction'
            using errcode = 'integrity_constraint_violation';
    end if;
    return null;
end $$;

create constraint trigger access_user_needs_event after insert or update on public.access_user
    deferrable initially deferred for each row execute function public.access_demand_user_event();
alter table public.access_user enable always trigger access_user_needs_event;
