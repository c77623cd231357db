"""The demo starts on loopback only and once in a folder; a demo that is refused says why in a sentence and leaves nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from config import processes
from config.processes import DemoRefused
from tests.databases import ROOT


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "8.8.8.8", "records.example", ""])
def test_the_demo_refuses_every_address_but_loopback(host):
    with pytest.raises(DemoRefused, match="refuses to listen"):
        processes.check_loopback(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
def test_the_demo_takes_loopback(host):
    processes.check_loopback(host)


def test_a_port_that_is_taken_is_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DemoRefused, match=f"Port {port} is taken"):
            processes.check_port_is_free("127.0.0.1", port)


def test_a_second_demo_on_one_folder_is_refused_until_the_first_has_ended(tmp_path):
    with (
        processes.alone_in(tmp_path),
        pytest.raises(DemoRefused, match=r"running on .* already\. End it with make stop"),
        processes.alone_in(tmp_path),
    ):
        pass
    with processes.alone_in(tmp_path):
        pass


def test_the_children_of_a_demo_that_was_killed_still_hold_the_folder(tmp_path):
    # A name as the children have it; what it does is sleep.
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)  # manage.py worker"]) as child:
        processes.remember(tmp_path, [child])
        with pytest.raises(DemoRefused, match="make stop"), processes.alone_in(tmp_path):
            pass
        assert processes.remembered(tmp_path)[1:] == [child.pid]
        child.kill()
    with processes.alone_in(tmp_path):
        pass


def test_stopping_leaves_alone_a_process_that_is_not_the_demos():
    with subprocess.Popen(["sleep", "30"]) as process:
        assert not processes.end(process.pid)
        assert process.poll() is None
        process.kill()


@pytest.fixture
def refused(tmp_path):
    """Start the demo with some values, expect that it refuses, and return what it said."""

    def run(**values: str) -> str:
        environment = {name: text for name, text in os.environ.items() if name not in {"HOST", "PORT", "DATABASE_URL"}}
        environment |= {"MODE": "demo", "DATA_DIR": str(tmp_path / "data"), **values}
        ended = subprocess.run(
            [sys.executable, "manage.py", "demo"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
        )
        assert ended.returncode == 1
        assert ended.stdout == "" and len(ended.stderr.splitlines()) == 1, ended.stderr
        return ended.stderr

    return run


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"PORT": "abc"}, "PORT must be a whole number."),
        ({"PORT": "99999"}, "PORT=99999 is not a port"),
        ({"PORT": "²"}, "PORT must be a whole number."),
        ({"HOST": "0.0.0.0"}, "refuses to listen on 0.0.0.0"),
        ({"MODE": "development"}, "make demo"),
    ],
)
def test_a_demo_that_is_refused_leaves_nothing_behind(refused, tmp_path, values, sentence):
    assert sentence in refused(**values)
    assert not (tmp_path / "data" / "postgres").exists()


def test_a_demo_whose_port_is_taken_leaves_no_database_running(refused, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "is taken" in refused(PORT=str(taken.getsockname()[1]))
    assert not (tmp_path / "data" / "postgres").exists()


def test_a_second_demo_says_so_and_leaves_the_first_alone(refused, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    with processes.alone_in(folder):
        processes.remember(folder)
        before = (folder / processes.PIDS).read_text()
        assert "A demo is running on" in refused(PORT="8199")
        assert (folder / processes.PIDS).read_text() == before


@pytest.mark.parametrize("place", ["a file", "below a file"])
def test_a_data_folder_that_is_none_is_one_sentence(refused, tmp_path, place):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" if place == "a file" else tmp_path / "file" / "data"
    assert f"DATA_DIR is {path}, and nothing can be kept there" in refused(DATA_DIR=str(path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_data_folder_that_may_not_be_written_is_one_sentence(refused, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    assert "nothing can be kept there" in refused(DATA_DIR=str(tmp_path / "locked"))
