-- Rule 4: whether this person may vote on this round. (`bars` in
-- access/models/requests.py says the same in words.)
create function public.access_may_decide(p_request uuid, p_by uuid) returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from public.access_accessrequest r
          join public.access_legalbasis b on b.id = r.basis_id
          join public.access_user u on u.id = p_by and u.is_active
         where r.id = p_request and r.requester_id <> p_by
           and public.access_holds(p_by, 'decide_requests', r.receiving_organ_id)
           -- A deputy of one's own is not somebody else: the duty says who gave it and who consented.
           and not exists (
               select from public.access_organisationuserobjectpermission h
                 join public.auth_permission a on a.id = h.permission_id
                where h.user_id = p_by and a.codename = 'decide_requests'
                  and r.requester_id in (h.given_by_id, h.consented_by_id))
           and not exists (
               select from public.access_decision d
                where d.access_request_id = r.id and d.round = r.round
                  and (d.decider_id = p_by
                       or (b.two_units or r.approvals_needed > 1) and d.decider_organisation_id = u.organisation_id))
           and not ((b.two_units or r.approvals_needed > 1) and u.organisation_id = r.organisation_id))
$$;
