"""Every address x object state x role x method; an address without a row fails."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest
from django.urls import reverse

from config import database
from tests import worlds
from tests.permission_table import METHODS, STRANGERS, USED_UP, Cell, cells, patterns
from tests.worlds import ANONYMOUS, MAKERS, MISSING, World

PAGES = sorted({cell.page for cell in cells()})
# The pages of the account belong to everybody alike.
THREE = [ANONYMOUS, "officer", worlds.NOBODY]
# Tokens, and how many seconds the session lasts.
TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="[^"]*"|data-left="\d+"|"(left|token)": [^,}]+')


@pytest.fixture(scope="module")
def world(template_database: str, worker_id: str, django_db_blocker) -> Iterator[World]:
    with django_db_blocker.unblock(), worlds.new_database(template_database, f"table_{worker_id}"):
        yield World().fill()


def answer(world: World, cell: Cell, role: str, values: dict[str, object], method: str = ""):
    """Send one request of this role from a browser that holds nothing but a session."""
    session = world.sessions[role]
    if cell.page == "account_logout" and session:
        session = worlds.sign_in(world.city.officer)
    if cell.page == "account_login":
        with worlds.connect(database.OWNER) as owner:  # or its own limit answers
            owner.execute("delete from access_attempt")
    send = getattr(worlds.client_of(session), (method or cell.method).lower())
    return send(reverse(cell.page, kwargs=values))


def told(response, values: dict[str, object]) -> tuple[int, dict[str, str], bytes]:
    """Return everything that a response says, without the tokens and the address that was asked for."""
    body = TOKEN.sub(b"", response.content)
    headers = {name: text for name, text in response.headers.items() if name != "Content-Length"}
    for value in values.values():
        body = body.replace(str(value).encode(), b"")
        headers = {name: text.replace(str(value), "") for name, text in headers.items()}
    return response.status_code, headers, body


def test_every_address_has_a_row_and_every_row_an_address():
    assert {name for name, _pattern in patterns()} == set(PAGES)


def test_every_state_has_one_row():
    rows = Counter((cell.page, cell.method, cell.state) for cell in cells())
    assert [row for row, count in rows.items() if count > 1] == []
    for page, method in {(cell.page, cell.method) for cell in cells()}:
        mine = [cell for cell in cells() if (cell.page, cell.method) == (page, method)]
        assert {cell.state for cell in mine} == set(MAKERS[mine[0].kind]), page


def test_every_named_role_is_somebody(world):
    assert {role for cell in cells() for role in cell.statuses} <= set(world.roles)


@pytest.mark.parametrize("page", PAGES)
def test_each_role_gets_the_status_of_the_table(world, page):
    """What is not visible is, byte for byte, what does not exist."""
    wrong, telling, nothing = {}, [], {}
    # What does not exist first, and what nobody sees before anything is used up: the badges of the frame count it.
    mine = [cell for cell in cells() if cell.page == page]
    mine.sort(key=lambda cell: (cell.state != MISSING, len(cell.statuses)))
    own = {
        (cell, role): world.fresh(cell.kind, cell.state)
        for cell in mine
        for role in cell.statuses
        if page in USED_UP and cell.state != MISSING
    }
    for cell in mine:
        for role in THREE if page.startswith(("account_", "mfa_")) else world.roles:
            values = own.get((cell, role)) or world.objects[cell.kind][cell.state]
            response = answer(world, cell, role, values)
            if response.status_code != cell.expected(role):
                wrong[str(cell), role] = response.status_code, cell.expected(role)
            if cell.state == MISSING:
                nothing[cell.method, role] = told(response, values)
            else:
                unseen = MISSING in MAKERS[cell.kind] and (cell.expected(role) == 404 or role == ANONYMOUS)
                said = told(response, values)
                if unseen and said != nothing[cell.method, role]:
                    # The badges of the frame may count less by now; then what does not exist says the same today.
                    missing = next(one for one in mine if (one.state, one.method) == (MISSING, cell.method))
                    values = world.objects[cell.kind][MISSING]
                    if said != told(answer(world, missing, role, values), values):
                        telling.append((str(cell), role))
    assert wrong == {}
    assert telling == []


@pytest.mark.parametrize("page", PAGES)
def test_a_method_without_a_row_is_refused(world, page):
    cell = next(cell for cell in cells() if cell.page == page)
    values = next(reversed(world.objects[cell.kind].values()))
    is_open = any(ANONYMOUS in cell.statuses for cell in cells() if cell.page == page)
    for method in sorted(set(METHODS) - {cell.method for cell in cells() if cell.page == page}):
        assert answer(world, cell, "officer", values, method).status_code == 405, method
        expected = 405 if is_open else STRANGERS.get(method, 302)
        assert answer(world, cell, ANONYMOUS, values, method).status_code == expected, method
