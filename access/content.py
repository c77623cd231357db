"""What is kept as ciphertext carries its version: what was written once can be read for ever.

Sealed content can never be written anew, and a request keeps what was typed, so each kind of content has a reader for
every version ever written, and a stored sample of each in `tests/unit/access/test_content.py` and
`tests/unit/records/test_content.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from access.exceptions import Unavailable

Content = TypeVar("Content")
Readers = Mapping[int, Callable[[dict[str, Any]], Content]]


class ContentUnknown(Unavailable):
    """Encrypted content has a version that this program cannot read."""


def written(version: int, values: Mapping[str, Any]) -> bytes:
    """Return content as it is encrypted: JSON that says its version first."""
    return json.dumps({"v": version, **values}, ensure_ascii=False).encode()


def read(data: bytes, readers: Readers[Content]) -> Content:
    """Read content with the reader of its version; raises ContentUnknown where there is none for it."""
    values = json.loads(data)
    reader = readers.get(values.pop("v", None)) if isinstance(values, dict) else None
    if reader is None:
        raise ContentUnknown("This was written by a newer version of the program; install that one.")
    return reader(values)


def known(kind: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the values that this kind of content has a field for: what a later program adds keeps nothing from being read."""
    return {field.name: values[field.name] for field in fields(kind) if field.name in values}
