"""Serve the product with one object in each state, find every form of every role, and send it everything.

Ends with 1 if anything answered 5xx, if the web process grew beyond the limit, or if too little was sent.
"""

from __future__ import annotations

import argparse
import functools
import http.client
import itertools
import os
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote_from_bytes, urljoin, urlsplit

from tests import environment  # noqa: F401 - before any settings

LEAST, GROWTH, USUAL = 17_000, 1.2, 20_000
ROOT = Path(__file__).resolve().parents[2]
THREADS = 3
BOUNDARY = b"----fuzz"
# As many objects of one kind of page as are visited, and pages between two looks at a form that is being sent.
OBJECTS, AGAIN, ALIKE = 3, 60, 1
# As many fields of a form are left out, one after the other, before the memory is measured.
USED = 24
NUMBER = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\b\d+\b")
# What ends the session that asks, and what is never ready without a worker.
LEFT_OUT = ("/accounts/logout/", "/readyz", "/static/")
# Who can take the others' accounts and duties away comes last.
LAST = ("security-admin", "people-admin")
PARAMETERS = ("page", "tab", "before", "next", "viewing", "problems", "q", "language")


class Answer:
    """What came back: its status, where it leads, and its text where it is a page."""

    def __init__(self, status: int, place: str, text: str) -> None:
        self.status, self.place, self.text = status, place, text


class Browser:
    """One person's session on connections of its own, one for each thread."""

    def __init__(self, address: str, session: str | None) -> None:
        self.address = address
        self.cookies = {"csrftoken": "a" * 32, "django_language": "en"} | ({"sessionid": session} if session else {})

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "", **headers: str) -> Answer:
        for attempt in (1, 2):
            with closing(http.client.HTTPConnection(self.address, timeout=60)) as connection:
                cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
                sent = {"Cookie": cookies, "Origin": f"http://{self.address}", **headers}
                if kind:
                    sent["Content-Type"] = kind
                try:
                    connection.request(method, path, body or None, sent)
                    response = connection.getresponse()
                    content = response.read()
                except (OSError, http.client.HTTPException):
                    if attempt == 2:
                        raise
                    continue
            is_page = (response.getheader("Content-Type") or "").startswith("text/html")
            return Answer(
                response.status,
                response.getheader("Location") or "",
                content.decode(errors="replace") if is_page else "",
            )
        raise AssertionError


def encoded(fields: Iterable[tuple[str, bytes]]) -> tuple[bytes, str]:
    text = "&".join(f"{quote_from_bytes(name.encode())}={quote_from_bytes(value)}" for name, value in fields)
    return text.encode(), "application/x-www-form-urlencoded"


def multipart(fields: Iterable[tuple[str, bytes]], file: tuple[str, bytes, bytes] | None) -> tuple[bytes, str]:
    parts = [
        b"--"
        + BOUNDARY
        + b'\r\nContent-Disposition: form-data; name="'
        + name.encode()
        + b'"\r\n\r\n'
        + value
        + b"\r\n"
        for name, value in fields
    ]
    if file:
        name, filename, content = file
        head = b'\r\nContent-Disposition: form-data; name="' + name.encode() + b'"; filename="' + filename + b'"'
        parts.append(b"--" + BOUNDARY + head + b"\r\nContent-Type: application/pdf\r\n\r\n" + content + b"\r\n")
    return b"".join(parts) + b"--" + BOUNDARY + b"--\r\n", f"multipart/form-data; boundary={BOUNDARY.decode()}"


