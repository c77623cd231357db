"""Machines are told what lives and what is missing; failures are one line; metrics name no ids and no people."""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from django.db import connection, connections
from django.test import Client
from django.urls import reverse
from prometheus_client import generate_latest
from psycopg.conninfo import make_conninfo

from access import vault
from config import database, health, metrics
from config.management.commands.metrics import registry
from records import keyservice
from tests import factories, signing
from tests.clients import signed_in
from tests.databases import ROOT

pytestmark = pytest.mark.django_db


@pytest.fixture
def no_database(db):
    """Let every connection meet a port where nobody listens, until the test is over."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        dead = connections["default"]
        before = dict(dead.settings_dict)
        dead.close()
        dead.settings_dict.update(HOST="127.0.0.1", PORT=taken.getsockname()[1])
        yield
        dead.close()
        dead.settings_dict.update(before)


@pytest.fixture
def lines():
    """What the logger of requests writes."""
    found: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = found.append
    root = logging.getLogger()
    console = root.handlers[0]
    handler.filters = list(console.filters)
    root.addHandler(handler)
    try:
        yield found
    finally:
        root.removeHandler(handler)


@pytest.fixture
def worker_is_there(monkeypatch):
    monkeypatch.setitem(health.CHECKS, "worker", lambda: "")


def checks(client: Client) -> tuple[int, dict[str, str]]:
    response = client.get("/readyz")
    return response.status_code, response.json()["checks"]


def test_a_process_lives_without_a_database(no_database):
    response = Client().get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok\n")
    assert response["Cache-Control"] == "no-store, private"


def test_everything_is_ready_when_nothing_is_missing(worker_is_there, signer, owner):
    owner.execute("insert into records_upkeep (at) values (clock_timestamp())")
    signing.begin()
    signing.sign()
    signing.confirm()
    assert (health.troubles(), checks(Client())[0]) == (dict.fromkeys(health.CHECKS, ""), 200)


def test_a_worker_that_does_not_report_is_missed():
    status, found = checks(Client())
    assert status == 503 and "Start one: manage.py worker" in found["worker"]


def test_a_trail_that_is_not_fresh_is_not_ready(worker_is_there, owner):
    factories.City()
    owner.execute("alter table audit_queue disable trigger all")
    owner.execute("update audit_queue set at = at - interval '1 minute'")
    status, found = checks(Client())
    assert status == 503 and "Start the signer." in found["trail"]


def test_without_a_database_the_rest_is_not_asked(no_database):
    status, found = checks(Client())
    assert status == 503
    assert found["database"] == "The database does not answer."
    assert {found[name] for name in ("keys", "trail", "worker")} == {health.NOT_ASKED}


def test_without_its_keys_it_is_not_ready_and_does_not_tell_strangers_where_they_lie(
    worker_is_there, settings, tmp_path
):
    vault.reset()
    settings.VAULT_KEYRING = tmp_path / "nowhere.json"
    status, found = checks(Client())
    assert status == 503
    assert found["keys"] == "This cannot be used. The server log says what to put right."
    assert "nowhere" not in str(found)


@pytest.mark.parametrize("missing", ["SEALED_KEYRING", "SEALED_DATABASE_URL"])
def test_without_the_sealed_connection_or_its_keyring_it_is_not_ready(worker_is_there, settings, tmp_path, missing):
    keyservice.close()
    setattr(settings, missing, tmp_path / "nowhere.json" if missing == "SEALED_KEYRING" else "")
    status, found = checks(Client())
    assert status == 503
    assert found["sealed connection"] == "This cannot be used. The server log says what to put right."


def test_upkeep_that_never_ran_is_told(worker_is_there):
    assert "manage.py maintain" in checks(Client())[1]["upkeep"]


@pytest.mark.parametrize("host", ["records.example", "10.0.0.7"])
def test_health_is_answered_in_plain_http_too(settings, host):
    settings.SECURE_SSL_REDIRECT = True
    settings.ALLOWED_HOSTS = [host]
    assert Client(headers={"host": host}).get("/healthz").status_code == 200
    assert Client(headers={"host": host}).get("/accounts/login/").status_code == 301


# Failures


def test_a_key_that_is_missing_is_a_503_that_says_what_to_do(settings, tmp_path, lines):
    city = factories.City()
    record = factories.violation_at("DRAFT", city)
    client = signed_in(city.officer)
    vault.reset()
    settings.VAULT_KEYRING = tmp_path / "nowhere.json"
    try:
        response = client.get(reverse("records:edit", args=[record.pk]))
    finally:
        vault.reset()

    assert response.status_code == 503
    assert response["Retry-After"] and "no-store" in response["Cache-Control"]
    page = response.content.decode()
    assert "Tell whoever runs it" in page and "nowhere" not in page
    (line,) = lines
    assert line.values["status"] == 503 and line.values["route"] == "records:edit"
    assert "There is no keyring at" in line.values["said"][0]


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/requests/"])
def test_one_request_that_fails_for_want_of_a_database_is_one_line(lines, path, request):
    client = signed_in(factories.City().officer)
    client.raise_request_exception = False
    request.getfixturevalue("no_database")
    assert client.get(path).status_code == 503
    (line,) = lines
    assert (line.name, line.levelname) == ("seal.request", "ERROR")
    assert line.values["said"] == ["The database cannot be reached."]
    assert "OperationalError" in line.values["error"]


def test_an_error_of_ours_is_one_line_with_the_number_that_the_page_shows(monkeypatch, lines):
    client = signed_in(factories.City().officer)
    client.raise_request_exception = False
    monkeypatch.setattr("config.views.frame.of", lambda user: 1 / 0)
    response = client.get("/")

    assert response.status_code == 500
    (line,) = lines
    assert "ZeroDivisionError" in line.values["error"]
    assert line.values["route"] == "desk"
    page = response.content.decode()
    assert re.search(r"[0-9a-f]{32}", page)


# Metrics


def told() -> str:
    return generate_latest(registry()).decode()


def value(text: str, name: str) -> float:
    return float(next(line for line in text.splitlines() if line.startswith(name + " ")).rpartition(" ")[2])


def test_the_database_tells_queues_and_the_lag_of_the_trail(worker_is_there):
    city = factories.City()
    factories.submitted(city)
    text = told()
    assert value(text, 'seal_queue_length{queue="requests"}') == 1
    assert value(text, 'seal_queue_oldest_seconds{queue="requests"}') > 0
    assert value(text, "seal_trail_lag_seconds") > 0
    while signing.sequence():
        pass
    text = told()
    assert value(text, "seal_trail_lag_seconds") == 0
    assert value(text, "seal_trail_events") > 0
    assert value(text, 'seal_ready{check="database"}') == 1
    for secret in (str(city.officer.pk), city.officer.username, city.officer.full_name):
        assert secret not in text


def test_without_a_database_the_metrics_say_so(no_database):
    text = told()
    assert value(text, 'seal_ready{check="database"}') == 0
    assert "seal_queue_length" not in text


def test_openings_and_refusals_are_counted_from_the_trail():
    city = factories.City()
    grant = factories.approved(city)
    client = signed_in(city.requester)
    factories.ready(grant, client.cookies["sessionid"].value)
    url = reverse("records:open", args=[grant.pk, factories.subject_of(grant).pk])
    assert value(told(), "seal_openings_total") == value(told(), "seal_refusals_total") == 0
    assert client.post(url, {"token": factories.token()}).status_code == 200
    assert client.get(reverse("access:queue")).status_code == 403
    assert value(told(), "seal_openings_total") == value(told(), "seal_refusals_total") == 1


def test_requests_are_counted_by_route_and_class_of_status():
    counted = metrics.REQUESTS.labels("none", "4xx")._value
    before = counted.get()
    Client().get("/nothing/0f8b9f0e-6a3a-4b4f-9a55-5d1f0c9b8a77/")
    assert counted.get() == before + 1


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def answer(url: str, seconds: int = 30) -> str:
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return response.read().decode()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def test_several_web_processes_are_added_up_on_a_port_of_its_own(cloned, tmp_path: Path):
    web, port = free_port(), free_port()
    environment = {
        **os.environ,
        "DATABASE_URL": make_conninfo(**{**cloned, "user": database.APP}),
        "METRICS_PORT": str(port),
        "METRICS_DIR": str(tmp_path / "metrics"),
    }
    commands = [
        ["-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{web}", "--workers", "2"],
        ["manage.py", "metrics"],
    ]
    processes = []
    try:
        for command in commands:
            processes.append(subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment))
            answer(f"http://127.0.0.1:{web}/healthz")
        for _time in range(20):
            answer(f"http://127.0.0.1:{web}/healthz")
        text = answer(f"http://127.0.0.1:{port}/metrics")
        # A busy machine answers one too late, and it is asked again.
        assert value(text, 'seal_requests_total{route="healthz",status="2xx"}') >= 22
        assert len(list((tmp_path / "metrics").glob("counter_*.db"))) >= 1
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        assert [process.wait(timeout=20) for process in processes] == [0] * len(processes)


def test_the_database_of_a_test_is_left_open():
    """The checks close only a connection that has failed."""
    assert health.troubles()["database"] == ""
    assert connection.connection is not None
