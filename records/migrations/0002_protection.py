"""The register's own protection: where sealed records are, the functions that reach them, and who may call which."""

from django.db import migrations

from audit.sql import append_only, bounded_times, demands_event, grant, grant_columns, install, kinds

HISTORY = """
alter table public.records_historicalviolation add column history_xid xid8 not null default pg_current_xact_id();
create constraint trigger records_violation_needs_history after insert or update on public.records_violation
    deferrable initially deferred for each row
    execute function public.access_require_history('records_historicalviolation');
alter table public.records_violation enable always trigger records_violation_needs_history;
create constraint trigger records_historicalviolation_needs_change after insert on public.records_historicalviolation
    deferrable initially deferred for each row execute function public.access_require_change('records_violation');
alter table public.records_historicalviolation enable always trigger records_historicalviolation_needs_change;
create trigger records_historicalviolation_is_now before insert on public.records_historicalviolation
    for each row execute function public.access_date_version();
alter table public.records_historicalviolation enable always trigger records_historicalviolation_is_now;
create index records_historicalviolation_row on public.records_historicalviolation (id);
"""

FUNCTIONS = (
    "records_upkeep",
    "records_guard_violation",
    "sealed_tables",
    "sealed_content",
    "sealed_rest",
    "sealed_working",
    "sealed_seal",
    "sealed_mark",
    "sealed_disclosed",
    "sealed_count_asked",
    "sealed_audited",
    "sealed_strays",
    "sealed_after_restore",
)
SEAL = (
    "sealed.seal(uuid[], integer[], bytea[], bytea[], bytea[], bytea[], bytea[], bytea[], bytea[], integer[], bytea[],"
    " uuid)"
)
CALLED = (
    "sealed.working(uuid[])",
    SEAL,
    "sealed.mark(uuid[])",
    "sealed.disclosed(uuid[])",
    "sealed.count_asked(uuid, integer)",
    "sealed.audited(uuid[])",
    "sealed.strays(integer)",
)
# Sealing takes rows out of these: nobody else may.
MOVED = (
    "records_violation",
    "records_historicalviolation",
    "records_recordkey",
    "records_violationuserobjectpermission",
)
MOVES = (
    "VIOLATION_DRAFTED",
    "VIOLATION_EDITED",
    "VIOLATION_DISCARDED",
    "VIOLATION_SUBMITTED",
    "VIOLATION_RETURNED",
    "VIOLATION_CONFIRMED",
    "DECISION_SERVED",
)
# What is behind the seal is written once, by sealing; and a mark that something was shown is never taken back.
SEALED_ONCE = "".join(
    f"""
create trigger {table}_append_only before update or delete on sealed.{table}
    for each row execute function public.audit_append_only();
create trigger {table}_not_truncated before truncate on sealed.{table}
    for each statement execute function public.audit_append_only();
alter table sealed.{table} enable always trigger {table}_append_only;
alter table sealed.{table} enable always trigger {table}_not_truncated;
"""
    for table in ("record", "history", "handler", "shown")
)
# PostgreSQL wants the new owner to have CREATE where its function is; it keeps it for no longer than that.
GIVE_SEAL_TO_ITS_OWNER = f"""
grant usage, create on schema sealed to seal_mover;
alter function {SEAL} owner to seal_mover;
revoke create on schema sealed from seal_mover;
"""


class Migration(migrations.Migration):
    dependencies = [("records", "0001_initial"), ("access", "0003_libraries"), ("audit", "0001_initial")]

    operations = [
        migrations.RunSQL(HISTORY),
        *install("records", *FUNCTIONS),
        *bounded_times("records_violation", "records_historicalviolation"),
        migrations.RunSQL(SEALED_ONCE),
        *append_only("records_historicalviolation", "records_recordkey", movable=True),
        *append_only("records_offence", "records_sealingrule", "records_stub"),
        kinds(*MOVES, by_function=("VIOLATION_SEALED",)),
        demands_event("records_violation", "insert", "VIOLATION_DRAFTED"),
        demands_event("records_violation", "update", *MOVES),
        demands_event("records_recordkey", "insert", "VIOLATION_DRAFTED", column="violation_id"),
        demands_event(
            "records_violationuserobjectpermission",
            "insert",
            *("VIOLATION_DRAFTED", "VIOLATION_EDITED"),
            column="content_object_id",
        ),
        grant(
            f"select on {', '.join(MOVED)} to seal_app",
            "select on records_offence, records_sealingrule, records_stub, records_upkeep,"
            " records_violationgroupobjectpermission"
            " to seal_app",
            "insert on records_violation, records_recordkey, records_violationuserobjectpermission to seal_app",
            "usage on schema sealed to seal_keys",
            f"execute on function {', '.join(CALLED)} to seal_keys",
            # What the function that seals needs, and no more.
            f"select, delete on {', '.join(MOVED)} to seal_mover",
            "update (version) on records_violation to seal_mover",  # to hold the rows while they move
            "select on records_sealingrule, audit_event to seal_mover",
            "select, insert on sealed.record to seal_mover",
            "insert on sealed.record_key to seal_mover",
            "select, insert on sealed.history, sealed.handler to seal_mover",
            "insert on records_stub to seal_mover",
            "execute on function sealed.content(sealed.record), sealed.rest(uuid) to seal_mover",
            "execute on function audit_append(text, text, text, text, text, text, text) to seal_mover",
        ),
        grant_columns("update", "records_violation", "seal_app", but=("id",)),
        grant_columns("insert", "records_historicalviolation", "seal_app", but=("history_id", "history_xid")),
        migrations.RunSQL(GIVE_SEAL_TO_ITS_OWNER),
    ]
