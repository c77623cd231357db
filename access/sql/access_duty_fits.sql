-- Whether a duty fits the unit it is held at and the unit of the person: only police organs enter, confirm and decide
-- and keep the system; who files does so for a unit of a kind that some legal basis names.
create function public.access_duty_fits(p_user uuid, p_duty text, p_unit uuid) returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from public.access_user u
          join public.access_organisation own on own.id = u.organisation_id
          join public.access_organisation at on at.id = p_unit and at.is_active
         where u.id = p_user and case p_duty
            when 'file_requests' then starts_with(own.path, at.path) and exists (
                select from public.access_legalbasis where own.kind = any (organisation_kinds))
            when 'enter_violations' then public.access_is_police(own.kind) and starts_with(own.path, at.path)
            when 'confirm_violations' then public.access_is_police(own.kind) and public.access_is_police(at.kind)
            when 'decide_requests' then public.access_is_police(own.kind) and public.access_is_police(at.kind)
            -- Those who keep the system do so for outside units as well.
            else public.access_is_police(own.kind) and p_duty in ('oversee', 'administer_people', 'assign_duties', 'maintain_law')
         end)
$$;
