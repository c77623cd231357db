-- When `manage.py maintain` last ran, for whoever watches.
create table public.records_upkeep (
    is_only boolean primary key default true check (is_only),
    at timestamptz not null
);
