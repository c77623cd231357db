"""Where the time of the page goes: the form sent again and again in this process, each part timed without what it calls."""

from __future__ import annotations

import functools
import json
import statistics
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.bench.register import PASSWORD, Client

REPEATS = 200
REST = "middleware, session, who is asking"


class Clock:
    """Charges time and statements to the innermost part that is running."""

    def __init__(self) -> None:
        self.running = [REST]
        self.milliseconds: Counter[str] = Counter()
        self.statements: Counter[str] = Counter()
        self.since = time.perf_counter()

    def turn(self) -> None:
        now = time.perf_counter()
        self.milliseconds[self.running[-1]] += (now - self.since) * 1000
        self.since = now

    def part(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def timed(*arguments: Any, **named: Any) -> Any:
            self.turn()
            self.running.append(name)
            try:
                return function(*arguments, **named)
            finally:
                self.turn()
                self.running.pop()

        return timed

    def count(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        self.statements[self.running[-1]] += 1
        return execute(*arguments)


def table(client: Client) -> str:
    """Return a Markdown table of the parts of one answer's page, medians of many requests."""
    from django.db import connection
    from django.template.loader import get_template
    from django.test import Client as Browser
    from django.urls import reverse

    from config import context
    from records import disclosure, urls
    from records.views import answers

    clock = Clock()
    places: list[tuple[Any, str, str]] = [
        (next(pattern for pattern in urls.urlpatterns if pattern.name == "open"), "callback", "view: grant and person"),
        (disclosure.opening, "open_grant", "door, first transaction: checks, count, event"),
        (disclosure, "_disclosed", "door, second transaction: what the event covers"),
        (disclosure, "_shown", "door: offences and organs"),
        (disclosure, "_decrypted", "door: unwrapping and decrypting"),
        (answers, "render", "template"),
    ]
    for owner, attribute, name in places:
        setattr(owner, attribute, clock.part(name, getattr(owner, attribute)))
    processors = get_template("records/answer.html").template.engine
    processors.__dict__["template_context_processors"] = tuple(
        clock.part("template: navigation and notices", processor) if processor is context.shell else processor
        for processor in processors.template_context_processors
    )

    browser = Browser()
    browser.post(reverse("account_login"), {"login": client.username, "password": PASSWORD})
    browser.post(reverse("access:identity"), {"password": PASSWORD})
    rows = []
    for _ in range(REPEATS):
        grant, subject = client.openings[0]
        clock.__init__()
        with connection.execute_wrapper(clock.count):
            answer = browser.post(reverse("records:open", args=[grant, subject]), {"token": str(uuid.uuid4())})
        clock.turn()
        if b"data-sealed" not in answer.content:
            raise SystemExit("The page of the answer shows none; nothing was measured.")
        rows.append((dict(clock.milliseconds), dict(clock.statements)))
    return _table(rows[REPEATS // 10 :])


def _table(rows: list[tuple[dict[str, float], dict[str, int]]]) -> str:
    medians = {part: statistics.median(milliseconds[part] for milliseconds, _ in rows) for part in rows[0][0]}
    whole = sum(medians.values())
    statements = rows[-1][1]
    lines = [
        "| part of the answer's page (one request, in a process) | ms | share | statements |",
        "|---|---:|---:|---:|",
    ]
    for part, median in sorted(medians.items(), key=lambda item: -item[1]):
        lines.append(f"| {part} | {median:.2f} | {median / whole:.0%} | {statements.get(part, 0)} |")
    lines.append(f"| together | {whole:.2f} | 100% | {sum(statements.values())} |")
    return "\n".join(lines)


if __name__ == "__main__":
    import django

    django.setup()
    sys.stdout.write(table(Client(**json.loads(sys.argv[1]))) + "\n")
