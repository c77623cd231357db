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
        "exceptions", "sql", "kinds", "checks", "verify", "reading", "notes", "merkle", "models", "trail", "fingerprint", "registers",
        "permissions", "sequencing", "checkpoints", "freshness", "proofs", "signer", "restoring", "export", "verification", "middleware", "sentences", "table", "narrowing", "alarms", "fields", "forms", "views",
        "urls", "apps", "management",
    ),
    "access": (
        "exceptions", "kinds", "refusals", "vault", "identifiers", "passwords", "codes", "subjects", "content", "models", "duties", "population", "questions", "factors", "attempts", "sessions",
        "calendar", "catalogue", "law", "scope", "permissions", "database", "addresses", "limits", "languages", "typed", "actions",
        "reading", "fields", "webauthn_forms", "forms", "entrance", "adapter", "uploads", "middleware", "people_forms", "frame",
        "shell", "naming", "templatetags", "views", "urls",
        "proofs", "apps", "management",
    ),
    "records": (
        "exceptions", "kinds", "keyservice", "models", "penalties", "entry", "catalogue", "permissions", "upkeep", "actions",
        "disclosure", "tasks",
        "forms", "shell", "naming", "templatetags", "views", "urls", "proofs", "apps", "management",
    ),
}  # fmt: skip
SAVING = {
    "save", "save_base", "create", "get_or_create", "update_or_create", "bulk_create", "bulk_update", "delete",
    "_raw_delete", "acreate", "asave", "aupdate", "adelete",
}  # fmt: skip
# Who saves besides actions, and what: catalogue rows of a release, sessions, throttle counts, the demo's clock.
MAY_SAVE = {
    ("access/attempts.py", "self.delete"),
    ("access/attempts.py", "self._rows().filter(pk=self.make_and_validate_key(key, version)).delete"),
    ("access/attempts.py", "self._rows().filter(until__lte=Now()).delete"),
    ("access/attempts.py", "rows.update"),
    ("access/catalogue/__init__.py", "WorkingDay.objects.bulk_create"),
    ("access/catalogue/__init__.py", "model._default_manager.bulk_create"),
    ("access/sessions.py", "SessionEnd.objects.bulk_create"),
    ("access/sessions.py", "row.update"),
    ("access/sessions.py", "Session.objects.not_ended().filter(digest=self._digest()).update"),
    ("access/sessions.py", "row.save"),
    ("access/sessions.py", "self.create"),
    ("access/sessions.py", "self.save"),
    ("access/views/requests.py", "cache.delete"),
}
WRITING_SQL = re.compile(r"^\s*(insert\s+into|update\s+[\w.]+\s+set|delete\s+from|truncate|merge\s+into)\b", re.I)
# Statements that write by themselves instead of calling a function of the database: attempts, the kinds of a migration,
# what the owner's commands load and note, findings about alarms, the signer's checkpoints, and the demo's clock.
MAY_WRITE_SQL = {
    "access/attempts.py",
    "access/catalogue/__init__.py",
    "audit/alarms.py",
    "audit/checkpoints.py",
    "audit/sql/__init__.py",
    "config/sample_city.py",
    "records/upkeep.py",
}
# Every call of a function of the database, and the one place for each.
DATABASE_CALLS = {
    "access/naming.py": {"public.audit_json"},
    "access/database.py": {
        "public.access_vote",
        "public.access_ask_population",
        "public.access_withdraw",
        "public.access_revoke",
        "public.access_sign",
        "public.access_confirm",
        "public.access_confirmation",
        "public.access_use_confirmation",
        "public.access_open",
        "public.access_extend",
        "public.access_standing",
        "public.access_note_expiry",
        "public.access_duty_refusal",
        "public.access_withdrawal_refusal",
        "public.access_give_duty",
        "public.access_withdraw_duty",
        "public.access_last_held",
        "public.access_code_refusal",
        "public.access_needs_two",
        "public.access_code",
        "public.access_enrol",
        "public.access_propose",
        "public.access_proposal_refusal",
        "public.access_enact",
        "public.access_turn_down",
    },
    "access/sessions.py": {"public.access_forget_sessions"},
    "audit/trail.py": {"public.audit_write"},
    "audit/sequencing.py": {"public.audit_sequence"},
    # As the owner, after a restore.
    "audit/restoring.py": {"public.audit_append", "public.audit_continue_as"},
    "config/restoring.py": {"public.access_after_restore", "sealed.after_restore"},
    "records/keyservice/opening.py": {"sealed.mark", "sealed.disclosed"},
    "records/keyservice/sealing.py": {"sealed.working", "sealed.seal"},
    "records/keyservice/indexing.py": {"sealed.count_asked"},
    "records/keyservice/checking.py": {"sealed.audited", "sealed.strays"},
}

