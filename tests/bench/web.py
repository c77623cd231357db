"""The product as the demo serves it, and a browser that is no more than its requests."""

from __future__ import annotations

import http.client
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

from tests.bench.register import PASSWORD, ROOT, Client

START_SECONDS = 60
TIMEOUT_SECONDS = 30
TOKEN = re.compile(r'name="token" value="([0-9a-f-]{36})"')
CSRF = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


@contextmanager
def gunicorn(environment: dict[str, str], workers: int = 2) -> Iterator[tuple[str, int]]:
    """Serve the product to a block with the demo's threads; yield its address and the master's process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = ["-m", "gunicorn", "config.wsgi", "--bind", address, "--workers", str(workers), "--threads", "4"]
    server = subprocess.Popen([sys.executable, *command, "--log-level", "warning"], cwd=ROOT, env=environment)
    try:
        _wait_for(address)
        yield address, server.pid
    finally:
        server.terminate()
        server.wait()


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            connection = http.client.HTTPConnection(address)
            connection.request("GET", "/accounts/login/")
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"The web server did not answer within {START_SECONDS} seconds.")


class BadAnswer(Exception):
    """A page was not what was asked for."""


class Browser:
    """One connection that is kept, and its cookies."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.connection = http.client.HTTPConnection(address, timeout=TIMEOUT_SECONDS)
        self.cookies: dict[str, str] = {}

    def get(self, path: str) -> str:
        return self._ask("GET", path, None)

    def post(self, path: str, form_page: str, **fields: str) -> str:
        """Send a form of a page that was got before."""
        token = CSRF.findall(form_page)[-1]
        return self._ask("POST", path, urlencode({"csrfmiddlewaretoken": token, **fields}))

    def open_answer(self, grant: str, subject: str) -> str:
        """Go through the pause to the answer; return the token of the form that brought it, whole."""
        path = f"/answers/{grant}/{subject}/"
        pause = self.get(path)
        token = TOKEN.search(pause)
        if token is None:
            raise BadAnswer("The page before the answer has no form.")
        answer = self.post(path, pause, token=token[1])
        if "data-sealed" not in answer:
            raise BadAnswer("The page of the answer shows none.")
        return token[1]

    def _ask(self, method: str, path: str, body: str | None) -> str:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://{self.address}"}
        try:
            self.connection.request(method, path, body, headers)
            response = self.connection.getresponse()
        except http.client.RemoteDisconnected:  # gunicorn keeps an idle connection for two seconds
            if method != "GET":
                raise
            self.connection.close()
            return self._ask(method, path, body)
        page = response.read().decode()
        for cookie in response.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        if response.status >= 400:
            raise BadAnswer(f"{method} {re.sub('[0-9a-f-]{36}', '…', path)} was answered with {response.status}.")
        return page


@contextmanager
def signed_in(address: str, client: Client) -> Iterator[Browser]:
    """Yield a browser in which the client has signed in and confirmed who they are."""
    browser = Browser(address)
    form = browser.get("/accounts/login/")
    browser.post("/accounts/login/", form, login=client.username, password=PASSWORD)
    for grant in {grant for grant, _subject in client.openings}:
        form = browser.get(f"/identity/{grant}/")
        browser.post(f"/identity/{grant}/", form, password=PASSWORD)
    try:
        yield browser
    finally:
        browser.connection.close()
