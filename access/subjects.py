"""The port for indexes of people: whoever keeps the register provides them, and `access` cannot name it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from access.exceptions import Unavailable


class Named(Protocol):
    """A person as asked about."""

    @property
    def name(self) -> str:
        """The name as it was typed and checked."""

    @property
    def document_type(self) -> str:
        """The kind of document."""

    @property
    def number(self) -> str:
        """The number of the document."""


@dataclass(frozen=True)
class Indexes:
    """What the register is searched by: the document, and document and name."""

    subject_key: bytes
    identity_key: bytes


Provider = Callable[[Sequence[Named], uuid.UUID], list[Indexes]]
_provider: Provider | None = None


def provide(provider: Provider) -> None:
    """Let this function make the indexes, for the life of the process."""
    global _provider
    _provider = provider


def index(people: Sequence[Named], *, by: uuid.UUID) -> list[Indexes]:
    """Return the indexes of these people in order; raises Refused beyond what this user may ask about in a day."""
    if _provider is None:
        raise Unavailable("Nobody provides the indexes of people. Install the app that keeps the register.")
    return _provider(people, by)
