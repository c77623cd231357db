-- After an older database was put back: nothing that it revived goes on. Ends every live grant and every session, shuts out
-- again whom the lost part of the trail had shut out, and takes away again the duties it had taken away; each with its
-- event, by nobody (the system). For the owner only, in `manage.py reconcile`. Returns how many of each.
create function public.access_after_restore(p_disabled uuid[], p_duties jsonb) returns jsonb
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    grants integer := 0;
    sessions integer;
    accounts integer := 0;
    duties integer := 0;
    one record;
begin
    for one in
        select g.id, r.number from public.access_grant g join public.access_accessrequest r on r.id = g.access_request_id
         where g.ends_at > clock_timestamp()
           and not exists (select from public.access_revocation v where v.grant_id = g.id)
    loop
        insert into public.access_revocation (id, grant_id, by_id, reason, at)
        values (gen_random_uuid(), one.id, null, '', clock_timestamp());
        perform public.audit_append(
            'GRANT_REVOKED', null, null, 'access.grant', one.id::text, '{"number":"' || one.number || '"}');
        grants := grants + 1;
    end loop;

    -- A code that the lost part saw used would let somebody in a second time.
    update public.access_enrolment set until = clock_timestamp() where used_at is null and until > clock_timestamp();

    select count(*) into sessions from public.access_session s
     where not exists (select from public.access_sessionend e where e.digest = s.digest);
    delete from public.access_session;

    -- Whom the lost part shut out stays out, be it the last overseer (access_keep_overseers).
    perform set_config('seal.restoring', 'on', true);
    for one in select id from public.access_user where id = any (p_disabled) and is_active loop
        update public.access_user set is_active = false where id = one.id;
        perform public.access_keep_user(one.id, null);
        perform public.audit_append('USER_DISABLED', null, null, 'access.user', one.id::text, '{}');
        accounts := accounts + 1;
    end loop;

    for one in
        select h.id, h.user_id, a.codename, o.code
          from jsonb_to_recordset(p_duties) as lost ("user" text, duty text, "at" text)
          join public.access_organisationuserobjectpermission h on h.user_id::text = lost."user"
          join public.auth_permission a on a.id = h.permission_id and a.codename = lost.duty
          join public.access_organisation o on o.id = h.content_object_id and o.code = lost."at"
    loop
        delete from public.access_organisationuserobjectpermission where id = one.id;
        perform public.audit_append(
            'DUTY_WITHDRAWN', null, null, 'access.user', one.user_id::text,
            '{"at":"' || one.code || '","duty":"' || one.codename || '"}');
        duties := duties + 1;
    end loop;
    return jsonb_build_object('grants', grants, 'sessions', sessions, 'accounts', accounts, 'duties', duties);
end $$;
