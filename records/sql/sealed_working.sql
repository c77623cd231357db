-- The records of these that may be sealed now, as they stand while they are worked on: confirmed, and served by today.
-- For the key service, which opens them with their working keys and hands them to `sealed.seal`.
create function sealed.working(p_ids uuid[]) returns table (
    id uuid, organ_id uuid, entered_by_id uuid, reviewed_by_id uuid, offence_id uuid, acted_on date, decided_on date,
    served_on date, warning boolean, fine_yuan integer, detention_days integer, licence_revoked boolean,
    exit_order boolean, deportation boolean, age_band text, particulars bytea, created_at timestamptz,
    submitted_at timestamptz, version integer, wrapped bytea, handlers uuid[], facts text[], versions bytea[]
) language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select v.id, v.organ_id, v.entered_by_id, v.reviewed_by_id, v.offence_id, v.acted_on, v.decided_on,
           v.served_on, v.warning, v.fine_yuan, v.detention_days, v.licence_revoked,
           v.exit_order, v.deportation, v.age_band, v.particulars, v.created_at,
           v.submitted_at, v.version, k.wrapped,
           array(select distinct p.user_id from public.records_violationuserobjectpermission p
                  where p.content_object_id = v.id order by 1),
           h.facts, h.versions
      from public.records_violation v
      join public.records_recordkey k on k.violation_id = v.id
      cross join lateral (
          select array_agg((to_jsonb(t) - 'particulars')::text order by t.history_id) as facts,
                 array_agg(t.particulars order by t.history_id) as versions
            from public.records_historicalviolation t where t.id = v.id) as h
     where v.id = any (p_ids) and v.status = 'CONFIRMED' and v.served_on <= public.access_today()
     order by v.id
$$;
