"""What the tests in a real Chromium stand on: the product as it is served, the small city, and what may not go wrong."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.urls import reverse
from django.utils import translation
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Response

from config import sample_city

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
# No network but the pages' own; no sandbox, because CI runs as root.
ARGUMENTS = [
    *["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
    *["--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"],
]
LOCALES = {"zh-hans": "zh-CN", "en": "en-US"}
LANGUAGES = list(LOCALES)
Visit = Callable[..., Page]


def words(language: str, msgid: str, **values: object) -> str:
    """Return a sentence as a reader of this language has it."""
    with translation.override(language):
        text = translation.gettext(msgid)
    assert language == "en" or text != msgid, f"not translated: {msgid}"
    return text % values if values else text


@dataclass
class Site:
    """The product as it is served, with everything that left it other than as the body of a page."""

    url: str
    said: list[str] = field(default_factory=list)

    def at(self, name: str, *args: Any) -> str:
        return self.url + reverse(name, args=args)


class _Said(logging.Handler):
    """Keeps what the server logs, requests included."""

    def __init__(self, said: list[str]) -> None:
        super().__init__()
        self.said = said
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(self.format(record))


@contextmanager
def serving() -> Iterator[Site]:
    """Serve the whole product on a free port, from the database that Django's connection stands in."""
    application = WSGIHandler()
    site = Site("")

    def overheard(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            site.said += [f"{status} {name}: {value}" for name, value in headers]
            return start_response(status, headers, *rest)

        return application(environ, start)

    server = ThreadedWSGIServer(("127.0.0.1", 0), WSGIRequestHandler)
    server.set_app(overheard)
    site.url = f"http://127.0.0.1:{server.server_port}"
    handler = _Said(site.said)
    loggers = [logging.getLogger(), logging.getLogger("django.server")]
    for logger in loggers:
        logger.addHandler(handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        for logger in loggers:
            logger.removeHandler(handler)


class SmallCity(sample_city._City):
    """The units and people of the demo, with little in the register, since every row costs time."""

    def fill(self) -> SmallCity:
        self.make_units()
        about = iter(self.persons[1:])
        self._violation("SEALED", "officer", sample_city.KNOWN, 60, "PSAPL2025-051-p1-i1")
        self._violation("SEALED", "officer2", next(about), 90)
        for state in ("DRAFT", "DRAFT", "SUBMITTED", "SUBMITTED", "RETURNED", "CONFIRMED", "CONFIRMED"):
            self._violation(state, "officer", next(about), 12)
        for username in ("hospital", "kindergarten", "school"):
            self._submitted(username)
        self._make_overdue(self._submitted("hospital", "UMPL-62"), 1)
        self._draft("kindergarten", "UMPL-62")
        self._open(self._approved("kindergarten", "UMPL-62"), times=1)
        self._story()
        return self


class Troubles(list[str]):
    """Everything that must not happen on any page: errors of scripts and of the policy, failed and broken answers."""

    def watch(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("response", self._response)
        context.on("weberror", lambda error: self.append(f"script: {error.error}"))

    def _console(self, message: ConsoleMessage) -> None:
        # That a page was not found is for the test to say; what it could not load is told by the response.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.append(f"console: {message.text}")

    def _response(self, response: Response) -> None:
        is_page = response.request.resource_type == "document"
        if response.status >= 500 or (response.status >= 400 and not is_page):
            self.append(f"{response.status}: {response.url}")


def clicking(page: Page, what: Any) -> None:
    """Press something (a selector or a locator) and wait for the next page."""
    with page.expect_navigation():
        (page.locator(what) if isinstance(what, str) else what).click()
