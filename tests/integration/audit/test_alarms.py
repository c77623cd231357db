"""Alarms of the trail: red on two desks, with what to do, until somebody closes them with a finding; and sent to people."""

from __future__ import annotations

import json
import stat
from datetime import timedelta

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from django.utils import translation

from access import kinds as access_kinds
from audit import alarms, trail, verification
from audit import kinds as audit_kinds
from audit.alarms import Reason
from audit.exceptions import SignerRefused
from audit.models import Event
from tests import signing, worlds
from tests.tampering import tamper

pytestmark = pytest.mark.django_db
FOUND = "守护进程停机检修，已重新启动，已告知监督机关。"


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


@pytest.fixture
def whole(city, signer):
    """A trail that is signed, confirmed and verified."""
    signing.sign()
    signing.confirm()
    assert verification.verify_and_record(by=None).holds
    signing.sign()
    return city


def client_of(user):
    client = worlds.client_of(worlds.sign_in(user))
    client.cookies["django_language"] = "en"
    return client


def reasons():
    return [alarm.reason for alarm in alarms.open_alarms()]


def fail(owner):
    """Let a verification find something."""
    tamper(owner, "UPDATE audit_event SET canonical = canonical || ' ' WHERE kind = 'CATALOGUE_LOADED'")
    assert not verification.verify_and_record(by=None).holds


def desk_of(user):
    return client_of(user).get(reverse("desk")).content.decode()


def test_before_the_first_verification_ever_no_desk_is_green(city, signer):
    signing.sign()
    signing.confirm()
    assert reasons() == [Reason.NEVER_VERIFIED]
    for user in (city.auditor, city.security_admin):
        page = desk_of(user)
        assert "The trail was never verified." in page and "Verify the trail now" in page
        assert 'class="stat stat-seal" href="/audit/alarms/"' in page


def test_when_nothing_is_wrong_the_desks_are_green(whole):
    assert reasons() == []
    for user in (whole.auditor, whole.security_admin):
        assert 'class="stat stat-green" href="/audit/alarms/"' in desk_of(user)
    assert "Nothing is wrong with the trail" in client_of(whole.auditor).get(reverse("audit:alarms")).content.decode()


def test_nobody_else_hears_of_alarms(city):
    for name, user in city.people().items():
        watches = name in {"auditor", "security-admin", "security-admin2"}
        assert client_of(user).get(reverse("audit:alarms")).status_code == (200 if watches else 404), name
        assert ("/audit/alarms/" in desk_of(user)) == watches, name


@pytest.mark.parametrize("who", ["auditor", "security_admin"])
def test_a_failed_verification_is_red_until_somebody_closes_it_with_a_finding(whole, owner, who):
    fail(owner)
    assert reasons() == [Reason.VERIFICATION_FAILED]
    user = getattr(whole, who)
    assert "Keep the database as it is" in desk_of(user)
    client = client_of(user)
    [alarm] = alarms.open_alarms()
    address = reverse("audit:alarm", args=[alarm.event_id])
    assert "Keep the database as it is" in client.get(address).content.decode()
    assert "error-summary" in client.post(address, {"finding": "too short"}).content.decode()
    assert reasons() == [Reason.VERIFICATION_FAILED]

    page = client.post(address, {"finding": FOUND}, follow=True).content.decode()
    assert "The alarm is closed." in page and FOUND in page
    assert reasons() == []
    event = Event.objects.get(kind=audit_kinds.ALARM_CLOSED)
    assert (event.actor, event.target_id) == (str(user.pk), str(alarm.event_id))
    assert FOUND not in bytes(event.canonical).decode()
    assert FOUND in client_of(whole.auditor).get(reverse("audit:event", args=[event.pk])).content.decode()
    assert "not open any more" in client.post(address, {"finding": FOUND}, follow=True).content.decode()


