-- Rule 12: without an agreement in force a unit outside the police neither asks nor looks.
create function public.access_agreement_holds(p_organisation uuid) returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from public.access_organisation
         where id = p_organisation and is_active
           and (public.access_is_police(kind) or agreement_ends_on >= public.access_today()))
$$;
