"""`make quick` finds the tests of a file by its name, by who names it, and says so where there are none."""

from __future__ import annotations

import pytest

from tests import quick


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("access/law.py", {"tests/unit/access/test_law.py"}),
        ("access/people_forms.py", {"tests/unit/access/test_people.py", "tests/integration/access/test_people.py"}),
        ("access/vault/keyfile.py", {"tests/unit/access/test_vault.py"}),
        ("records/views/violations.py", {"tests/integration/records/test_violations.py"}),
        ("records/catalogue/offences.json", {"tests/unit/records/test_catalogue.py"}),
        # By who names it: what draws a part, what calls a function, what imports a file.
        ("templates/records/grant.html", {"tests/integration/records/test_answers.py"}),
        ("access/sql/access_keep_session.sql", {"tests/unit/access/test_sessions.py"}),
        ("records/tasks.py", {"tests/integration/records/test_review.py"}),
        # A test belongs to itself; what everything stands on belongs to no test of its own.
        ("tests/unit/access/test_law.py", {"tests/unit/access/test_law.py"}),
        ("tests/quick.py", {"tests/unit/test_quick.py"}),
        ("tests/factories.py", set()),
        ("access/exceptions.py", set()),
        ("templates/base.html", set()),
        ("README.md", set()),
    ],
)
def test_the_tests_of_a_file(path, found):
    assert (quick.ROOT / path).is_file()
    assert quick.tests_of(path) == found


def test_what_takes_minutes_is_there_to_be_left_out():
    every = {path.stem for path in (quick.ROOT / "tests").rglob("test_*.py")}
    assert every >= quick.TAKES_LONG
    assert quick.TAKES_LONG & {path.split("/")[-1].removesuffix(".py") for path in quick.test_files()} == set()


def test_what_changed_is_committed_or_not_and_still_there(monkeypatch, tmp_path):
    monkeypatch.setattr(quick, "ROOT", tmp_path)

    def write(**files: str) -> None:
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(text)

    who = ("-c", "user.name=t", "-c", "user.email=t@t.example")
    quick.git("init", "-b", "main")
    write(kept="1", gone="1", committed="1", changed="1")
    quick.git("add", "."), quick.git(*who, "commit", "-m", "one")
    quick.git("switch", "-c", "work")
    write(committed="2")
    quick.git("add", "."), quick.git(*who, "commit", "-m", "two")
    write(changed="2", new="1")
    (tmp_path / "gone.py").unlink()
    assert quick.changed() == {"committed.py", "changed.py", "new.py"}


@pytest.mark.parametrize(("good", "code"), [(True, 0), (False, 1)])
def test_one_step_that_is_wrong_is_enough_and_the_others_are_still_taken(monkeypatch, capsys, good, code):
    def first(files):
        return good

    def second(files):
        return files == {"access/law.py"}

    monkeypatch.setattr(quick, "changed", lambda: {"access/law.py"})
    monkeypatch.setattr(quick, "STEPS", [first, second])
    monkeypatch.setattr("sys.argv", ["quick", "--without-tests"])
    assert quick.main() == code
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in said] == [["first", "right" if good else "WRONG"], ["second", "right"]]


def test_nothing_changed_is_said_and_is_right(monkeypatch, capsys):
    monkeypatch.setattr(quick, "changed", set)
    monkeypatch.setattr("sys.argv", ["quick"])
    assert quick.main() == 0
    assert "Nothing differs" in capsys.readouterr().out
