"""What independent checkers found on the pages stays repaired: valid times and days, and a name for every region and table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from html.parser import HTMLParser

import pytest
from django.test import override_settings
from django.urls import reverse

from access.templatetags.html import iso
from audit import notes
from audit.fields import DayInput
from tests import signing, worlds
from tests.permission_table import cells
from tests.worlds import ANONYMOUS, World

MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}[+-]\d{2}:\d{2})?")


@pytest.fixture(scope="module")
def world(template_database: str, worker_id: str, django_db_blocker, tmp_path_factory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("keys")
    notes.create_signing_key(folder / "signing.pem")
    own_keys = override_settings(AUDIT_SIGNING_KEY_FILE=folder / "signing.pem", AUDIT_WITNESS_FILE=folder / "witness")
    with own_keys, django_db_blocker.unblock(), worlds.new_database(template_database, f"html_{worker_id}"):
        filled = World().fill()
        signing.begin()
        signing.sign()
        yield filled


class Faults(HTMLParser):
    """What is wrong with a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tables: list[bool] = []

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        attributes = dict(pairs)
        is_named = bool(attributes.get("aria-label") or attributes.get("aria-labelledby"))
        if tag == "time" and not MOMENT.fullmatch(attributes.get("datetime") or ""):
            self.found.append(f"time {attributes.get('datetime')}")
        if tag == "aside" and not is_named:
            self.found.append("aside without a name")
        if tag == "pre" and "tabindex" in attributes and not (is_named and attributes.get("role")):
            self.found.append("pre that takes the focus without role and name")
        if tag == "table":
            self.tables.append(False)
        if tag == "caption":
            self.tables[-1] = True
        if tag == "input" and attributes.get("type") == "date" and attributes.get("value"):
            try:
                date.fromisoformat(attributes["value"])
            except ValueError:
                self.found.append(f"day {attributes['value']}")

    def handle_endtag(self, tag: str) -> None:
        if tag == "table" and not self.tables.pop():
            self.found.append("table without a caption")


def faults(page: str) -> list[str]:
    parser = Faults()
    parser.feed(page)
    return parser.found


def test_no_page_has_an_invalid_time_or_an_unnamed_region(world):
    found = {}
    seen = 0
    for cell in cells():
        if cell.method != "GET":
            continue
        roles = [role for role in world.roles if cell.expected(role) == 200 and role != ANONYMOUS]
        for role in roles[:3]:
            url = reverse(cell.page, kwargs=world.objects[cell.kind][cell.state])
            response = worlds.client_of(world.sessions[role]).get(url)
            if not response["Content-Type"].startswith("text/html"):
                continue
            seen += 1
            if wrong := faults(response.content.decode()):
                found[str(cell), role] = wrong
    assert found == {}
    assert seen >= 100


@pytest.mark.parametrize("text", ["0000-00-00", "x", "2026-02-30", "2026/03/01", "20260301"])
def test_a_day_that_is_none_is_shown_again_as_the_text_that_it_is(world, text):
    page = worlds.client_of(world.sessions["auditor"]).get(reverse("audit:events"), {"day_from": text})
    assert faults(page.content.decode()) == []
    html = DayInput().render("day", text)
    assert 'type="text"' in html and text in html


def test_a_day_stays_a_day():
    assert 'type="date"' in DayInput().render("day", "2026-03-01")
    assert 'type="date"' in DayInput().render("day", None)


def test_a_moment_has_no_fraction_and_is_local():
    moment = datetime.fromisoformat("2026-11-24T06:15:30.688448+00:00")
    assert iso(moment) == "2026-11-24T14:15:30+08:00"
    assert iso(None) == ""
