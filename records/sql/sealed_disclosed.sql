-- The second step of an opening, second half: what events cover that this very session has just marked, and whose mark is
-- committed (Rule 2). Nobody else reads them, and nobody later.
--
-- `content` and `mac` are for the key service, which hands out no column that the rung does not show (Rule 7).
create function sealed.disclosed(p_events uuid[]) returns table (
    event uuid, id uuid, rung text, offence_id uuid, organ_id uuid, acted_on date, decided_on date, served_on date,
    warning boolean, fine_yuan integer, detention_days integer, licence_revoked boolean, exit_order boolean, deportation boolean,
    particulars bytea, wrapped bytea, content bytea, mac bytea
) language plpgsql security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
    perform public.access_read_committed();
    if exists (
        select from unnest(p_events) as wanted (id)
         where not exists (
            select from sealed.shown s
             where s.event_id = wanted.id and s.pid = pg_backend_pid() and s.at > clock_timestamp() - interval '10 seconds'
               and pg_xact_status(s.xid) is not distinct from 'committed')
    ) then
        raise exception 'these events were not marked by this session' using errcode = 'SE001';
    end if;
    return query
    select s.event_id,
           case when s.rung <> 'PRESENCE' then r.id end, s.rung,
           case when s.rung <> 'PRESENCE' then r.offence_id end,
           case when s.rung <> 'PRESENCE' then r.organ_id end,
           case when s.rung <> 'PRESENCE' then r.acted_on end,
           case when s.rung <> 'PRESENCE' then r.decided_on end,
           -- The day from which a period is counted: without it nobody can check one.
           case when s.rung <> 'PRESENCE' then r.served_on end,
           case when s.rung <> 'PRESENCE' then r.warning end,
           case when s.rung <> 'PRESENCE' then r.fine_yuan end,
           case when s.rung <> 'PRESENCE' then r.detention_days end,
           case when s.rung <> 'PRESENCE' then r.licence_revoked end,
           case when s.rung <> 'PRESENCE' then r.exit_order end,
           case when s.rung <> 'PRESENCE' then r.deportation end,
           case when s.rung = 'FULL' then r.particulars end,
           case when s.rung = 'FULL' then k.wrapped end,
           -- A record whose key was taken is not "nothing": its MAC does not hold, and the answer says that it cannot be given.
           sealed.content(r), case when k.record_id is null then ''::bytea else r.mac end
      from sealed.shown s
      join sealed.record r on r.id = any (s.covered)
      left join sealed.record_key k on k.record_id = r.id
     where s.event_id = any (p_events) order by s.event_id, r.served_on desc, r.id;
end $$;