class Run:
    """Everything that was sent and what came of it."""

    def __init__(self, address: str, sessions: dict[str, str | None], forget_limits) -> None:
        from tests.fuzz.pages import Form

        self.address, self.sessions, self.forget_limits = address, sessions, forget_limits
        self.statuses: Counter[int] = Counter()
        self.values = 0
        self.stride = 1
        self.sent: Counter[tuple[str, ...]] = Counter()
        self.faults: dict[tuple[str, str, str], str] = {}
        self.forms: dict[tuple[str, str, str, str], Form] = {}
        self.pages: dict[str, set[str]] = {}

    # Finding ---------------------------------------------------------------------------------------------------------
    def find(self, role: str) -> None:
        """Walk through everything that a role is offered, from every address that needs no number."""
        from tests.fuzz.pages import Page

        browser = Browser(self.address, self.sessions[role])
        self._confirm(browser)
        waiting, seen = list(_addresses()), set()
        visited: Counter[str] = Counter()
        while waiting:
            path = waiting.pop(0)
            shape = NUMBER.sub("*", path)
            if path in seen or visited[shape] >= OBJECTS or path.startswith(LEFT_OUT):
                continue
            seen.add(path)
            visited[shape] += 1
            answer = browser.ask("GET", path)
            self.statuses[answer.status] += 1
            self._judge(role, shape, "", b"", answer)
            if answer.place:
                waiting.append(self._inside(path, answer.place))
            if not answer.text:
                continue
            self.pages.setdefault(role, set()).add(path)
            page = Page(path, answer.text)
            waiting += [self._inside(path, link) for link in page.links]
            for form in page.forms:
                form.action = self._inside(path, form.action)
                key = (role, form.method, NUMBER.sub("*", form.action), " ".join(sorted(map(_plain, form.fields))))
                if not form.action.startswith(LEFT_OUT):
                    self.forms.setdefault(key, form)

    def _inside(self, page: str, link: str) -> str:
        parts = urlsplit(urljoin(f"http://{self.address}{page}", link))
        if parts.netloc != self.address:
            return LEFT_OUT[0]
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def _confirm(self, browser: Browser) -> None:
        """Say the password once more, so that what asks for that is reached as well."""
        from tests import factories

        for change in ("password", "app-add", "codes", "key-add"):
            body, kind = encoded([("csrfmiddlewaretoken", b"a" * 32), ("password", factories.PASSWORD.encode())])
            browser.ask("POST", f"/identity/change/{change}/", body, kind)

    def use(self, role: str) -> None:
        """Use the product as on an ordinary day, as many at once as later: every page, and every form with a field left out."""
        browser = Browser(self.address, self.sessions[role])
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda path: browser.ask("GET", path), sorted(self.pages.get(role, ()))))
            for (owner, method, action, _names), form in self.forms.items():
                fields = form.filled()
                written = [name for name in fields if name not in {"csrfmiddlewaretoken", "typed_by", "version"}]
                if owner != role or not written:
                    continue
                jobs = [
                    pool.submit(
                        self._one, browser, role, method, form.action, action, name, b"",
                        [pair for pair in fields.items() if pair[0] != name], None,
                    )
                    for name in written[:USED]
                ]  # fmt: skip
                for job in jobs:
                    job.result()
        self.values = 0

    def plan(self, roles: list[str], most: int) -> int:
        """Choose how many of the values each field gets, so that all together are about `most`; return what all were."""
        distinct = {key[1:]: form for key, form in self.forms.items() if key[0] in roles}
        everything = sum(1 for form in distinct.values() for _one in _mutations(form))
        self.stride = max(1, -(-everything // most)) if most else 1
        return everything

    # Sending ---------------------------------------------------------------------------------------------------------
    def send(self, role: str) -> None:
        """Send every form of a role every value in every field, and every page every parameter."""
        from tests.fuzz.pages import Page

        browser = Browser(self.address, self.sessions[role])
        with ThreadPoolExecutor(THREADS) as pool:
            for (owner, method, action, fields), form in list(self.forms.items()):
                if owner != role or not self._is_new(method, action, fields):
                    continue
                # Another part of the values for each form and field, so that each value is sent somewhere.
                pending = itertools.islice(_mutations(form), len(self.sent) % self.stride, None, self.stride)
                while batch := list(itertools.islice(pending, AGAIN)):
                    jobs = [
                        pool.submit(self._one, browser, role, method, form.action, action, name, value, fields, file)
                        for name, value, fields, file in batch
                    ]
                    for job in jobs:
                        job.result()
                    # Numbers of versions move on; look again at what the page offers now.
                    answer = browser.ask("GET", form.page)
                    fresh = Page(form.page, answer.text).forms if answer.text else []
                    for other in fresh:
                        if NUMBER.sub("*", self._inside(form.page, other.action)) == action:
                            form.fields |= {
                                name: values for name, values in other.fields.items() if name in form.fields
                            }
            for job in [pool.submit(self._address, browser, role, *one) for one in self._addresses_of(role)]:
                job.result()

    def _is_new(self, *what: str) -> bool:
        """Say whether nobody has sent it yet: what everybody is offered alike is sent once."""
        self.sent[what] += 1
        return self.sent[what] <= ALIKE

    def _one(
        self,
        browser: Browser,
        role: str,
        method: str,
        url: str,
        shape: str,
        name: str,
        value: bytes,
        fields: list[tuple[str, bytes]],
        file: tuple[str, bytes, bytes] | None,
    ) -> None:
        if method == "GET":
            text, _kind = encoded(fields)
            # A line of a request has its length; what is longer is the server's to refuse, and is sent by POST anyway.
            answer = browser.ask("GET", f"{url.partition('?')[0]}?{text[:3500].decode()}")
        else:
            fields = [
                ("csrfmiddlewaretoken", b"a" * 32),
                *((one, text) for one, text in fields if one != "csrfmiddlewaretoken"),
            ]
            body, kind = multipart(fields, file) if file else encoded(fields)
            answer = browser.ask("POST", url, body, kind)
            if answer.status == 429:
                self.forget_limits()
                answer = browser.ask("POST", url, body, kind)
        self.values += 1
        self.statuses[answer.status] += 1
        self._judge(role, shape, name, value, answer)

    def _addresses_of(self, role: str) -> Iterator[tuple[str, str, bytes]]:
        from tests.fuzz.values import VALUES

        shapes = {NUMBER.sub("*", path.partition("?")[0]): path for path in sorted(self.pages.get(role, ()))}
        for shape, path in shapes.items():
            if not self._is_new("address", shape, ""):
                continue
            bare = path.partition("?")[0]
            for name, value in itertools.product(PARAMETERS, VALUES[::12]):
                yield shape, f"{bare}?{name}={quote_from_bytes(value[:1000])}", value
            if "*" in shape:
                for value in VALUES[::3]:
                    yield (
                        shape,
                        NUMBER.sub(lambda _found, value=value: quote_from_bytes(value[:500], safe=""), bare),
                        value,
                    )

    def _address(self, browser: Browser, role: str, shape: str, url: str, value: bytes) -> None:
        answer = browser.ask("GET", url)
        self.values += 1
        self.statuses[answer.status] += 1
        self._judge(role, shape, "(address)", value, answer)

    def strange_requests(self) -> None:
        """Send what no browser sends in a form: broken bodies, headers and cookies."""
        from tests.fuzz.values import VALUES

        browser = Browser(self.address, self.sessions["officer"])
        kinds = [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=x",
            "text/plain",
            "application/json",
            "\xff",
            "application/x-www-form-urlencoded; charset=utf-7",
            "application/x-www-form-urlencoded; charset=none",
        ]
        for path, kind, body in itertools.product(
            ["/", "/accounts/login/", "/requests/new/", "/language/"],
            kinds,
            [b"", b"x", b"--x\r\n", b"a=%", b"=&=&", b"\x00" * 100, b"a&" * 3000],
        ):
            self._strange(browser, "POST", path, body, kind)
        for value in VALUES:
            text = re.sub(r"[\r\n\x00]", "", value[:2000].decode("latin-1"))
            for name in (
                "Accept-Language",
                "Referer",
                "Origin",
                "X-Forwarded-For",
                "X-Request-ID",
                "X-Requested-With",
                "Range",
                "If-Modified-Since",
            ):
                self._strange(browser, "GET", "/", b"", "", **{name: text})
            for cookie in ("messages", "django_language", "sessionid", "csrftoken"):
                self._strange(browser, "GET", "/", b"", "", Cookie=f"{cookie}={re.sub('[;, ]', '', text)}")

    def _strange(self, browser: Browser, method: str, path: str, body: bytes, kind: str, **headers: str) -> None:
        answer = browser.ask(method, path, body, kind, **headers)
        self.values += 1
        self.statuses[answer.status] += 1
        self._judge("officer", path, f"({' '.join(headers) or kind})", body or str(headers).encode(), answer)

    def _judge(self, role: str, shape: str, name: str, value: bytes, answer: Answer) -> None:
        if answer.status >= 500:
            self.faults.setdefault((role, shape, name), f"{answer.status} {value[:60]!r}")


def _plain(name: str) -> str:
    return re.sub(r"\d+", "*", name)


def _mutations(form) -> Iterator[tuple[str, bytes, list[tuple[str, bytes]], tuple[str, bytes, bytes] | None]]:
    """Yield, for each field, the form with every hostile value in it, without it, and with it twice; then the files."""
    from tests.fuzz.values import FILES, VALUES

    seen = set()
    for name in list(form.fields):
        if name == "csrfmiddlewaretoken" or name in form.files or (_plain(name) in seen and _plain(name) != name):
            continue
        seen.add(_plain(name))
        for value in VALUES:
            yield name, value, list({**form.filled(), name: value}.items()), None
        filled = form.filled()
        yield name, b"(twice)", [*filled.items(), (name, b"x")], None
        yield name, b"(missing)", [(one, text) for one, text in filled.items() if one != name], None
    if not form.fields.keys() - {"csrfmiddlewaretoken"}:
        for value in VALUES[::10]:
            yield "extra", value, [("extra", value)], None
    for name in form.files:
        for filename, content in FILES:
            yield name, filename, list(form.filled().items()), (name, filename, content)


def _addresses() -> list[str]:
    """Return every address of the product that needs no number."""
    from django.urls import NoReverseMatch, reverse

    from tests.permission_table import patterns

    found = []
    for name, _pattern in patterns():
        try:
            found.append(reverse(name))
        except NoReverseMatch:
            continue
    return found


@contextmanager
def serving(values: dict[str, str]) -> Iterator[tuple[str, int]]:
    """Serve the database to a block by one web process; yield its address and the number of the process."""
    from psycopg.conninfo import make_conninfo

    from config import database

    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    addresses = {"DATABASE_URL": database.APP, "SEALED_DATABASE_URL": database.KEYS}
    environ = {**os.environ, **{name: make_conninfo(**{**values, "user": role}) for name, role in addresses.items()}}
    command = [
        "-m",
        "gunicorn",
        "config.wsgi",
        "--bind",
        address,
        "--workers",
        "1",
        "--threads",
        "4",
        "--timeout",
        "120",
    ]
    # In a session of its own: Ctrl-C ends the sending, and the memory is still looked at.
    with subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environ, start_new_session=True) as server:
        try:
            for _tenth in range(300):
                try:
                    if Browser(address, None).ask("GET", "/healthz").status == 200:
                        break
                except OSError:
                    time.sleep(0.1)
            children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
            yield address, int(children[0])
        finally:
            server.terminate()


def memory(pid: int) -> int:
    """Return the kilobytes of a process that are its own."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(size) for size in re.findall(r"^Private_\w+:\s+(\d+) kB", text, re.M))


say = functools.partial(print, flush=True)  # noqa: T201


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--most", type=int, default=USUAL, help="about how many values; 0 sends all")
    parser.add_argument("--roles", nargs="*", default=[], help="only these, to look into something")
    options = parser.parse_args()
    import django

    django.setup()
    import psycopg
    from psycopg.conninfo import make_conninfo

    from access.models import User
    from config import database
    from tests import databases, worlds

    started = time.monotonic()
    with worlds.new_database(databases.template(), "fuzz") as values:
        say("Making one object in each state ...")
        sessions = worlds.World().fill().sessions
        roles = [role for role in sessions if role not in LAST] + [role for role in LAST if role in sessions]
        roles = [role for role in roles if not options.roles or role in options.roles]

        def forget_limits() -> None:
            with psycopg.connect(make_conninfo(**{**values, "user": database.OWNER}), autocommit=True) as owner:
                owner.execute("delete from access_attempt")

        with serving(values) as (address, pid):
            run = Run(address, sessions, forget_limits)
            for role in roles:
                run.find(role)
            for role in roles:
                run.use(role)
            before = memory(pid)

            def begin(role: str) -> None:
                """Sign somebody in anew, whose session one of their own forms may have ended."""
                user = User.objects.filter(username=role, is_active=True).first()
                run.sessions[role] = worlds.sign_in(user) if user else None

            pages, everything = sum(map(len, run.pages.values())), run.plan(roles, options.most)
            say(
                f"{pages} pages and {len(run.forms)} forms of {len(roles)} roles; {everything} values, 1 of {run.stride} is sent."
            )
            is_whole, is_stopped = not options.roles, False
            try:
                for role in roles:
                    sent = run.values
                    begin(role)
                    run.send(role)
                    say(f"{role}: {run.values - sent} values, {memory(pid) / 1024:.0f} MB")
                if is_whole:
                    run.strange_requests()
            except KeyboardInterrupt:
                is_stopped = True
                say("Stopped; this is what came of it so far.")
            after = memory(pid)
    bad = sum(number for status, number in run.statuses.items() if status >= 500)
    say(f"\nHostile values sent: {run.values} in {(time.monotonic() - started) / 60:.1f} minutes")
    say("Answers: " + ", ".join(f"{status}: {number}" for status, number in sorted(run.statuses.items())))
    say(f"5xx: {bad}")
    for (role, shape, name), what in run.faults.items():
        say(f"  {role} {shape} {name}: {what}")
    say(
        f"Memory of the web process: {before / 1024:.0f} MB before, {after / 1024:.0f} MB after, {after / before:.2f} times"
    )
    enough = not is_stopped and (not is_whole or run.values >= LEAST)
    return 0 if not bad and after <= GROWTH * before and enough else 1


if __name__ == "__main__":
    sys.exit(main())
