"""The trail: tables, the triggers that keep them append-only, the functions that write, and what each role may do."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from audit.sql import append_only, demands_event, grant, install, kinds

TABLES = ("audit_event", "audit_nonce", "audit_leaf", "audit_tile", "audit_checkpoint", "audit_finding")
READERS = "seal_app, seal_signer"


def name_the_log(apps, schema_editor):
    """The log keeps the origin it was created with; the signer refuses any other."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("insert into public.audit_log_state (origin) values (%s)", [settings.AUDIT_ORIGIN])


class Migration(migrations.Migration):
    initial = True
    dependencies = []

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=install("audit", "tables"),
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
        *install(
            "audit",
            "audit_append_only",
            "audit_event_queued",
            "audit_event_durable",
            "audit_bytes",
            "audit_append",
            "audit_detail",
            "audit_write",
            "audit_demand_event",
            "audit_limit_of",
            "audit_staleness",
            "audit_sequence",
            "audit_continue_as",
        ),
        *append_only(*TABLES, "audit_kind"),
        demands_event("audit_finding", "insert", "ALARM_CLOSED", column="alarm_id"),
        kinds("DENIED", by_function=("RECONCILED",)),
        grant(
            "usage on schema public to seal_app, seal_signer, seal_mover",
            f"select on {', '.join(TABLES)}, audit_queue, audit_log_state, audit_kind, audit_limit to {READERS}",
            f"execute on function audit_json(bytea) to {READERS}",
            "execute on function audit_write(text, uuid, text, text, text, jsonb, text[], bytea[], bytea[])"
            f" to {READERS}",
            f"execute on function audit_staleness() to {READERS}",
            "execute on function audit_sequence(integer) to seal_signer",
            "insert on audit_finding to seal_app",
            "insert (size, root, note, frontier) on audit_checkpoint to seal_signer",
            "update (confirmed_at) on audit_log_state to seal_signer",
        ),
        migrations.RunPython(name_the_log, migrations.RunPython.noop, elidable=False),
    ]
