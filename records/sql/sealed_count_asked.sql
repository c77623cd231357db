-- Count that somebody is about to ask about so many people today; false, and nothing counted, beyond the ceiling.
create function sealed.count_asked(p_user uuid, p_people integer) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform public.access_read_committed();
    if (p_people > 0) is not true or not exists (select from public.access_user where id = p_user and is_active) then
        return false;
    end if;
    insert into sealed.asked (user_id, day, people) values (p_user, public.access_today(), 0) on conflict do nothing;
    update sealed.asked set people = people + p_people
     where user_id = p_user and day = public.access_today()
       and people + p_people <= public.audit_limit_of('PEOPLE_ASKED_PER_DAY');
    return found;
end $$;
