"""What the tests of the pages of requests and people share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.utils import translation


@pytest.fixture
def english(client: Client) -> Iterator[None]:
    """The browser and the test itself read English."""
    client.cookies["django_language"] = "en"
    with translation.override("en"):
        yield
