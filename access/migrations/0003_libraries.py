"""What the application may do with the tables of the libraries it stands on; nothing else grants anything."""

from django.db import migrations

from audit.sql import grant

READ = ("auth_group", "auth_group_permissions", "auth_permission", "django_content_type", "django_migrations")
KEPT = ("mfa_authenticator",)
# The functions that workers and tasks call; those of triggers need no grant.
JOB_FUNCTIONS = """
do $$ declare what text; begin
    for what in select oid::regprocedure::text from pg_proc
        where pronamespace = 'public'::regnamespace and proname ~ '^procrastinate_' and prorettype <> 'trigger'::regtype loop
        execute format('grant execute on function %s to seal_app', what);
    end loop;
end $$
"""
JOBS = ("procrastinate_jobs", "procrastinate_events", "procrastinate_periodic_defers", "procrastinate_workers")


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0002_protection"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("guardian", "0003_remove_groupobjectpermission_guardian_gr_content_ae6aec_idx_and_more"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("procrastinate", "0041_post_retry_failed_job"),
    ]

    operations = [
        grant(
            f"select on {', '.join(READ)} to seal_app",
            f"select, insert, update, delete on {', '.join((*KEPT, *JOBS))} to seal_app",
            "usage on sequence procrastinate_jobs_id_seq, procrastinate_events_id_seq,"
            " procrastinate_periodic_defers_id_seq to seal_app",
        ),
        migrations.RunSQL(JOB_FUNCTIONS, migrations.RunSQL.noop),
    ]
