-- Somebody is about to ask the population register about the people of a request that they are submitting: counted
-- against their day and told by the trail before anybody is asked (Rule 2). It is about one version of one request, so the
-- event needs neither names nor numbers. False, and nothing written, beyond what one person may ask in a day.
create function public.access_ask_population(p_request uuid, p_version integer, p_by uuid, p_people integer)
    returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    r public.access_accessrequest%rowtype;
begin
    perform public.access_read_committed();
    select * into r from public.access_accessrequest where id = p_request for update;
    if not found or r.version is distinct from p_version or r.requester_id is distinct from p_by
        or r.status not in ('DRAFT', 'RETURNED') or (p_people between 1 and 10000) is not true
        or not exists (select from public.access_user u
                        where u.id = p_by and u.is_active and u.organisation_id = r.organisation_id)
        or not public.access_holds(p_by, 'file_requests', r.organisation_id)
        or not public.access_agreement_holds(r.organisation_id) then
        raise exception 'this request is not submitted by this person now' using errcode = 'SE001';
    end if;
    -- One after the other, or two at once would both be the last.
    perform pg_advisory_xact_lock(hashtextextended('population:' || p_by, 0));
    if p_people + coalesce((select sum(q.people) from public.access_populationquestion q
                             where q.asked_by_id = p_by and q.day = public.access_today()), 0)
       > public.audit_limit_of('POPULATION_ASKED_PER_DAY') then
        return false;
    end if;
    insert into public.access_populationquestion (id, access_request_id, version, asked_by_id, people, day, asked_at)
    values (gen_random_uuid(), p_request, p_version, p_by, p_people, public.access_today(), clock_timestamp());
    perform public.audit_append(
        'POPULATION_ASKED', p_by::text, public.access_unit_code(p_by), 'access.accessrequest', p_request::text,
        '{"number":"' || r.number || '","people":' || p_people || ',"version":' || p_version || '}');
    return true;
end $$;
