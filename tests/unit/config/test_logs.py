"""One line for one request, with what went wrong and where, and nothing of whose data it was."""

from __future__ import annotations

import io
import json
import logging
import sys

import pytest

from config import logs


@pytest.fixture
def written():
    """Let a logger of ours write as production does; return what it wrote."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonLines())
    handler.addFilter(logs.Gathered())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


def fail() -> None:
    try:
        raise KeyError("欧阳不见 11010119900101001X")
    except KeyError as error:
        raise ValueError("row (欧阳不见, 11010119900101001X)") from error


def test_an_exception_is_told_by_its_classes_and_places_only(written):
    try:
        fail()
    except ValueError:
        logging.getLogger("anything").exception("It failed.")
    (line,) = written()
    assert line["error"] == "builtins.ValueError < builtins.KeyError"
    assert line["places"][-1].startswith("tests/unit/config/test_logs.py:") and line["places"][-1].endswith(" fail")
    assert "欧阳" not in str(line) and "11010119" not in str(line)
    assert str(logs.BASE_DIR) not in str(line)


def test_what_is_said_about_a_request_becomes_part_of_its_one_line(written):
    with logs.request_line() as line:
        logging.getLogger("config.middleware").error("The database cannot be reached.")
        try:
            fail()
        except ValueError:
            logging.getLogger("django.request").error("Service Unavailable: /requests/1/", exc_info=sys.exc_info())
        logging.getLogger("django.security.csrf").warning("Forbidden (no token): /requests/1/")
        line.write(status=503, route="access:request", method="GET")
    logging.getLogger("django.request").error("Service Unavailable: /requests/1/")

    (only,) = written()
    assert (only["level"], only["status"], only["route"], only["request"]) == ("ERROR", 503, "access:request", line.id)
    assert only["said"] == ["The database cannot be reached.", "csrf"]
    assert only["error"].startswith("builtins.ValueError")
    assert "/requests/1/" not in str(only)


def test_what_others_say_meanwhile_is_a_line_with_the_number_of_the_request(written):
    with logs.request_line() as line:
        logging.getLogger("audit.checkpoints").error("The trail was not signed.")
    assert [(one["message"], one["request"]) for one in written()] == [("The trail was not signed.", line.id)]


@pytest.mark.parametrize(
    ("given", "is_taken"), [("a" * 32, True), ("short", False), ("x" * 65, False), ('a"b\n' * 4, False)]
)
def test_the_number_of_a_proxy_is_taken_when_it_is_one(given, is_taken):
    with logs.request_line(given) as line:
        assert (line.id == given) == is_taken
        assert logs.request_id() == line.id
    assert logs.request_id() == ""


def test_a_line_for_people_is_one_line():
    record = logging.LogRecord("x", logging.ERROR, "", 1, "first\nsecond\x1b[2J", (), None)
    text = logs.Readable().format(record)
    assert "\n" not in text and "\x1b" not in text and "first second" in text
