-- Libraries save second factors in transactions of their own, where no event could be demanded: so the database writes
-- it. Whoever adds, replaces, uses up or removes a factor leaves an event about its holder; when it was last used is free.
create function public.access_factor_event() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    factor public.mfa_authenticator%rowtype;
    happened text;
begin
    if tg_op = 'INSERT' then
        factor := new;
        happened := 'FACTOR_ADDED';
    elsif tg_op = 'DELETE' then
        factor := old;
        happened := 'FACTOR_REMOVED';
    else
        if new.user_id <> old.user_id or new.type <> old.type then
            raise exception 'a second factor stays its holder''s' using errcode = 'SE001';
        end if;
        if (to_jsonb(new) - 'last_used_at') = (to_jsonb(old) - 'last_used_at') then
            return null;
        end if;
        factor := new;
        happened := case new.type when 'recovery_codes' then 'RECOVERY_CODE_USED' else 'FACTOR_CHANGED' end;
    end if;
    perform public.audit_append(
        happened, null, null, 'access.user', factor.user_id::text,
        '{"factor":' || factor.id || ',"type":"' || case factor.type
            when 'totp' then 'totp' when 'webauthn' then 'webauthn' when 'recovery_codes' then 'recovery_codes' else 'other'
        end || '"}');
    return null;
end $$;

create trigger access_factor_event after insert or update or delete on public.mfa_authenticator
    for each row execute function public.access_factor_event();
alter table public.mfa_authenticator enable always trigger access_factor_event;
