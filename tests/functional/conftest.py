"""A Chromium, a site over a database of its own, and somebody who looks at it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, sync_playwright

from tests import factories, signing, worlds
from tests.browsing import ARGUMENTS, CHROMIUM, LANGUAGES, LOCALES, Site, SmallCity, Troubles, Visit, serving


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    """Each of the languages in turn: what is worded is worded in both."""
    return request.param


@pytest.fixture
def city() -> factories.City:
    return factories.City()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for a file of tests; its loop must be over before tests of other kinds go on."""
    if not Path(CHROMIUM).exists():
        sentence = f"There is no Chromium at {CHROMIUM}: install one, or name it in CHROMIUM."
        if os.environ.get("BROWSER_REQUIRED") == "1":
            pytest.fail(sentence)
        pytest.skip(sentence)
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright's loop lives in this thread, so Django takes us for a coroutine. We are none.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def site(db: None) -> Iterator[Site]:
    """The product over an empty database of this test's own."""
    with serving() as served:
        yield served


@pytest.fixture(scope="session")
def small_city_database(template_database: str, django_db_blocker: Any, worker_id: str) -> Iterator[dict[str, str]]:
    """A database with the small city in it, for tests that only look."""
    with django_db_blocker.unblock(), worlds.new_database(template_database, f"city_{worker_id}") as values:
        SmallCity(factories.PASSWORD).fill()
        yield values


@pytest.fixture
def city_site(
    small_city_database: dict[str, str], django_db_blocker: Any, settings: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The product over the small city with its trail signed; what a test changes there, later ones find."""
    settings.AUDIT_WITNESS_FILE = tmp_path_factory.getbasetemp() / "witness of the city"
    with django_db_blocker.unblock(), worlds.inside(small_city_database), serving() as served:
        signing.begin()
        signing.sign()
        yield served


@pytest.fixture
def visit(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """Open a browser for somebody: `visit(site, language=..., user=...)`, signed in already when a user is given."""
    troubles, contexts = Troubles(), []

    def open_for(
        site: Site,
        *,
        user: Any = None,
        language: str = "zh-hans",
        scheme: Any = "light",
        width: int = 1280,
    ) -> Page:
        context = chromium.new_context(
            locale=LOCALES[language],
            timezone_id="Asia/Shanghai",
            color_scheme=scheme,
            viewport={"width": width, "height": 800},
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        troubles.watch(context)
        if user is not None:
            cookie = {"name": settings.SESSION_COOKIE_NAME, "value": worlds.sign_in(user), "url": site.url}
            context.add_cookies([cookie])
        return context.new_page()

    yield open_for
    for context in contexts:
        context.close()
    assert not troubles, "\n".join(troubles)
