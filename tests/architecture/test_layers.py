"""The shape of the code, read from its syntax: who imports whom, who saves, and what every action is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# An arrow is "may be imported by": audit <- access <- records <- config.
APPS = ("audit", "access", "records", "config")
# Inside an app a file imports from files to its left; a package is one place.
LAYERS = {
    "audit": (
        "exceptions", "verify", "notes", "merkle", "models", "trail", "permissions", "log", "export", "verification",
        "middleware", "sentences", "forms", "views", "urls", "apps", "management",
    ),
    "access": (
        "exceptions", "vault", "identifiers", "duties", "models", "calendar", "catalogue", "law", "permissions", "actions",
        "adapter", "uploads", "middleware", "fields", "forms", "people_forms", "shell", "templatetags", "views", "urls",
        "apps", "management",
    ),
    "records": (
        "exceptions", "models", "penalties", "entry", "catalogue", "permissions", "actions", "disclosure", "tasks",
        "forms", "shell", "templatetags", "views", "urls", "apps", "management",
    ),
}  # fmt: skip
# Imports inside a function that point right: a question of a model that the wrapper answers, and the wrapper's rows.
LAZY = {("access/duties.py", "models")}

SAVING = {
    "save", "save_base", "create", "get_or_create", "update_or_create", "bulk_create", "bulk_update", "delete",
    "_raw_delete", "acreate", "asave", "aupdate", "adelete",
}  # fmt: skip
# Who saves besides actions, and what: catalogue rows of a release, sessions, throttle counts, the demo's clock.
MAY_SAVE = {
    ("access/catalogue/__init__.py", "WorkingDay.objects.bulk_create"),
    ("access/catalogue/__init__.py", "model._default_manager.bulk_create"),
    ("access/views/identity.py", "request.session.create"),
    ("access/views/requests.py", "cache.delete"),
    ("config/sample_city.py", "user.save"),
    ("config/sample_city.py", "access_request.save"),
}
WRITING_SQL = re.compile(r"^\s*(insert\s+into|update\s+[\w.]+\s+set|delete\s+from|truncate|merge\s+into)\b", re.I)
MAY_WRITE_SQL = {"audit/trail.py", "audit/log.py"}

READERS = {
    "access/actions/requests.py": {
        "key_of",
        "read_particulars",
        "read_person",
        "read_letter",
        "check_complete",
        "missing_parts",
    },
    "access/actions/decisions.py": {"widest_window", "visible_decisions"},
    "access/actions/opening.py": {"session_digest", "identity_is_fresh"},
    "access/actions/people.py": set(),
    "records/actions.py": {"read_particulars", "entry_of", "handlers_of", "sealing_rule"},
}
# Nobody does these: the worker does, when time has passed.
OF_THE_WORKER = {"lapse_one", "note_one_expiry", "seal_due"}
BANNED = {
    "csrf_exempt", "mark_safe", "SafeString", "SimpleHistoryAdmin", "GuardedModelAdmin", "get_objects_for_user",
    "ObjectPermissionChecker", "ATOMIC_REQUESTS",
}  # fmt: skip


@cache
def sources() -> dict[str, ast.Module]:
    """Return the syntax of every file of the product, by its path; migrations are checked by the database's own tests."""
    paths = (path for app in APPS for path in sorted((ROOT / app).rglob("*.py")) if "migrations" not in path.parts)
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def imported(tree: ast.AST, *, at_the_top: bool = False) -> Iterator[str]:
    """Yield each module that a file imports; those for type checkers only are left out."""
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if at_the_top and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "Imports are absolute."
            # `from access import duties` names a file; `from access.models import User` names what is in one.
            is_file = node.module in APPS
            yield from (f"{node.module}.{alias.name}" for alias in node.names) if is_file else (node.module or "",)
        todo.extend(ast.iter_child_nodes(node))


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def called_on(call: ast.Call) -> str:
    return ast.unparse(call.func)


def saves(call: ast.Call) -> bool:
    """Say whether a call writes rows; update() with a positional argument is that of a dict or a cipher."""
    if not isinstance(call.func, ast.Attribute):
        return False
    return call.func.attr in SAVING or (call.func.attr == "update" and bool(call.keywords) and not call.args)


# Imports -----------------------------------------------------------------------------------------------------------------


def test_apps_import_only_apps_to_their_left():
    wrong = [
        (path, module)
        for path, tree in sources().items()
        for module in imported(tree)
        if module.split(".")[0] in APPS and APPS.index(module.split(".")[0]) > APPS.index(path.split("/")[0])
    ]
    assert wrong == []


def place(path: str) -> str:
    return path.split("/")[1].removesuffix(".py")


@pytest.mark.parametrize("app", LAYERS)
def test_files_import_only_files_to_their_left(app):
    files = {path: tree for path, tree in sources().items() if path.startswith(f"{app}/") and place(path) != "__init__"}
    order = {name: rank for rank, name in enumerate(LAYERS[app])}
    assert {place(path) for path in files} <= set(order), "A new file needs its place in LAYERS."

    wrong = []
    for path, tree in files.items():
        for module in imported(tree, at_the_top=True):
            parts = module.split(".")
            if parts[0] == app and len(parts) > 1 and order.get(parts[1], -1) > order[place(path)]:
                wrong.append((path, module))
    assert wrong == []


@pytest.mark.parametrize("app", LAYERS)
def test_an_import_inside_a_function_does_not_turn_the_order_round(app):
    order = {name: rank for rank, name in enumerate(LAYERS[app])}
    wrong = {
        (path, module.split(".")[1])
        for path, tree in sources().items()
        if path.startswith(f"{app}/") and place(path) in order
        for module in imported(tree)
        if module.startswith(f"{app}.") and order.get(module.split(".")[1], -1) > order[place(path)]
    }
    assert wrong <= LAZY


