-- Where sealed records are. No other role can name this schema; no foreign key leaves it, because checking one locks the
-- row that is referred to, and every role can read `xmax`.
create schema sealed;

create table sealed.record (
    id uuid primary key,
    organ_id uuid not null,
    entered_by_id uuid not null,
    reviewed_by_id uuid not null,
    offence_id uuid not null,
    acted_on date not null,
    decided_on date not null,
    served_on date not null,
    warning boolean not null,
    fine_yuan integer not null,
    detention_days integer not null,
    licence_revoked boolean not null,
    exit_order boolean not null,
    deportation boolean not null,
    age_band text not null,
    subject_key bytea not null check (octet_length(subject_key) = 32),
    identity_key bytea not null check (octet_length(identity_key) = 32),
    particulars bytea not null,
    created_at timestamptz not null,
    submitted_at timestamptz not null,
    version integer not null,
    sealed_at timestamptz not null,
    sealing_rule_id uuid not null,
    -- Over every version of the history and the handlers, as they stand in the tables below.
    rest_digest bytea not null,
    -- The key service's MAC over all of the above: whoever alters a column cannot make it again.
    mac bytea not null check (octet_length(mac) = 32)
);
create index record_person on sealed.record (subject_key);

create table sealed.record_key (
    record_id uuid primary key,
    wrapped bytea not null
);
-- Every version, encrypted as a whole with the record's key: who wrote it, when, and all that it said.
create table sealed.history (
    record_id uuid not null,
    position integer not null,
    body bytea not null,
    primary key (record_id, position)
);
create table sealed.handler (
    record_id uuid not null,
    user_id uuid not null,
    primary key (record_id, user_id)
);
-- Which opening has been shown: one event shows once. The nonce proves later what was shown, and nobody guesses it now;
-- rows of somebody and of nobody are equally long.
create table sealed.shown (
    event_id uuid primary key,
    at timestamptz not null,
    nonce bytea not null,
    rung text not null default '',
    covered uuid[] not null default '{}',
    -- Who marked it: only that session reads what it covers, and only once this transaction is committed.
    pid integer not null default pg_backend_pid(),
    xid xid8 not null default pg_current_xact_id()
);
-- How many people somebody has asked about on a day.
create table sealed.asked (
    user_id uuid not null,
    day date not null,
    people integer not null,
    primary key (user_id, day)
);
