"""The trail: tables, the triggers that keep them append-only, the sequencer, and what the application may do."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

TABLES = """
-- The database's encoding never changes, so reading UTF-8 is immutable although convert_from is only called stable.
CREATE FUNCTION public.audit_json(canonical bytea) RETURNS jsonb
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT pg_catalog.convert_from(canonical, 'UTF8')::pg_catalog.jsonb $$;

CREATE TABLE public.audit_event (
    id uuid PRIMARY KEY,
    canonical bytea NOT NULL CHECK (octet_length(canonical) < 65536),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    kind text NOT NULL GENERATED ALWAYS AS (public.audit_json(canonical) ->> 'kind') STORED,
    actor text GENERATED ALWAYS AS (public.audit_json(canonical) -> 'actor' ->> 'id') STORED,
    unit text GENERATED ALWAYS AS (public.audit_json(canonical) -> 'actor' ->> 'unit') STORED,
    target_type text GENERATED ALWAYS AS (public.audit_json(canonical) -> 'target' ->> 'type') STORED,
    target_id text GENERATED ALWAYS AS (public.audit_json(canonical) -> 'target' ->> 'id') STORED
);
CREATE INDEX audit_event_newest ON public.audit_event (at DESC, id DESC);
CREATE INDEX audit_event_kind ON public.audit_event (kind, at DESC, id DESC);
CREATE INDEX audit_event_actor ON public.audit_event (actor, at DESC, id DESC);
CREATE INDEX audit_event_target ON public.audit_event (target_id, at DESC, id DESC);

CREATE TABLE public.audit_nonce (
    event_id uuid NOT NULL,
    name text NOT NULL,
    nonce bytea NOT NULL CHECK (octet_length(nonce) = 32),
    PRIMARY KEY (event_id, name)
);
CREATE TABLE public.audit_queue (
    event_id uuid PRIMARY KEY,
    at timestamptz NOT NULL
);
CREATE INDEX audit_queue_oldest ON public.audit_queue (at, event_id);

CREATE TABLE public.audit_log_state (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    origin text NOT NULL,
    size bigint NOT NULL DEFAULT 0,
    frontier bytea[] NOT NULL DEFAULT '{}'
);
-- No foreign keys: they would lock and rewrite event rows; verification finds a leaf without its event.
CREATE TABLE public.audit_leaf (
    index bigint PRIMARY KEY,
    event_id uuid NOT NULL UNIQUE,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32)
);
-- Roots of complete subtrees of 256, 65,536, ... leaves: what tiles above level 0 and short proofs are made of.
CREATE TABLE public.audit_tile (
    level smallint NOT NULL,
    index bigint NOT NULL,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (level, index)
);
CREATE TABLE public.audit_checkpoint (
    size bigint PRIMARY KEY,
    root bytea NOT NULL CHECK (octet_length(root) = 32),
    note text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    frontier bytea[] NOT NULL
);
"""

FUNCTIONS = r"""
CREATE FUNCTION public.audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The trail is append-only: % on % is refused.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE FUNCTION public.audit_event_queued() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.audit_queue (event_id, at) VALUES (NEW.id, NEW.at);
    RETURN NULL;
END $$;

