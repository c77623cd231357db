"""The drill: yesterday's database is put back. Nothing that it revives is shown, and afterwards the trail goes on."""

from io import StringIO

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from psycopg.conninfo import make_conninfo

from access.actions import decisions, people
from access.exceptions import NothingToShow, Unavailable
from access.models import Grant, Session, User
from access.models.duty import Duty
from audit import checkpoints, verification, verify
from audit.exceptions import SignerRefused
from audit.models import Event
from config import database
from records import actions, disclosure, keyservice
from records.models import SealedRecord, Violation
from tests import databases, factories, signing
from tests.tampering import tamper

pytestmark = pytest.mark.django_db


def open_answer(grant):
    return disclosure.open_answer(
        grant,
        factories.subject_of(grant),
        by=grant.access_request.requester,
        session_key=factories.SESSION,
        token=factories.token(),
    )


@pytest.fixture
def put_back(cloned, worker_id):
    """Return two functions: one saves the database, the other puts back what was saved."""
    saved = f"saved_{worker_id}"

    def copy(source, target):
        connection.close()
        keyservice.close()
        with psycopg.connect(make_conninfo(**databases.server()), autocommit=True) as superuser:
            superuser.execute(f"drop database if exists {target} with (force)")
            superuser.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [source])
            superuser.execute(f"create database {target} template {source} strategy file_copy")
            database.close_database(superuser, target)

    yield lambda: copy(cloned["dbname"], saved), lambda: copy(saved, cloned["dbname"])
    with psycopg.connect(make_conninfo(**databases.server()), autocommit=True) as superuser:
        superuser.execute(f"drop database if exists {saved} with (force)")


def stop_when_stale(cloned):
    with psycopg.connect(make_conninfo(**{**cloned, "user": database.OWNER}), autocommit=True) as owner:
        owner.execute("update audit_limit set value = 1 where name = 'STALE_TRAIL_STOPS'")


def reconcile(folder):
    said, warned = StringIO(), StringIO()
    with signing.as_role(database.OWNER):
        call_command("reconcile", after_restore=folder, stdout=said, stderr=warned)
    return said.getvalue(), warned.getvalue()


