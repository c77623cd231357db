"""The commands around the product: each refuses in one sentence what it must not do."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import timedelta
from io import StringIO

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone, translation
from psycopg.conninfo import make_conninfo

from access import duties
from access.actions import people
from access.models import Organisation, User
from access.models.duty import Duty
from audit.models import Event
from config import database, sample_city
from config.management.commands import accounts, check_translations
from config.processes import DemoRefused
from tests import factories
from tests.databases import ROOT


def test_the_demo_refuses_before_it_touches_anything(monkeypatch):
    monkeypatch.setenv("HOST", "0.0.0.0")
    with pytest.raises(DemoRefused, match="its accounts and password are public"):
        call_command("demo")


def test_the_demo_needs_its_own_mode(monkeypatch):
    monkeypatch.delenv("HOST", raising=False)
    with pytest.raises(CommandError, match="make demo"):
        call_command("demo")


def test_the_accounts_are_a_table_with_the_password(monkeypatch):
    monkeypatch.setenv("DEMO_PASSWORD", "another password of the demo")
    out = StringIO()
    call_command("accounts", stdout=out)

    for account in sample_city.ACCOUNTS:
        assert account.username in out.getvalue()
    assert "another password of the demo" in out.getvalue()


def test_the_columns_of_the_table_stand_below_each_other():
    lines = accounts.table().splitlines()
    officer = next(line for line in lines if line.startswith("officer "))
    auditor = next(line for line in lines if line.startswith("auditor "))

    assert _column(officer, "望潮分局") == _column(auditor, "云汐市公安局")


def _column(line: str, text: str) -> int:
    return accounts._width(line[: line.index(text)])


def test_there_are_no_superusers():
    with pytest.raises(CommandError, match="There are no superusers.*set_up"):
        call_command("createsuperuser", "--noinput", username="root")


# set_up
def plan(**values) -> dict:
    units = [
        {"name": "某市公安局", "name_en": "City Bureau", "kind": "PUBLIC_SECURITY_BUREAU", "code": "341400000000", "region_code": "341400"},
        {"name": "某分局", "name_en": "Branch", "kind": "PUBLIC_SECURITY_BRANCH", "code": "341402000000", "region_code": "341402", "parent": "341400000000"},
    ]  # fmt: skip
    duties_held = (Duty.ADMINISTER_PEOPLE, Duty.ADMINISTER_PEOPLE, Duty.ASSIGN_DUTIES, Duty.ASSIGN_DUTIES, Duty.OVERSEE)
    keepers = [
        {"username": f"{duty.value}-{place}", "full_name": "某人", "unit": "341400000000", "duty": duty.value}
        for place, duty in enumerate(duties_held)
    ]
    return {"units": units, "keepers": keepers, **values}


@pytest.fixture
def set_up(tmp_path, settings):
    def run(contents: dict) -> str:
        path = tmp_path / "city.json"
        path.write_text(json.dumps(contents))
        out = StringIO()
        with database.as_owner(settings.DATA_DIR):  # as manage.py starts it
            call_command("set_up", str(path), stdout=out)
        return out.getvalue()

    return run


CODE = re.compile(r"code ([2-9A-Z-]{14}), to be used at /enrol/")


@pytest.mark.django_db
def test_setting_up_enters_units_and_two_of_each_administrator_once_with_codes(set_up):
    said = set_up(plan())
    assert "2 units entered" in said and len(CODE.findall(said)) == 5
    again = set_up(plan())
    assert "0 units entered" in again and not CODE.search(again)

    assert Organisation.objects.get(code="341402000000").parent.code == "341400000000"
    assert User.objects.count() == 5
    auditor = User.objects.get(username="oversee-4")
    assert not auditor.has_usable_password()
    code = next(CODE.search(line)[1] for line in said.splitlines() if line.startswith("oversee-4 "))
    assert people.enrol(by="oversee-4", code=code, password="chosen by its holder")


@pytest.mark.django_db
def test_the_application_cannot_set_up_anybody(tmp_path):
    path = tmp_path / "city.json"
    path.write_text(json.dumps(plan()))
    with translation.override("en"), pytest.raises(CommandError, match="not complete or not right"):
        call_command("set_up", str(path), stdout=StringIO())
    assert not User.objects.exists()


@pytest.mark.django_db
def test_an_administrator_comes_back_with_a_code_made_on_the_server(settings):
    city, out = factories.City(), StringIO()
    with database.as_owner(settings.DATA_DIR):
        call_command("recover_administrator", "security-admin", stdout=out)
        with pytest.raises(CommandError, match="in the browser"):
            call_command("recover_administrator", "officer")

    event = Event.objects.filter(kind="ENROLMENT_CODE_MADE").latest("at")
    assert (event.actor, event.target_id) == (None, str(city.security_admin.pk))
    code = CODE.search(out.getvalue())[1]
    assert people.enrol(by="security-admin", code=code, password="chosen by its holder")
    with translation.override("en"), pytest.raises(CommandError, match="DATABASE_OWNER_URL"):
        call_command("recover_administrator", "security-admin")


@pytest.mark.django_db
def test_a_unit_that_is_added_later_has_the_same_keepers(set_up):
    set_up(plan())
    court = {
        "name": "某法院", "name_en": "Court", "kind": "COURT", "code": sample_city._code(sample_city._unit("court")),
        "region_code": "341402", "agreement_ends_on": "2099-12-31",
    }  # fmt: skip
    set_up(plan(units=[*plan()["units"], court]))

    organisation = Organisation.objects.get(code=court["code"])
    assert duties.has(User.objects.get(username="administer_people-1"), Duty.ADMINISTER_PEOPLE, organisation)
    assert duties.has(User.objects.get(username="assign_duties-3"), Duty.ASSIGN_DUTIES, organisation)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("contents", "sentence"),
    [
        ({}, "cannot be read"),
        (plan(keepers=[]), "Name at least so many keepers"),
        (plan(keepers=plan()["keepers"][1:]), "Name at least so many keepers"),
        (plan(units=[{"name": "x"}]), "not complete or not right"),
        (plan(units=[{**plan()["units"][0], "code": "12"}]), "12 digits"),
    ],
)
def test_a_plan_that_is_not_right_is_one_sentence(set_up, contents, sentence):
    with translation.override("en"), pytest.raises(CommandError, match=sentence):
        set_up(contents)


# Keys and processes
def test_keys_are_made_once(settings, tmp_path):
    settings.VAULT_KEYRING, settings.AUDIT_SIGNING_KEY_FILE = tmp_path / "keyring.json", tmp_path / "signing.pem"
    settings.SEALED_KEYRING = tmp_path / "sealed-keyring.json"
    call_command("make_keys", stdout=StringIO())
    before = [path.read_bytes() for path in sorted(tmp_path.iterdir())]

    out = StringIO()
    call_command("make_keys", stdout=out)

    assert out.getvalue().count("stays as it is") == 3
    assert [path.read_bytes() for path in sorted(tmp_path.iterdir())] == before
    assert len(before) == 4 and {
        path.stat().st_mode & 0o077 for path in tmp_path.iterdir() if path.suffix != ".pub"
    } == {0}
    # Each keyring holds its own compartment and nothing of the other.
    held = [set(json.loads(path.read_text())) for path in (settings.VAULT_KEYRING, settings.SEALED_KEYRING)]
    assert held == [{"format", "working", "index"}, {"format", "sealed", "index"}]


# Translations
def test_texts_without_a_translation_are_named(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "views.py").write_text(
        'from gettext import gettext as _\nA = _("Good day.")\nB = _("Bad day.")\n'
    )
    folder = tmp_path / "locale" / "zh_Hans" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.po").write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "Good day."\nmsgstr "好。"\n'
    )
    before = (folder / "django.po").read_bytes()

    assert check_translations.untranslated(tmp_path) == ["Bad day."]
    assert (folder / "django.po").read_bytes() == before


def test_without_gettext_the_check_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(CommandError, match="apt-get install gettext"):
        check_translations.untranslated(tmp_path)


# The worker and the signer
@pytest.fixture
def run(cloned, db, tmp_path):
    """Start a command that goes on, on the database of this test; every one that still runs is ended."""
    started = []

    def start(*command: str) -> subprocess.Popen:
        addresses = {
            "DATABASE_URL": database.APP,
            "DATABASE_SIGNER_URL": database.SIGNER,
            "SEALED_DATABASE_URL": database.KEYS,
        }
        urls = {name: make_conninfo(**{**cloned, "user": role}) for name, role in addresses.items()}
        environment = {**os.environ, **urls, "DATA_DIR": str(tmp_path), "AUDIT_CHECKPOINT_SECONDS": "1"}
        process = subprocess.Popen(
            [sys.executable, "manage.py", *command], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


def wait_for(question, *parameters, seconds: int = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(question, parameters)
            if cursor.fetchone()[0]:
                return True
        time.sleep(0.1)
    return False


SIGNED = "select coalesce(max(size), 0) >= (select count(*) from audit_event) from audit_checkpoint"
REGISTERED = "select count(*) > 0 from procrastinate_workers"


def test_the_worker_registers_for_jobs_and_the_signer_signs_and_both_stop_when_told(run):
    city = factories.City()
    signer, worker = run("signer", "--begin"), run("worker")

    assert wait_for(SIGNED) and wait_for(REGISTERED)
    people.disable_user(city.officer, by=city.people_admin)
    assert wait_for(SIGNED)

    for process in (signer, worker):
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=15) == 0
    assert not wait_for(REGISTERED, seconds=0.3)


def test_the_worker_alone_leaves_the_trail_to_the_signer(run):
    factories.City()
    run("worker")

    assert wait_for(REGISTERED)
    assert not wait_for(SIGNED, seconds=3)


def test_worker_and_signer_come_back_after_the_database_went_away(run, cloned):
    signer, worker = run("signer", "--begin"), run("worker")
    assert wait_for(REGISTERED) and wait_for(SIGNED)

    with psycopg.connect(make_conninfo(**cloned), autocommit=True) as superuser:
        superuser.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where usename in ('seal_app', 'seal_signer') and datname = current_database()"
        )
    connection.close()
    factories.City()

    assert wait_for(SIGNED, seconds=30)
    assert wait_for(
        "select count(*) > 0 from procrastinate_workers where last_heartbeat > %s",
        timezone.now() - timedelta(seconds=30),
    )
    for process in (signer, worker):
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=15) == 0
