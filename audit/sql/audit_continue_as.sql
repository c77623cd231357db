-- Give the log another name, after a restored database was reconciled with the old one. For the owner only.
create function public.audit_continue_as(p_origin text) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update public.audit_log_state set origin = p_origin, confirmed_at = null;
end $$;
