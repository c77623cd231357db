"""No write without history, nothing deleted, and what is frozen stays frozen - for the application and by trigger."""

from django.core.management import call_command
from django.db import migrations

WITH_HISTORY = {
    "access_accessrequest": "access_historicalaccessrequest",
    "access_organisation": "access_historicalorganisation",
    "access_user": "access_historicaluser",
}
# Rows that are written once. Letters may only be put out of use.
FROZEN = [
    "access_decision",
    "access_undertaking",
    "access_identityconfirmation",
    "access_requestsubject",
    "access_opening",
    "access_legalbasis",
    "access_casepurpose",
    "access_workingday",
    *WITH_HISTORY.values(),
]
KEPT = [*WITH_HISTORY, *FROZEN, "access_grant", "access_letter"]

FUNCTIONS = """
-- "No write without its history row in the same transaction" closes every path that simple-history does not see:
-- update(), bulk_*, raw SQL. The history row says its transaction by itself.
create function access_require_history() returns trigger
    language plpgsql security definer set search_path = pg_catalog, public as $$
declare
    found_it boolean;
begin
    execute format('select exists (select 1 from public.%I where id = $1 and history_xid = pg_current_xact_id())', tg_argv[0])
        into found_it using new.id;
    if not found_it then
        raise exception 'a change of % needs a history row in the same transaction', tg_table_name
            using errcode = 'integrity_constraint_violation';
    end if;
    return null;
end $$;

revoke execute on function access_require_history() from public, seal_app;
"""

HISTORY = """
alter table {history} add column history_xid xid8 not null default pg_current_xact_id();
create constraint trigger {table}_needs_history after insert or update on {table}
    deferrable initially deferred for each row execute function access_require_history('{history}');
alter table {table} enable always trigger {table}_needs_history;
"""

REFUSE = """
create trigger {table}_is_frozen before update or delete on {table}
    for each row execute function audit_append_only();
create trigger {table}_is_not_emptied before truncate on {table}
    for each statement execute function audit_append_only();
alter table {table} enable always trigger {table}_is_frozen;
alter table {table} enable always trigger {table}_is_not_emptied;
revoke update on {table} from seal_app;
"""


def make_cache_table(apps, schema_editor):
    call_command("createcachetable", database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    dependencies = [("access", "0001_initial"), ("audit", "0001_initial")]

    operations = [
        migrations.RunSQL(FUNCTIONS, migrations.RunSQL.noop),
        *[migrations.RunSQL(HISTORY.format(table=table, history=history)) for table, history in WITH_HISTORY.items()],
        *[migrations.RunSQL(REFUSE.format(table=table)) for table in FROZEN],
        # Rule 8.
        *[migrations.RunSQL(f"revoke delete, truncate on {table} from seal_app") for table in KEPT],
        migrations.RunSQL(
            "revoke update on access_letter from seal_app; grant update (removed_at) on access_letter to seal_app"
        ),
        migrations.RunPython(make_cache_table, migrations.RunPython.noop),
    ]