def test_a_new_occurrence_opens_a_new_alarm(whole, owner):
    fail(owner)
    [first] = alarms.open_alarms()
    alarms.close(first.event_id, by=whole.auditor, finding=FOUND)
    verification.verify_and_record(by=None)
    [second] = alarms.open_alarms()
    assert second.event_id != first.event_id
    alarms.close(second.event_id, by=whole.auditor, finding=FOUND)
    assert reasons() == []
    with pytest.raises(alarms.NotOpen):
        alarms.close(first.event_id, by=whole.auditor, finding=FOUND)


def test_closing_the_newest_closes_those_of_the_same_reason_before_it_and_no_other(whole, owner, signer):
    fail(owner)
    verification.verify_and_record(by=None)
    signer.unlink()
    with pytest.raises(SignerRefused):
        signing.checkpoint()
    assert set(reasons()) == {Reason.VERIFICATION_FAILED, Reason.WITNESS_MISSING}
    failed = next(alarm for alarm in alarms.open_alarms() if alarm.reason == Reason.VERIFICATION_FAILED)
    alarms.close(failed.event_id, by=whole.auditor, finding=FOUND)
    assert reasons() == [Reason.WITNESS_MISSING]


def test_the_signers_refusal_is_an_alarm_with_what_to_do(whole, signer):
    signer.unlink()
    with pytest.raises(SignerRefused):
        signing.checkpoint()
    page = desk_of(whole.security_admin)
    assert "The witness file is missing." in page
    assert "Put the newest copy of the witness file back" in page


def test_every_code_of_the_signer_has_its_words_and_what_to_do(whole):
    for reason in Reason:
        assert reason.label and alarms.Alarm(reason).to_do
    with transaction.atomic():
        trail.write(audit_kinds.TRAIL_ALARM, by=None, on=None, reason="SOMETHING_ELSE")
    assert reasons() == [Reason.OTHER]


def test_what_lasts_is_shown_without_an_event_and_watching_makes_an_alarm_of_it_once(whole, owner):
    with transaction.atomic():
        trail.write(access_kinds.SIGNED_IN, by=None, on=None)
    owner.execute("UPDATE audit_queue SET at = at - interval '1 minute'")
    [now] = alarms.open_alarms()
    assert (now.reason, now.event_id) == (Reason.UNSEQUENCED, None)
    alarms.watch()
    alarms.watch()
    assert Event.objects.filter(kind=audit_kinds.TRAIL_ALARM).count() == 1
    signing.sign()
    # It is put right, and still somebody has to say what it was.
    [left] = alarms.open_alarms()
    assert left.event_id is not None
    alarms.close(left.event_id, by=whole.security_admin, finding=FOUND)
    assert reasons() == []


def test_closed_while_it_lasts_it_stays_red(whole, owner):
    with transaction.atomic():
        trail.write(access_kinds.SIGNED_IN, by=None, on=None)
    owner.execute("UPDATE audit_queue SET at = at - interval '1 minute'")
    alarms.watch()
    [alarm] = alarms.open_alarms()
    alarms.close(alarm.event_id, by=whole.auditor, finding=FOUND)
    assert [(one.reason, one.event_id) for one in alarms.open_alarms()] == [(Reason.UNSEQUENCED, None)]


def test_a_verification_that_is_too_old_is_an_alarm(whole, owner):
    older = timedelta(hours=37)
    tamper(owner, "UPDATE audit_event SET at = at - %s WHERE kind = 'TRAIL_VERIFIED'", older)
    assert Reason.VERIFICATION_OVERDUE in reasons()


# Who may close, and what stands there -------------------------------------------------------------------------------------
def test_only_who_watches_closes_an_alarm_in_their_name(whole, owner):
    fail(owner)
    [alarm] = alarms.open_alarms()
    with pytest.raises(trail.TrailUnavailable):
        alarms.close(alarm.event_id, by=whole.officer, finding=FOUND)
    # Nor does the system, whose events anybody who captured the application can have written.
    with transaction.atomic():
        trail.write(audit_kinds.ALARM_CLOSED, by=None, on=("audit.event", str(alarm.event_id)))
    assert reasons() == [Reason.VERIFICATION_FAILED]


