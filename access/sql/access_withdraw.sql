-- Take a submitted request back before it is decided; it stays on file. `p_version` as in `access_vote`.
create function public.access_withdraw(p_request uuid, p_version integer, p_by uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    r public.access_accessrequest%rowtype;
begin
    perform public.access_read_committed();
    select * into r from public.access_accessrequest where id = p_request for update;
    if not found or r.status <> 'SUBMITTED' or r.version is distinct from p_version or r.requester_id <> p_by
        or not exists (select from public.access_user where id = p_by and is_active) then
        raise exception 'the request has moved on' using errcode = 'SE001';
    end if;
    update public.access_accessrequest set status = 'WITHDRAWN', version = version + 1 where id = p_request;
    perform public.access_keep_request(p_request, p_by);
    perform public.audit_append(
        'REQUEST_WITHDRAWN', p_by::text, public.access_unit_code(p_by), 'access.accessrequest', p_request::text,
        '{"number":"' || r.number || '","round":' || r.round || '}');
end $$;
