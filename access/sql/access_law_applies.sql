-- Whether a basis and, where there is one, a case purpose let this organisation ask today. Once a newer version of either
-- has begun, whatever it says, the older one carries nothing.
create function public.access_law_applies(p_basis uuid, p_purpose uuid, p_organisation uuid) returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from public.access_legalbasis b
          join public.access_organisation o on o.id = p_organisation
         where b.id = p_basis and b.valid_from <= public.access_today()
           and (b.valid_until is null or b.valid_until >= public.access_today())
           and (b.standing = 'POLICE_INTERNAL' and public.access_is_police(o.kind)
                or b.standing = 'ENABLED' and o.kind = any (b.organisation_kinds))
           and (p_purpose is not null or not b.needs_case_purpose)
           and not exists (select from public.access_legalbasis n
                            where n.code = b.code and n.version > b.version and n.valid_from <= public.access_today())
    ) and (p_purpose is null or exists (
        select from public.access_casepurpose p
          join public.access_organisation o on o.id = p_organisation and o.kind = any (p.organisation_kinds)
         where p.id = p_purpose and p.standing = 'ENABLED' and p.valid_from <= public.access_today()
           and (p.valid_until is null or p.valid_until >= public.access_today())
           and not exists (select from public.access_casepurpose n
                            where n.code = p.code and n.version > p.version and n.valid_from <= public.access_today())))
$$;
