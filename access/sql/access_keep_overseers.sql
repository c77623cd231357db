-- The last active holder of an oversight duty at the top is neither disabled nor moved, whoever tries; only what a restored
-- database revived is undone all the same (access_after_restore). Who oversees nothing at the top waits for nobody.
create function public.access_keep_overseers() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if (old.is_active and not new.is_active or new.organisation_id <> old.organisation_id) and exists (
        select from public.access_organisationuserobjectpermission held
          join public.auth_permission what on what.id = held.permission_id and public.access_is_oversight(what.codename)
         where held.user_id = old.id
    ) then
        perform public.access_oversight_lock();
        if not (current_setting('seal.restoring', true) = 'on' and public.access_is_owner()) is true
            and exists (select from public.access_last_held(old.id)) then
            raise exception 'the last holder of an oversight duty stays' using errcode = 'SE001';
        end if;
    end if;
    return new;
end $$;

create trigger access_keep_overseers before update on public.access_user
    for each row execute function public.access_keep_overseers();
alter table public.access_user enable always trigger access_keep_overseers;
