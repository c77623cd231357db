-- Keep the present state of a row as a version of its history. For functions of the owner only.
create function public.access_keep_version(p_table name, p_history name, p_row uuid, p_by uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    columns text;
begin
    -- The history has every column of the row under the same name, but no password.
    select string_agg(quote_ident(attname), ', ' order by attnum) into columns
      from pg_attribute where attrelid = format('public.%I', p_table)::regclass and attnum > 0 and not attisdropped
       and attname <> 'password';
    execute format(
        'insert into public.%I (%s, history_date, history_type, history_user_id, history_change_reason)'
        ' select %2$s, clock_timestamp(), ''~'', $2, null from public.%3$I where id = $1', p_history, columns, p_table)
        using p_row, p_by;
end $$;
