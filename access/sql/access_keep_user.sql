-- Keep the present state of a person as a version of their history. For functions of the owner only.
create function public.access_keep_user(p_user uuid, p_by uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    columns text;
begin
    -- The history has every column of the row under the same name, but no password.
    select string_agg(quote_ident(attname), ', ' order by attnum) into columns
      from pg_attribute where attrelid = 'public.access_user'::regclass and attnum > 0 and not attisdropped
       and attname <> 'password';
    execute format(
        'insert into public.access_historicaluser'
        ' (%1$s, history_date, history_type, history_user_id, history_change_reason)'
        ' select %1$s, clock_timestamp(), ''~'', $2, null from public.access_user where id = $1', columns)
        using p_user, p_by;
end $$;