def test_a_finding_needs_its_event_and_is_never_changed(whole, owner):
    insert = (
        "insert into audit_finding (event_id, alarm_id, finding) values (gen_random_uuid(), gen_random_uuid(), 'x')"
    )
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(insert)
    for statement in ("update audit_finding set finding = 'x'", "delete from audit_finding"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_a_finding_that_was_changed_is_not_shown_as_what_was_written(whole, owner):
    fail(owner)
    [alarm] = alarms.open_alarms()
    alarms.close(alarm.event_id, by=whole.auditor, finding=FOUND)
    tamper(owner, "update audit_finding set finding = 'All is well here.'", tables=("audit_finding",))
    page = client_of(whole.auditor).get(reverse("audit:alarms")).content.decode()
    assert "its digest in the trail differs" in page and "All is well here." not in page


# Sent -----------------------------------------------------------------------------------------------------------------
@pytest.fixture
def program(tmp_path, settings):
    """A program that keeps what it gets, and what it knows of us."""
    path = tmp_path / "alarm"
    path.write_text(f"#!/bin/sh\ncat >> {tmp_path}/got\nenv > {tmp_path}/env\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    settings.ALARM_COMMAND = str(path)
    return tmp_path


def sent():
    events = Event.objects.filter(kind=audit_kinds.ALARM_SENT)
    return [(event.target_id, json.loads(bytes(event.canonical))["detail"]["ways"]) for event in events]


def test_an_alarm_is_sent_once_by_every_way_that_is_set_up(whole, owner, program, settings):
    settings.ALARM_EMAILS = ["duty@example.test"]
    settings.DEFAULT_FROM_EMAIL = "seal@example.test"
    fail(owner)
    alarms.watch()
    alarms.watch()
    [alarm] = alarms.open_alarms()
    assert sent() == [(str(alarm.event_id), ["command", "email"])]
    assert alarm.is_sent
    text = (program / "got").read_text()
    assert text.count(str(alarm.event_id)) == 1 and "校验" in text
    assert "SECRET" not in (program / "env").read_text() and "DATABASE" not in (program / "env").read_text()
    [letter] = mail.outbox
    assert letter.to == ["duty@example.test"] and "校验" in letter.subject
    page = client_of(whole.auditor).get(reverse("audit:alarms")).content.decode()
    assert "It was sent to those who have to know." in page


def test_what_could_not_be_sent_is_tried_again(whole, owner, program, settings, caplog):
    works, settings.ALARM_COMMAND = settings.ALARM_COMMAND, "/nonexistent/alarm"
    fail(owner)
    alarms.watch()
    assert sent() == [] and "ALARM_COMMAND failed" in caplog.text
    settings.ALARM_COMMAND = works
    alarms.watch()
    assert [ways for _event, ways in sent()] == [["command"]]


def test_the_program_gets_no_shell(whole, owner, tmp_path, settings):
    settings.ALARM_COMMAND = f"/bin/sh -c 'touch {tmp_path}/planted'"
    fail(owner)
    alarms.watch()
    assert not (tmp_path / "planted").exists()


def test_the_command_says_what_is_open_by_its_exit_code(whole, owner, capsys):
    call_command("send_alarms")
    assert "No alarm is open." in capsys.readouterr().out
    fail(owner)
    with pytest.raises(SystemExit) as ended:
        call_command("send_alarms")
    assert ended.value.code == 1
    assert "a verification found faults" in capsys.readouterr().err


def test_hostile_events_close_and_hide_nothing(whole, owner):
    fail(owner)
    for one in (
        '{"kind":"TRAIL_ALARM","detail":[]}',
        '{"kind":"TRAIL_ALARM","detail":{"reason":["x"]}}',
        '{"kind":"ALARM_CLOSED","actor":{"id":"x"},"target":{"id":{}}}',
        '{"kind":"TRAIL_VERIFIED","detail":"x"}',
    ):
        owner.execute(
            "INSERT INTO audit_event (id, canonical) VALUES (gen_random_uuid(), convert_to(%s, 'UTF8'))", [one]
        )
    assert Reason.VERIFICATION_FAILED in reasons()
    assert client_of(whole.auditor).get(reverse("audit:alarms")).status_code == 200