READERS = {
    "access/actions/requests.py": {
        "key_of",
        "lock",
        "read_particulars",
        "read_person",
        "read_letter",
        "check_complete",
        "missing_parts",
        "why_not_the_day",
    },
    "access/actions/decisions.py": {
        "to_compare",
        "point_of",
        "points",
        "act_of",
        "widest_window",
        "why_empty",
        "visible_decisions",
        "read_reason",
    },
    "access/actions/opening.py": {"identity_is_fresh", "seconds_standing"},
    "access/actions/identity.py": {"is_confirmed"},
    "access/actions/security.py": set(),
    "access/actions/people.py": {"notices"},
    "access/actions/proposals.py": set(),
    "records/actions.py": {"read_particulars", "entry_of", "handlers_of", "sealing_rule"},
}
# Nobody does these: the worker does, when time has passed.
OF_THE_WORKER = {"lapse_one", "seal_due"}
# Somebody does these to their own row while they sign in.
BY_THEMSELVES = {"store_password_anew"}
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
        for module in imported(tree):
            parts = module.split(".")
            if parts[0] == app and len(parts) > 1 and order.get(parts[1], -1) > order[place(path)]:
                wrong.append((path, module))
    assert wrong == []


def modules() -> dict[str, set[str]]:
    """Return for each module of the product which it imports, inside a function as well."""
    names = {path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): path for path in sources()}
    found: dict[str, set[str]] = {}
    for name, path in names.items():
        wanted = set()
        for node in ast.walk(runtime(sources()[path])):
            if isinstance(node, ast.Import):
                wanted |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                # What is imported from a package is a module of it, or stands in the package itself.
                wanted |= {f"{node.module}.{alias.name}" for alias in node.names}
        found[name] = {one if one in names else one.rpartition(".")[0] for one in wanted} & set(names) - {name}
    return found


class _WithoutTypeChecking(ast.NodeTransformer):
    def visit_If(self, node: ast.If) -> ast.AST | None:
        return None if "TYPE_CHECKING" in ast.unparse(node.test) else self.generic_visit(node)


