-- The database's encoding never changes, so reading UTF-8 is immutable although convert_from is only called stable. In
-- PL/pgSQL, because PostgreSQL sets up a function in SQL again for each column of each inserted event (twice the cost).
create function public.audit_json(canonical bytea) returns jsonb language plpgsql immutable strict parallel safe as $$
begin
    return pg_catalog.convert_from(canonical, 'UTF8')::pg_catalog.jsonb;
end $$;

-- Every kind of event that may be written. `by_function`: only a function that checks what it says may write it. `guard`:
-- a function of another app that says whether this actor may; the system itself (no actor) may always.
create table public.audit_kind (
    kind text primary key check (kind ~ '^[A-Z_]{3,60}$'),
    by_function boolean not null,
    guard name
);

create table public.audit_event (
    id uuid primary key,
    canonical bytea not null check (octet_length(canonical) < 65536),
    at timestamptz not null default clock_timestamp(),
    xid xid8 not null default pg_current_xact_id(),
    kind text not null generated always as (public.audit_json(canonical) ->> 'kind') stored,
    actor text generated always as (public.audit_json(canonical) -> 'actor' ->> 'id') stored,
    unit text generated always as (public.audit_json(canonical) -> 'actor' ->> 'unit') stored,
    target_type text generated always as (public.audit_json(canonical) -> 'target' ->> 'type') stored,
    target_id text generated always as (public.audit_json(canonical) -> 'target' ->> 'id') stored
);
create index audit_event_newest on public.audit_event (at desc, id desc);
create index audit_event_kind on public.audit_event (kind, at desc, id desc);
create index audit_event_unit on public.audit_event (unit, at desc, id desc);
create index audit_event_actor on public.audit_event (actor, at desc, id desc);
create index audit_event_target on public.audit_event (target_id, at desc, id desc);

create table public.audit_nonce (
    event_id uuid not null,
    name text not null,
    nonce bytea not null check (octet_length(nonce) = 32),
    primary key (event_id, name)
);
-- How alarms were closed, in words; the event holds their digest.
create table public.audit_finding (
    event_id uuid primary key,
    alarm_id uuid not null,
    finding text not null check (length(finding) between 1 and 2000)
);
create table public.audit_queue (
    event_id uuid primary key,
    at timestamptz not null
);
create index audit_queue_oldest on public.audit_queue (at, event_id);

create table public.audit_log_state (
    is_only boolean primary key default true check (is_only),
    origin text not null,
    size bigint not null default 0,
    frontier bytea[] not null default '{}',
    -- When the signer last found that this database is not behind what was signed (Rule 12).
    confirmed_at timestamptz
);
-- No foreign keys: they would lock and rewrite event rows; verification finds a leaf without its event.
create table public.audit_leaf (
    index bigint primary key,
    event_id uuid not null unique,
    hash bytea not null check (octet_length(hash) = 32)
);
-- Roots of complete subtrees of 256, 65,536, ... leaves: what tiles above level 0 and short proofs are made of.
create table public.audit_tile (
    level smallint not null,
    index bigint not null,
    hash bytea not null check (octet_length(hash) = 32),
    primary key (level, index)
);
create table public.audit_checkpoint (
    size bigint primary key,
    root bytea not null check (octet_length(root) = 32),
    note text not null,
    at timestamptz not null default clock_timestamp(),
    frontier bytea[] not null
);
-- Limits that functions apply: the settings of the same names, put here by the owner (`manage.py load_catalogue`), so
-- that no caller chooses them.
create table public.audit_limit (
    name text primary key,
    value integer not null
);
