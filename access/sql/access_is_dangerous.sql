-- Duties that take two people to give and one to withdraw.
create function public.access_is_dangerous(p_duty text) returns boolean
    language sql immutable set search_path = pg_catalog, pg_temp
    as $$ select p_duty in ('decide_requests', 'oversee', 'administer_people', 'assign_duties', 'maintain_law') $$;
