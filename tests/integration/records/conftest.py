"""What the tests of the register's pages share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import translation


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Sentences are compared as they are written in the code, whether or not the translations are compiled."""
    with translation.override("en"):
        yield
