"""What the tests of the register share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import translation


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """Sentences are compared as they are written in the code, whether or not the translations are compiled."""
    with translation.override("en"):
        yield
