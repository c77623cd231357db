-- What the first half of a code stands on: the person, and that nobody has made another code meanwhile.
create function public.access_enrolment_change_ground(p public.access_proposal) returns text
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    -- A code that somebody made meanwhile would be undone by this one.
    select encode(sha256(convert_to(concat_ws('/', public.access_ground(p.person_id), (
        select id from public.access_enrolment where user_id = p.person_id order by made_at desc limit 1)), 'UTF8')), 'hex')
$$;
