"""Every address asks for a login, none is exempt from the CSRF check, and looking changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core import mail
from django.db import connection
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt  # noqa: TID251 - to know what it leaves behind

from tests import worlds
from tests.permission_table import Cell, cells, patterns
from tests.worlds import ANONYMOUS, World

ROOT = Path(__file__).resolve().parent.parent.parent
# Signing in and out needs no login, nor does choosing a language; nobody signs up (404). mfa_authenticate is the second
# step of signing in: it has a login of its own half done in the session, or sends to the login. Machines watch health.
# How long a session lasts, and an open answer may stand, is said to whoever has none, too: nought.
OPEN = {
    "access:enrol",
    "account_login",
    "account_logout",
    "account_inactive",
    "account_signup",
    "access:session",
    "records:standing",
    "mfa_authenticate",
    "set_language",
    "healthz",
    "readyz",
}
CHANGES = re.compile(
    r"^\s*(insert|update|delete|truncate|merge|copy|create|alter|drop)\b|\bfor (no key )?(update|share)\b",
    re.IGNORECASE,
)
# What a GET may write: the session (a new one, or its messages) and the denial it was answered with.
WRITTEN_BY_GETS = {
    "access_session": "a session begins or is prolonged",
    "audit_event": "the refusal itself, and only with a 403",
}


@pytest.fixture(scope="module")
def world(template_database: str, worker_id: str, django_db_blocker) -> Iterator[World]:
    with django_db_blocker.unblock(), worlds.new_database(template_database, f"urls_{worker_id}"):
        yield World().fill()


def test_every_address_asks_for_a_login_except_the_listed():
    # LoginRequired asks unless a view says otherwise, so what says otherwise is the whole list.
    assert {name for name, pattern in patterns() if not getattr(pattern.callback, "login_required", True)} == OPEN


def test_nobody_signed_in_gets_no_page(world):
    shown = {
        cell.page
        for cell in cells()
        if cell.method == "GET"
        and worlds.client_of(None).get(reverse(cell.page, kwargs=world.objects[cell.kind][cell.state])).status_code
        != 302
    }
    assert shown == OPEN - {"account_logout", "mfa_authenticate", "set_language"}  # these three redirect


def test_no_view_is_exempt_from_the_csrf_check():
    assert csrf_exempt(lambda request: None).csrf_exempt
    assert [name for name, pattern in patterns() if getattr(pattern.callback, "csrf_exempt", False)] == []
    sources = [path for app in ("audit", "access", "records", "config") for path in (ROOT / app).rglob("*.py")]
    assert [path.name for path in sources if "csrf_exempt" in path.read_text()] == []


def test_a_post_without_a_token_is_refused_on_every_page(world):
    passed = []
    for cell in cells():
        if cell.method != "POST":
            continue
        role = next((name for name, status in cell.statuses.items() if status < 400 and name != ANONYMOUS), "officer")
        url = reverse(cell.page, kwargs=world.objects[cell.kind][cell.state])
        response = worlds.client_of(world.sessions[role], enforce_csrf_checks=True).post(url)
        if response.status_code != 403:
            passed.append(str(cell))
    assert passed == []


def test_no_get_changes_anything(world):
    """Nor does it send mail, or lock rows: who may only look must not hold up who acts."""
    mail.outbox.clear()
    found = {}
    for cell in cells():
        if cell.method != "GET":
            continue
        for role in _readers(cell):
            url = reverse(cell.page, kwargs=world.objects[cell.kind][cell.state])
            with _watched() as statements:
                response = worlds.client_of(world.sessions[role]).get(url)
            allowed = {"access_session"} | ({"audit_event"} if response.status_code == 403 else set())
            assert allowed <= set(WRITTEN_BY_GETS)
            writes = [
                sql
                for sql in statements
                if CHANGES.search(sql) and not any(re.search(rf"\b{table}\b", sql) for table in allowed)
            ]
            if writes:
                found[str(cell), role] = writes
    assert found == {}
    assert mail.outbox == []


def _readers(cell: Cell) -> list[str]:
    """One role for each status that somebody with an account gets."""
    by_status = {status: role for role, status in cell.statuses.items() if role != ANONYMOUS}
    by_status.setdefault(cell.others, "auditor" if cell.others == 200 else "nobody")
    return sorted(by_status.values())


@contextmanager
def _watched() -> Iterator[list[str]]:
    statements: list[str] = []

    def watch(execute, sql, params, many, context):
        statements.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield statements
