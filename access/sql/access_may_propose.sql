-- Whether this person holds the duty that proposes and decides this, at its unit (everywhere, where it has none).
create function public.access_may_propose(p public.access_proposal, p_by uuid) returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from public.access_proposalkind k
          join public.access_organisation o on o.id = p.unit_id or p.unit_id is null and o.parent_id is null
         where k.kind = p.kind and public.access_holds(p_by, k.duty, o.id))
$$;
