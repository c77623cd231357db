"""Days and moments that no calendar of ours has are refused wherever the application's role writes one."""

from __future__ import annotations

import psycopg
import pytest

from config import database

pytestmark = pytest.mark.django_db(transaction=True)

# Written by functions that take the clock, by the owner only, or (attempts) never read as a moment.
BY_THE_CLOCK = {
    *(
        "access_attempt",
        "access_confirmationuse",
        "access_enrolment",
        "access_grantexpiry",
        "access_identityconfirmation",
    ),
    *(
        "access_opening",
        "access_populationquestion",
        "access_openingextension",
        "access_organisationuserobjectpermission",
        "access_proposal",
    ),
    "access_revocation",
    *("access_undertaking", "access_legalbasis", "access_casepurpose", "access_undertakingtext", "access_workingday"),
    "records_offence",
    *("records_sealingrule", "records_stub", "records_upkeep"),
}


def test_every_day_and_moment_that_the_application_writes_has_bounds(owner):
    rows = owner.execute(
        """
        select c.relname, a.attname, exists (
                   select from pg_constraint x where x.conrelid = c.oid and x.contype = 'c' and x.conkey = array[a.attnum]
                      and x.conname like '%within_bounds')
          from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
           and (c.relname ~ '^(access|records)_' or c.relname = 'mfa_authenticator')
           and a.atttypid in ('date'::regtype, 'timestamptz'::regtype)
        """
    ).fetchall()
    assert {table for table, _column, is_bounded in rows if not is_bounded} == BY_THE_CLOCK & {row[0] for row in rows}
    assert len([row for row in rows if row[2]]) > 30


@pytest.mark.parametrize(
    "moment", ["0044-03-15 BC", "1899-12-31", "2200-01-02", "10000-01-01", "infinity", "-infinity"]
)
@pytest.mark.parametrize("change", ["access_organisation set agreement_ends_on", "access_session set last_seen_at"])
def test_no_day_beyond_the_bounds_is_kept(app, city, change, moment):
    app.execute(
        "insert into access_session (id, digest, data, address, browser) values (gen_random_uuid(), repeat('a', 64), '', '', '')"
    )
    with pytest.raises(psycopg.errors.CheckViolation, match="within_bounds"):
        app.execute(f"update {change} = %s", [moment])


def test_the_time_zone_of_a_session_changes_nothing_about_how_the_database_is_built(cloned, app):
    from psycopg.conninfo import make_conninfo

    query = "select pg_get_constraintdef(oid) from pg_constraint where conname like '%within_bounds' order by oid"
    with psycopg.connect(make_conninfo(**{**cloned, "user": database.APP}), autocommit=True) as other:
        other.execute("set time zone 'Pacific/Kiritimati'")
        assert other.execute(query).fetchall() == app.execute(query).fetchall()
