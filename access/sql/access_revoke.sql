-- End a grant at once (Rule 5). It locks no row and waits for none, so that nobody can hold it up; the first row counts.
create function public.access_revoke(
    p_grant uuid, p_by uuid, p_reason bytea, p_reason_nonce bytea, p_reason_digest bytea
) returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    r public.access_accessrequest%rowtype;
    event uuid;
begin
    select q.* into r from public.access_accessrequest q join public.access_grant g on g.access_request_id = q.id
     where g.id = p_grant;
    if not found or r.requester_id = p_by or not public.access_holds(p_by, 'decide_requests', r.receiving_organ_id) then
        raise exception 'this person may not revoke this grant' using errcode = 'SE001';
    end if;
    if octet_length(p_reason) is null or octet_length(p_reason_nonce) is distinct from 32
        or octet_length(p_reason_digest) is distinct from 32 then
        raise exception 'a revocation has a reason' using errcode = 'SE001';
    end if;
    insert into public.access_revocation (id, grant_id, by_id, by_organisation_id, reason, at)
    values (gen_random_uuid(), p_grant, p_by, (select u.organisation_id from public.access_user u where u.id = p_by),
            p_reason, clock_timestamp());
    event := public.audit_append(
        'GRANT_REVOKED', p_by::text,
        (select o.code from public.access_user u join public.access_organisation o on o.id = u.organisation_id
          where u.id = p_by),
        'access.grant', p_grant::text, '{"number":"' || r.number || '"}',
        '{"reason":"' || encode(p_reason_digest, 'hex') || '"}');
    insert into public.audit_nonce (event_id, name, nonce) values (event, 'reason', p_reason_nonce);
end $$;