def runtime(tree: ast.Module) -> ast.Module:
    """Return what runs: without imports for type checkers only."""
    return _WithoutTypeChecking().visit(ast.parse(ast.unparse(tree)))


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return every way that leads from a module back to itself, one for each module that is on one."""

    def way_back(start: str) -> list[str]:
        ways, seen = [[start]], set()
        for way in ways:
            for follower in sorted(graph[way[-1]]):
                if follower == start:
                    return [*way, start]
                if follower not in seen:
                    seen.add(follower)
                    ways.append([*way, follower])
        return []

    return [way for name in graph if (way := way_back(name))]


def test_no_module_imports_itself_by_any_way_not_even_inside_a_function():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})[0] == ["a", "b", "c", "a"]
    found = modules()
    assert len(found) > 100 and "access.models.people" in found["access.models"]
    assert circles(found) == []


# Where an import inside a function is needed: Django calls `ready` when models may be imported, and not before.
LATE = {"audit/apps.py", "access/apps.py", "records/apps.py", "config/apps.py", "access/attempts.py"}


def test_imports_stand_at_the_top_of_their_file():
    late = {path for path, tree in sources().items() if set(imported(tree)) - set(imported(tree, at_the_top=True))}
    assert {path for path in late if any(is_ours(name) for name in hidden(path))} == LATE


def hidden(path: str) -> set[str]:
    return set(imported(sources()[path])) - set(imported(sources()[path], at_the_top=True))


def is_ours(module: str) -> bool:
    return module.split(".")[0] in APPS


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


def sql_files() -> dict[str, str]:
    return {
        path.relative_to(ROOT).as_posix(): path.read_text() for app in APPS for path in (ROOT / app).glob("sql/*.sql")
    }


def test_only_functions_of_the_database_insert_events():
    inserts = re.compile(r"insert\s+into\s+(public\.)?audit_event\b", re.I)
    assert {path for path in sources() if inserts.search((ROOT / path).read_text())} == set()
    assert {path for path, text in sql_files().items() if inserts.search(text)} == {
        "audit/sql/audit_append.sql",
        "audit/sql/audit_write.sql",
        "access/sql/access_open.sql",
        "records/sql/sealed_mark.sql",
    }


def texts_in(tree: ast.AST) -> Iterator[str]:
    return (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))


def test_each_function_of_the_database_is_called_from_one_place():
    calling = re.compile(r"\b(?:select|from)\s+((?:public\.(?:access|audit|records)_|sealed\.)\w+)\s*\(", re.I)
    found: dict[str, set[str]] = {}
    for path, tree in sources().items():
        for text in texts_in(tree):
            if names := set(calling.findall(text)):
                found.setdefault(path, set()).update(names)
    assert found == DATABASE_CALLS


def test_every_function_of_the_database_is_closed_to_what_its_caller_planted():
    """SECURITY DEFINER without a search_path of its own runs what its caller put in front; every name is qualified."""
    wrong = []
    for path, text in sql_files().items():
        for head in re.findall(r"create (?:or replace )?function.*?\bas\b\s*\$", text, re.S | re.I):
            definer, fixed = "security definer" in head.lower(), "search_path = pg_catalog, pg_temp" in head.lower()
            if definer and not fixed:
                wrong.append(path)
    assert len(sql_files()) > 40
    assert wrong == []


def test_duties_are_given_and_withdrawn_by_actions_only():
    changing = {
        path
        for path, tree in sources().items()
        for call in calls(tree)
        if called_on(call)
        in {
            "database.give_duty",
            "database.withdraw_duty",
            "database.enact",
            "duties.let",
            "assign_perm",
            "remove_perm",
        }
    }
    assert changing <= {"access/duties.py", *READERS}


def is_key_service(path: str) -> bool:
    return path.startswith("records/keyservice/")


def test_nothing_else_reaches_into_the_key_service():
    reaching = {
        (path, module)
        for path, tree in sources().items()
        if not is_key_service(path)
        for module in imported(tree)
        if module.startswith("records.keyservice")
    }
    # `from records.keyservice import SealedRow` names the package, which has four functions and what they answer.
    assert {module for _path, module in reaching} == {"records.keyservice"}
    # Sealing, opening, the port for indexes, verification, whether all of it is there, and what a restore revives.
    assert {path for path, _module in reaching} == {
        "config/health.py",
        "config/restoring.py",
        "records/proofs.py",
        "records/actions.py",
        "records/apps.py",
        "records/disclosure.py",
        "records/views/violations.py",
    }
    [offered] = [
        node.value
        for node in sources()["records/keyservice/__init__.py"].body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    called = {name for name in ast.literal_eval(offered) if name.islower()}
    assert called == {"check", "close", "index", "open", "seal"}


def test_what_the_key_service_will_stand_on_needs_no_django():
    """The seam of step 3: these files go into a process of their own."""
    for path in ("ciphers", "datakeys", "keyfile", "keyring"):
        modules = set(imported(sources()[f"access/vault/{path}.py"]))
        assert not [name for name in modules if name.split(".")[0] in {"django", "audit", "records", "config"}]
        assert all(name.startswith("access.vault.") for name in modules if name.startswith("access"))


def test_the_door_is_opened_by_one_view():
    openers = {
        path for path, tree in sources().items() for call in calls(tree) if called_on(call).endswith("open_answer")
    }
    assert openers <= {"records/views/answers.py", "config/sample_city.py"}


# What an action is -----------------------------------------------------------------------------------------------------------


def functions(path: str) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in sources()[path].body if isinstance(node, ast.FunctionDef)}


# One statement outside any transaction is durable by itself: `open_grant` and `extend` refuse to run in one, and sealing
# commits on the key service's connection.
ONE_STATEMENT = {
    "open_grant": "connection.in_atomic_block",
    "extend": "connection.in_atomic_block",
    "seal_due": "keyservice.seal",
}


def is_durable(function: ast.FunctionDef) -> bool:
    if ONE_STATEMENT.get(function.name, "\0") in ast.unparse(function):
        return True
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
        assert ("by" in keywords) != (name in OF_THE_WORKER | BY_THEMSELVES), name
        written = [call for one in reached(name, within) for call in calls(within[one]) if writes_an_event(call)]
        assert written, name
        for call in written:
            if called_on(call) == "trail.write" or called_on(call) in ("database.vote", "database.open_grant"):
                assert "by" in {keyword.arg for keyword in call.keywords}, name


# Functions of the database that write the event together with what it is about.
WITH_THEIR_EVENT = {
    "database.confirm",
    "database.enact",
    "database.enrol",
    "database.give_duty",
    "database.make_code",
    "database.open_grant",
    "database.extend",
    "database.propose",
    "database.revoke",
    "database.sign",
    "database.turn_down",
    # Its event named the change when it was confirmed; the database writes the one of the factor (docs/adr/0015).
    "database.use_confirmation",
    "database.ask_population",
    "database.vote",
    "database.withdraw",
    "database.withdraw_duty",
    "keyservice.seal",
}


def writes_an_event(call: ast.Call) -> bool:
    return called_on(call) == "trail.write" or called_on(call) in WITH_THEIR_EVENT


# Moves of what somebody has read on a screen: none can be made without saying which version that was.
OF_WHAT_WAS_READ = {
    "access/actions/decisions.py": {"approve", "refuse", "return_for_correction"},
    "access/actions/requests.py": {"submit", "withdraw"},
    "records/actions.py": {"submit", "return_for_correction", "confirm"},
}


@pytest.mark.parametrize("path", OF_WHAT_WAS_READ)
def test_a_move_carries_the_version_that_was_on_the_screen_and_no_caller_can_leave_it_out(path):
    for name in OF_WHAT_WAS_READ[path]:
        arguments = functions(path)[name].args
        required = {
            argument.arg: ast.unparse(argument.annotation)
            for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
            if default is None
        }
        assert required.get("version") == "int", name


@pytest.mark.parametrize("path", READERS)
def test_everything_public_says_what_it_guarantees_and_is_typed(path):
    for name, node in functions(path).items():
        assert node.returns is not None, name
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        assert all(argument.annotation is not None for argument in arguments), name