def test_yesterdays_database_shows_nothing_until_it_is_reconciled(city, cloned, put_back, signer, settings, tmp_path):
    save, restore = put_back
    stop_when_stale(cloned)
    subject = factories.person()
    revoked = factories.ready(factories.approved(city, subject))
    served = factories.violation_at(factories.Status.CONFIRMED, city, subject)
    signing.sign()
    signing.confirm()
    assert open_answer(revoked).is_present is False
    gone_user = factories.user_with(Duty.ENTER_VIOLATIONS, organisation=city.station)
    admin = factories.user_with(Duty.ADMINISTER_PEOPLE, organisation=city.bureau)
    assigner = factories.user_with(Duty.ASSIGN_DUTIES, organisation=city.bureau)
    Client().force_login(city.supervisor)
    # What is confirmed and served, but sealed only after the copy was made.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(actions.keyservice, "seal", lambda ids, rule: [])
        actions.record_service(served, by=city.reviewer, served_on=served.decided_on)
    signing.sign()
    save()

    decisions.revoke(revoked, by=city.supervisor, reason="申请单位已撤销招聘。")
    people.disable_user(gone_user, by=admin)
    people.withdraw_duty(city.supervisor2, Duty.DECIDE_REQUESTS, city.bureau, by=assigner)
    lately = factories.sealed(city, factories.person())
    assert actions.seal_due() == 1
    shown = open_answer(factories.ready(factories.approved(city, subject)))
    signing.sign()
    call_command("export_log", tmp_path / "export", stdout=StringIO())
    restore()

    # It revived all of it - and shows nothing of it.
    assert Grant.objects.get(pk=revoked.pk).is_live()
    assert User.objects.get(pk=gone_user.pk).is_active
    assert Violation.objects.filter(pk=served.pk).exists()
    with connection.cursor() as cursor:
        cursor.execute("select confirmed_at < clock_timestamp() from audit_log_state")
        assert cursor.fetchone() == (True,)
    with psycopg.connect(make_conninfo(**{**cloned, "user": database.OWNER}), autocommit=True) as owner:
        owner.execute("update audit_limit set value = 0 where name = 'UNCONFIRMED_SECONDS'")  # time passes
    with pytest.raises(SignerRefused, match="set back"):
        signing.confirm()
    with pytest.raises(Unavailable):
        open_answer(revoked)
    assert "SET_BACK" in [fault.what for fault in verification.verify().faults]

    # Under its old name the log does not go on.
    with pytest.raises(CommandError, match="AUDIT_ORIGIN still says"):
        reconcile(tmp_path / "export")
    old = checkpoints.verifier_key()
    settings.AUDIT_ORIGIN = "sealed-records.example/trail-2"
    with pytest.raises(CommandError, match="prove"):
        reconcile(tmp_path)
    said, warned = reconcile(tmp_path / "export")

    assert "grants: 1\n" in said and "sessions: 1\n" in said and "accounts: 1\n" in said and "duties: 1\n" in said
    assert "sealed again: 1\n" in said and "openings: 1\n" in said
    assert f"It was sealed and is not in this database; enter it again: {lately.pk}" in warned
    assert not Grant.objects.get(pk=revoked.pk).is_live()
    assert not User.objects.get(pk=gone_user.pk).is_active
    assert not city.supervisor2.organisationuserobjectpermission_set.exists()
    assert Session.objects.count() == 0
    assert SealedRecord.objects.filter(pk=served.pk).exists() and not Violation.objects.filter(pk=served.pk).exists()
    with psycopg.connect(make_conninfo(**{**cloned, "user": database.OWNER}), autocommit=True) as owner:
        assert owner.execute("select count(*) from sealed.shown where event_id = %s", [shown.event]).fetchone() == (1,)
        owner.execute("update audit_limit set value = 30 where name = 'UNCONFIRMED_SECONDS'")
    assert Event.objects.filter(kind="RECONCILED").count() == 1

    # The new log goes on, continues the old one, and holds; what is asked anew is answered.
    signing.sign()
    signing.confirm()
    result = verification.verify()
    assert result.holds, [str(fault) for fault in result.faults]
    newest = checkpoints.newest_checkpoint().signed
    assert newest.said(checkpoints.CONTINUES)[0].startswith(f"{old.name} ")
    call_command("export_log", tmp_path / "again", stdout=StringIO())
    assert verify.verify_export(tmp_path / "again", checkpoints.verifier_key()).size == newest.size
    assert checkpoints.witness_file().with_name("witness.old").exists()
    with pytest.raises(NothingToShow):
        open_answer(revoked)
    city.supervisor.refresh_from_db()
    assert open_answer(factories.ready(factories.approved(city, subject))).is_present is True

    # A second time there is nothing to reconcile.
    with pytest.raises(CommandError, match="AUDIT_ORIGIN still says"):
        reconcile(tmp_path / "again")


def test_a_database_that_was_altered_is_not_reconciled(city, cloned, put_back, owner, signer, settings, tmp_path):
    save, restore = put_back
    signing.sign()
    save()
    factories.UserFactory()
    signing.sign()
    call_command("export_log", tmp_path / "export", stdout=StringIO())
    owner.close()
    restore()
    with psycopg.connect(make_conninfo(**{**cloned, "user": database.OWNER}), autocommit=True) as tampering:
        tamper(tampering, "update audit_event set canonical = canonical || ' ' where kind = 'USER_CREATED'")
    settings.AUDIT_ORIGIN = "sealed-records.example/trail-2"
    with pytest.raises(CommandError, match="not an earlier state of the log"):
        reconcile(tmp_path / "export")
    assert Event.objects.filter(kind="RECONCILED").count() == 0


def test_a_database_that_is_not_behind_is_not_reconciled(city, signer, settings, tmp_path):
    signing.sign()
    call_command("export_log", tmp_path / "export", stdout=StringIO())
    settings.AUDIT_ORIGIN = "sealed-records.example/trail-2"
    with pytest.raises(CommandError, match="nothing was lost"):
        reconcile(tmp_path / "export")
