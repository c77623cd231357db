-- Whether this kind of unit is a public security organ (`POLICE_KINDS` in access/models/people.py; a test compares).
create function public.access_is_police(p_kind text) returns boolean
    language sql immutable set search_path = pg_catalog, pg_temp
    as $$ select p_kind in ('PUBLIC_SECURITY_BUREAU', 'PUBLIC_SECURITY_BRANCH', 'POLICE_STATION') $$;
