-- Rule 4: whether this person may vote on this round. (access/permissions.py `check_can_decide` says the same in words.)
create function public.access_may_decide(p_request uuid, p_by uuid) returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from public.access_accessrequest r
          join public.access_legalbasis b on b.id = r.basis_id
          join public.access_user u on u.id = p_by and u.is_active
         where r.id = p_request and r.requester_id <> p_by
           and public.access_holds(p_by, 'decide_requests', r.receiving_organ_id)
           -- A deputy of one's own is not somebody else: the trail remembers who proposed or consented to the duty.
           and not exists (
               select from public.audit_event e
                where e.kind = 'DUTY_GIVEN' and e.target_id = p_by::text
                  and public.audit_json(e.canonical) -> 'detail' ->> 'duty' = 'decide_requests'
                  and r.requester_id::text in (e.actor, public.audit_json(e.canonical) -> 'detail' ->> 'proposed_by'))
           and not exists (
               select from public.access_decision d
                where d.access_request_id = r.id and d.round = r.round
                  and (d.decider_id = p_by
                       or (b.two_units or r.approvals_needed > 1) and d.decider_organisation_id = u.organisation_id))
           and not ((b.two_units or r.approvals_needed > 1) and u.organisation_id = r.organisation_id))
$$;
