"""What has changed since the main branch, looked at in about a minute: `make quick`.

Lint, format, types, migrations, templates, words, and the tests that belong to the changed files: those that carry the
file's name, or else those that name it, and the architecture in any case. That is a look on the way, not the check:
what a change breaks far from its own name, and everything in a browser, only `make check` finds.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests import environment  # noqa: F401 - before any settings

ROOT = Path(__file__).resolve().parent.parent
APPS = ("audit", "access", "records", "config")
# A browser takes longer than this look may; soak and crash runs have targets of their own.
LOOKED_AT = ("tests/unit", "tests/integration")
# Populated worlds and whole cities: minutes each.
TAKES_LONG = {"test_two_worlds", "test_permission_table", "test_demo", "test_sizes", "test_query_counts"}
OWN = "tests/unit/test_quick.py"  # names files of all kinds, as examples
ALWAYS = "tests/architecture"
MOST_NAMING = 6
Step = Callable[[set[str]], bool]


def say(*lines: str) -> None:
    sys.stdout.write("\n  ".join(lines) + "\n")
    sys.stdout.flush()


def git(*words: str) -> str:
    ended = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return ended.stdout.strip() if ended.returncode == 0 else ""


def main_branch() -> str:
    """Return the commit at which this work parted from the main branch; HEAD where there is none."""
    bases = (git("merge-base", "HEAD", name) for name in ("origin/main", "main"))
    return next(filter(None, bases), "HEAD")


def changed() -> set[str]:
    """Return the files that are not as they are in the main branch, committed or not; those taken away are left out."""
    different = git("diff", "--name-only", "--diff-filter=d", main_branch()).splitlines()
    return {*different, *git("ls-files", "--others", "--exclude-standard").splitlines()}


# Which tests belong to a file ---------------------------------------------------------------------------------------------


def test_files() -> list[str]:
    found = (path for folder in LOOKED_AT for path in sorted((ROOT / folder).rglob("test_*.py")))
    files = (path.relative_to(ROOT).as_posix() for path in found if path.stem not in TAKES_LONG)
    return [path for path in files if path != OWN]


def names_of(path: str) -> Iterator[str]:
    """Yield what a file's tests may be called, nearest first: its own name, its first word, its package."""
    *_folders, package, _file = ("", "", *path.split("/"))
    own = Path(path).stem.strip("_")
    for name in (own, own.split("_")[0], package):
        yield from (name, f"{name}s", name.removesuffix("s"))


def tests_of(path: str) -> set[str]:
    """Return the tests that belong to a file; none where nothing is called like it, or so much names it that all does."""
    if path.startswith("tests/"):
        return {path, f"tests/unit/test_{Path(path).stem}.py"} & {*test_files(), OWN}
    app = app_of(path)
    if app not in APPS:
        return set()
    mine = [test for test in test_files() if f"/{app}/" in test or test.count("/") == 2]
    for name in names_of(path):
        if found := {test for test in mine if Path(test).stem == f"test_{name}"}:
            return found
    if path.endswith(".py"):
        *folders, file = path.removesuffix(".py").split("/")
        return naming(rf"from {'.'.join(folders)} import .*\b{file}\b|\b{'.'.join([*folders, file])}\b")
    if path.endswith(".sql"):
        schema, _, name = Path(path).stem.partition("_")
        return naming(rf"\bsealed\.{name}\b" if schema == "sealed" else rf"\b{schema}_{name}\b")
    if path.endswith(".html"):
        return set().union(*(tests_of(other) for other in drawing(path)))
    return set()


def app_of(path: str) -> str:
    first, second = path.split("/")[:2] if "/" in path else ("", "")
    return second if first == "templates" else first


def naming(pattern: str) -> set[str]:
    """Return the tests in which this stands; what stands in very many says nothing about any of them."""
    found = {test for test in test_files() if re.search(pattern, (ROOT / test).read_text())}
    return found if len(found) <= MOST_NAMING else set()


def drawing(path: str) -> list[str]:
    """Return the files that name this template, and so draw it or have it in themselves."""
    name = path.removeprefix("templates/")
    files = [*(ROOT / "templates").rglob("*.html"), *(view for app in APPS for view in (ROOT / app).rglob("*.py"))]
    found = (file.relative_to(ROOT).as_posix() for file in files if f'"{name}"' in file.read_text())
    return sorted({*found} - {path})


# The steps ----------------------------------------------------------------------------------------------------------------


def run(*words: str) -> bool:
    return subprocess.run([sys.executable, *words], cwd=ROOT, check=False).returncode == 0


def of_kind(files: set[str], *endings: str) -> list[str]:
    return sorted(path for path in files if path.endswith(endings))


def lint(files: set[str]) -> bool:
    python = of_kind(files, ".py")
    return not python or run("-m", "ruff", "check", "--quiet", *python)


def layout(files: set[str]) -> bool:
    python = of_kind(files, ".py")
    return not python or run("-m", "ruff", "format", "--quiet", "--check", *python)


def types(files: set[str]) -> bool:
    # Whole, for what others call has changed too; what did not change is in its cache.
    return not of_kind(files, ".py") or run("-m", "mypy", "--no-error-summary")


def migrations(files: set[str]) -> bool:
    about = [path for path in of_kind(files, ".py") if "/models" in path or "/migrations/" in path]
    return not about or run("manage.py", "makemigrations", "--check", "--dry-run", "-v0")


def templates(files: set[str]) -> bool:
    """Compile every template: one that includes a changed one may be what breaks."""
    if not of_kind(files, ".html", "_tags.py", "templatetags/html.py"):
        return True
    import django
    from django.template import TemplateSyntaxError
    from django.template.loader import get_template

    django.setup()
    good = True
    for path in sorted((ROOT / "templates").rglob("*.html")):
        try:
            get_template(path.relative_to(ROOT / "templates").as_posix())
        except TemplateSyntaxError as error:
            say(f"{path.relative_to(ROOT)}: {error}")
            good = False
    return good


def words(files: set[str]) -> bool:
    about = [
        path for path in of_kind(files, ".py", ".html", ".po") if path.split("/")[0] in (*APPS, "templates", "locale")
    ]
    return not about or run("manage.py", "check_translations")


def tests(files: set[str]) -> bool:
    chosen = set().union(*map(tests_of, files))
    alone = sorted(path for path in files if path.split("/")[0] in (*APPS, "templates") and not tests_of(path))
    if alone:
        say("No test is called like these or names them; make test looks at them:", *alone)
    shared = sorted(path for path in of_kind(files, ".py") if path.startswith("tests/") and "/test_" not in path)
    if shared:
        say("Many tests stand on these; make test looks at them:", *shared)
    return run("-m", "pytest", "-q", "-n", "2", "--no-header", "-W", "ignore", ALWAYS, *sorted(chosen))


STEPS: list[Step] = [lint, layout, types, migrations, templates, words]


def main() -> int:
    parser = argparse.ArgumentParser(prog="make quick", description=__doc__)
    parser.add_argument("--without-tests", action="store_true", help="what a commit waits for")
    without_tests = parser.parse_args().without_tests
    files = changed()
    if not files:
        say("Nothing differs from the main branch.")
        return 0
    wrong = []
    for step in STEPS if without_tests else [*STEPS, tests]:
        began = time.monotonic()
        good = step(files)
        say(f"{step.__name__:12} {'right' if good else 'WRONG'} {time.monotonic() - began:6.1f} s")
        if not good:
            wrong.append(step.__name__)
    return len(wrong) > 0


if __name__ == "__main__":
    sys.exit(main())
