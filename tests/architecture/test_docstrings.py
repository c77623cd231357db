"""What others may call says what it guarantees."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture.test_layers import sources

# Of a hundred public functions so many have a docstring; it only rises.
FLOOR = 98


def public(node: ast.AST, within: str = "", *, is_command: bool = False) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield the functions that others may call; not those inside a function, nor what a command's `help` says already."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            if not child.name.startswith("_"):
                of_django = any(ast.unparse(base) == "BaseCommand" for base in child.bases)
                yield from public(child, f"{within}{child.name}.", is_command=of_django)
        elif isinstance(child, ast.FunctionDef):
            is_said = is_command and child.name in {"handle", "add_arguments"}
            if not child.name.startswith("_") and not is_said:
                yield within + child.name, child
        elif isinstance(child, ast.If | ast.Try):
            yield from public(child, within)


def test_what_is_public_says_what_it_guarantees():
    found = [(path, *one) for path, tree in sources().items() for one in public(tree)]
    silent = [f"{path} {name}" for path, name, node in found if not ast.get_docstring(node)]
    assert len(found) > 750
    assert len(silent) <= len(found) * (100 - FLOOR) // 100, silent


def test_a_docstring_is_no_repetition_of_the_name():
    words = {
        f"{path} {name}": (ast.get_docstring(node) or "").lower().replace(".", " ").split()
        for path, tree in sources().items()
        for name, node in public(tree)
    }
    filler = {"a", "an", "the", "return", "of", "this", "is", "it", "say", "whether", "if", "get", "set"}
    repeating = [
        name
        for name, said in words.items()
        if said and not set(said) - filler - set(name.lower().split(".")[-1].split(" ")[-1].split("_"))
    ]
    assert repeating == []
