-- Keep the present state of a request as a version of its history. For functions of the owner only.
create function public.access_keep_version(p_request uuid, p_by uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    columns text;
begin
    -- The history has every column of the row under the same name.
    select string_agg(quote_ident(attname), ', ' order by attnum) into columns
      from pg_attribute where attrelid = 'public.access_accessrequest'::regclass and attnum > 0 and not attisdropped;
    execute format(
        'insert into public.access_historicalaccessrequest'
        ' (%1$s, history_date, history_type, history_user_id, history_change_reason)'
        ' select %1$s, clock_timestamp(), ''~'', $2, null from public.access_accessrequest where id = $1', columns)
        using p_request, p_by;
end $$;