-- Deferred, so that it has the last word over a statement that turned synchronous_commit off (Rule 2).
-- No SET clause: the setting has to outlive the function, until commit.
CREATE FUNCTION public.audit_event_durable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_catalog.current_setting('synchronous_commit') OPERATOR(pg_catalog.=) 'off' THEN
        PERFORM pg_catalog.set_config('synchronous_commit', 'on', true);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION public.audit_sequence(most integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    state public.audit_log_state%ROWTYPE;
    leaf record;
    node bytea;
    carry bigint;
    height integer;
    first bigint;
BEGIN
    -- One sequencer at a time; the others wait here and find the queue emptied.
    SELECT * INTO STRICT state FROM public.audit_log_state FOR UPDATE;
    first := state.size;
    INSERT INTO public.audit_leaf (index, event_id, hash)
        SELECT first - 1 + row_number() OVER (ORDER BY next.at, next.event_id), next.event_id,
               sha256('\x00'::bytea || next.canonical)
        FROM (SELECT queue.at, queue.event_id, event.canonical
              FROM public.audit_queue AS queue JOIN public.audit_event AS event ON event.id = queue.event_id
              ORDER BY queue.at, queue.event_id LIMIT most) AS next;
    FOR leaf IN SELECT index, event_id, hash FROM public.audit_leaf WHERE index >= first ORDER BY index LOOP
        node := leaf.hash;
        carry := state.size;
        height := 0;
        WHILE carry % 2 = 1 LOOP
            node := sha256('\x01'::bytea || state.frontier[cardinality(state.frontier)] || node);
            state.frontier := trim_array(state.frontier, 1);
            carry := carry / 2;
            height := height + 1;
            IF height % 8 = 0 THEN
                INSERT INTO public.audit_tile (level, index, hash) VALUES (height / 8, state.size >> height, node);
            END IF;
        END LOOP;
        state.frontier := state.frontier || node;
        state.size := state.size + 1;
    END LOOP;
    IF state.size > first THEN
        DELETE FROM public.audit_queue AS queue USING public.audit_leaf AS done
            WHERE done.event_id = queue.event_id AND done.index >= first;
        UPDATE public.audit_log_state SET size = state.size, frontier = state.frontier;
    END IF;
    RETURN state.size - first;
END $$;
"""

APPEND_ONLY = "".join(
    f"""
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON public.{table}
    FOR EACH ROW EXECUTE FUNCTION public.audit_append_only();
CREATE TRIGGER {table}_not_truncated BEFORE TRUNCATE ON public.{table}
    FOR EACH STATEMENT EXECUTE FUNCTION public.audit_append_only();
ALTER TABLE public.{table} ENABLE ALWAYS TRIGGER {table}_append_only;
ALTER TABLE public.{table} ENABLE ALWAYS TRIGGER {table}_not_truncated;
"""
    for table in ("audit_event", "audit_nonce", "audit_leaf", "audit_tile", "audit_checkpoint")
)
TRIGGERS = """
CREATE TRIGGER audit_event_queued AFTER INSERT ON public.audit_event
    FOR EACH ROW EXECUTE FUNCTION public.audit_event_queued();
CREATE CONSTRAINT TRIGGER audit_event_durable AFTER INSERT ON public.audit_event
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.audit_event_durable();
ALTER TABLE public.audit_event ENABLE ALWAYS TRIGGER audit_event_queued;
ALTER TABLE public.audit_event ENABLE ALWAYS TRIGGER audit_event_durable;
"""

# The time and the transaction of an event are the database's own: the application may not set those columns.
PRIVILEGES = """
REVOKE ALL ON public.audit_event, public.audit_nonce, public.audit_queue, public.audit_log_state, public.audit_leaf,
    public.audit_tile, public.audit_checkpoint FROM PUBLIC, seal_app;
GRANT SELECT ON public.audit_event, public.audit_nonce, public.audit_queue, public.audit_log_state, public.audit_leaf,
    public.audit_tile, public.audit_checkpoint TO seal_app;
GRANT INSERT (id, canonical) ON public.audit_event TO seal_app;
GRANT INSERT ON public.audit_nonce TO seal_app;
GRANT INSERT (size, root, note, frontier) ON public.audit_checkpoint TO seal_app;

REVOKE ALL ON FUNCTION public.audit_json(bytea), public.audit_append_only(), public.audit_event_queued(),
    public.audit_event_durable(), public.audit_sequence(integer) FROM PUBLIC, seal_app;
GRANT EXECUTE ON FUNCTION public.audit_json(bytea), public.audit_sequence(integer) TO seal_app;
"""


def name_the_log(apps, schema_editor):
    """The log keeps the origin it was created with; the signer refuses any other."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("INSERT INTO public.audit_log_state (origin) VALUES (%s)", [settings.AUDIT_ORIGIN])


class Migration(migrations.Migration):
    initial = True
    dependencies = []

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(TABLES + FUNCTIONS + APPEND_ONLY + TRIGGERS + PRIVILEGES)],
            state_operations=[
                migrations.CreateModel(
                    name="Event",
                    fields=[
                        (
                            "id",
                            models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                        ),
                        ("canonical", models.BinaryField()),
                        ("at", models.DateTimeField(editable=False)),
                        ("kind", models.TextField(editable=False)),
                        ("actor", models.TextField(editable=False, null=True)),
                        ("unit", models.TextField(editable=False, null=True)),
                        ("target_type", models.TextField(editable=False, null=True)),
                        ("target_id", models.TextField(editable=False, null=True)),
                    ],
                    options={"db_table": "audit_event"},
                ),
                migrations.CreateModel(
                    name="Leaf",
                    fields=[
                        ("index", models.BigIntegerField(editable=False, primary_key=True, serialize=False)),
                        ("hash", models.BinaryField()),
                        (
                            "event",
                            models.OneToOneField(
                                db_constraint=False,
                                editable=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="leaf",
                                to="audit.event",
                            ),
                        ),
                    ],
                    options={"db_table": "audit_leaf"},
                ),
                migrations.CreateModel(
                    name="Checkpoint",
                    fields=[
                        ("size", models.BigIntegerField(editable=False, primary_key=True, serialize=False)),
                        ("root", models.BinaryField()),
                        ("note", models.TextField(editable=False)),
                        ("at", models.DateTimeField(editable=False)),
                    ],
                    options={"db_table": "audit_checkpoint"},
                ),
            ],
        ),
        migrations.RunPython(name_the_log, migrations.RunPython.noop, elidable=False),
    ]
