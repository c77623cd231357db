"""A city, and its auditor reading in English."""

import pytest

from tests import worlds


@pytest.fixture
def client(city):
    client = worlds.client_of(worlds.sign_in(city.auditor))
    client.cookies["django_language"] = "en"
    return client
