"""Reading what stands in a row, whatever it is: nothing here raises, and nothing is trusted to have a shape.

The database builds the bytes of every event, but its owner may have put others there. What cannot be read is nothing;
verification names it.
"""

import json
from typing import Any

import rfc8785

# What Python can hold of PostgreSQL's times; the models and queries of the trail leave out what lies beyond.
EARLIEST, LATEST = "0001-01-02", "9999-12-30"


def content(canonical: bytes | memoryview | None) -> dict[str, Any]:
    """Return the object that an event's bytes hold, or an empty one where they hold none."""
    try:
        read = json.loads(bytes(canonical or b""))
    except (ValueError, RecursionError):  # no JSON, not UTF-8, digits without end, nested without end
        return {}
    return read if isinstance(read, dict) else {}


def is_canonical(canonical: bytes | memoryview, read: dict[str, Any]) -> bool:
    """Say whether these bytes are the one way to write what they hold (RFC 8785): nothing twice, nothing beside it."""
    try:
        return rfc8785.dumps(read) == bytes(canonical)
    except (ValueError, RecursionError):  # a number that is too large, half a character
        return False


def part(read: dict[str, Any], *names: str) -> Any:
    """Return what stands under these names, one inside the other; None where there is no such place."""
    found: Any = read
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def text(read: dict[str, Any], *names: str) -> str | None:
    """Return the text under these names, or None where something else stands there."""
    found = part(read, *names)
    return found if isinstance(found, str) else None


def nodes(stored: Any) -> list[bytes] | None:
    """Return the hashes of a stored frontier, or None where it is not a plain list of hashes."""
    try:
        found = [bytes(node) for node in stored]
    except TypeError:  # a null, or lists in the list
        return None
    return found if all(len(node) == 32 for node in found) else None