def test_guardian_is_wrapped_once():
    users = {
        path for path, tree in sources().items() if any(name.split(".")[0] == "guardian" for name in imported(tree))
    }

    assert users == {"access/duties.py", "access/models/people.py", "access/models/requests.py", "records/models.py"}
    for path in users - {"access/duties.py"}:
        assert {name for name in imported(sources()[path]) if name.startswith("guardian")} == {"guardian.models"}


def test_what_is_dangerous_is_not_used():
    found = []
    for path, tree in sources().items():
        for node in ast.walk(tree):
            names = {getattr(node, "id", None), getattr(node, "attr", None), getattr(node, "name", None)}
            found += [(path, name) for name in names & BANNED if name]
    assert found == []


def test_templates_escape_everything():
    unsafe = re.compile(r"\|\s*safe(seq)?\b|autoescape\s+off")
    templates = [path for folder in ("templates", *APPS) for path in (ROOT / folder).rglob("*.html")]

    assert len(templates) > 10
    assert [path.name for path in templates if unsafe.search(path.read_text(encoding="utf-8"))] == []


# Who writes ----------------------------------------------------------------------------------------------------------------


def is_actions(path: str) -> bool:
    return path in READERS


def test_only_actions_save():
    found = {
        (path, called_on(call))
        for path, tree in sources().items()
        if not is_actions(path)
        for call in calls(tree)
        if saves(call)
    }
    assert found - MAY_SAVE == set()
    assert MAY_SAVE - found == set(), "Take out of the list what is no longer there."


def test_only_the_trail_writes_sql():
    writing = {
        path
        for path, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and WRITING_SQL.search(node.value)
    }
    assert writing == MAY_WRITE_SQL


def test_only_the_trail_inserts_events():
    inserting = {
        path for path in sources() if re.search(r"insert\s+into\s+audit_event\b", (ROOT / path).read_text(), re.I)
    }
    assert inserting == {"audit/trail.py"}


def test_duties_are_given_and_withdrawn_by_actions_only():
    changing = {
        path
        for path, tree in sources().items()
        for call in calls(tree)
        if called_on(call) in {"duties.give", "duties.withdraw", "duties.let", "assign_perm", "remove_perm"}
    }
    assert changing <= {"access/duties.py", *READERS}


def test_only_the_door_and_the_sealing_touch_the_sealed_compartment():
    users = {
        path
        for path, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "SEALED" and ast.unparse(node.value).endswith("Compartment")
    }
    assert users == {"access/vault.py", "records/actions.py", "records/disclosure.py"}
    # The door is opened by one view.
    openers = {
        path for path, tree in sources().items() for call in calls(tree) if called_on(call).endswith("open_answer")
    }
    assert openers <= {"records/views/answers.py", "config/sample_city.py"}


# What an action is -----------------------------------------------------------------------------------------------------------


def functions(path: str) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in sources()[path].body if isinstance(node, ast.FunctionDef)}


def is_durable(function: ast.FunctionDef) -> bool:
    return any(ast.unparse(decorator) == "transaction.atomic(durable=True)" for decorator in function.decorator_list)


def reached(name: str, within: dict[str, ast.FunctionDef]) -> set[str]:
    """Return the functions of the same file that this one calls, directly or not, and itself."""
    found, todo = set(), [name]
    while todo:
        current = todo.pop()
        if current in found:
            continue
        found.add(current)
        todo += [
            call.func.id
            for call in calls(within[current])
            if isinstance(call.func, ast.Name) and call.func.id in within
        ]
    return found


def actions(path: str) -> dict[str, ast.FunctionDef]:
    public = {name: node for name, node in functions(path).items() if not name.startswith("_")}
    return {name: node for name, node in public.items() if name not in READERS[path]}


def test_every_file_of_actions_is_looked_at():
    named = {path for path in sources() if path.split("/")[1].removesuffix(".py") == "actions"}
    assert {path for path in named if functions(path)} == set(READERS)
    assert sum(len(actions(path)) for path in READERS) >= 25


@pytest.mark.parametrize("path", READERS)
def test_what_only_reads_writes_nothing(path):
    within = functions(path)
    assert READERS[path] <= set(within)
    for name in READERS[path]:
        for one in reached(name, within):
            writing = [
                called_on(call) for call in calls(within[one]) if saves(call) or called_on(call) == "trail.write"
            ]
            assert writing == [], name


@pytest.mark.parametrize("path", READERS)
def test_every_action_is_durable_or_calls_one_that_is(path):
    within = functions(path)
    for name, node in actions(path).items():
        assert any(is_durable(within[one]) for one in reached(name, within)), name
        # A durable action inside another could not commit by itself: Django would raise.
        if is_durable(node):
            assert not any(is_durable(within[one]) for one in reached(name, within) - {name}), name


@pytest.mark.parametrize("path", READERS)
def test_every_action_takes_by_and_writes_its_event(path):
    within = functions(path)
    for name, node in actions(path).items():
        keywords = {argument.arg for argument in node.args.kwonlyargs}
        assert ("by" in keywords) != (name in OF_THE_WORKER), name
        written = [
            call for one in reached(name, within) for call in calls(within[one]) if called_on(call) == "trail.write"
        ]
        assert written, name
        for call in written:
            assert "by" in {keyword.arg for keyword in call.keywords}, name


@pytest.mark.parametrize("path", READERS)
def test_everything_public_says_what_it_guarantees_and_is_typed(path):
    for name, node in functions(path).items():
        assert node.returns is not None, name
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        assert all(argument.annotation is not None for argument in arguments), name
