"""The signing machine in tests: its role for a block, and what it does each second and each minute."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from django.conf import settings
from django.db import connections

from audit import log
from audit.verify import Checkpoint
from config import database


@contextmanager
def as_role(role: str) -> Iterator[None]:
    """Let Django's own connection be this role for a block."""
    connection = connections["default"]
    before = connection.settings_dict["USER"]
    connection.close()
    connection.settings_dict["USER"] = role
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["USER"] = before


def as_signer() -> AbstractContextManager[None]:
    return as_role(database.SIGNER)


def sequence(limit: int = log.BATCH) -> int:
    """Give waiting events their place, as the signer does each second."""
    with as_signer():
        return log.sequence(limit)


def checkpoint() -> Checkpoint | None:
    """Sign the log, as the signer does each minute."""
    with as_signer():
        return log.checkpoint()


def begin() -> None:
    """Begin the log of a database, where that has not been done."""
    if not settings.AUDIT_WITNESS_FILE.exists():
        log.begin()


def confirm() -> None:
    with as_signer():
        log.confirm()


def sign() -> Checkpoint | None:
    """Sequence everything and sign it."""
    while sequence():
        pass
    return checkpoint()
