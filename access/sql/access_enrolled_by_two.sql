-- Whether the password of this person was last chosen with a code of which two people knew half, or one made on the server.
create function public.access_enrolled_by_two(p_user uuid) returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce((
        select second_by_id is not null or made_by_id is null from public.access_enrolment
         where user_id = p_user and used_at is not null order by used_at desc limit 1), false)
$$;
