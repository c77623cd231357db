"""Whose address it is, behind any number of proxies."""

from __future__ import annotations

import pytest
from django.test import Client

from access.addresses import forwarded_address


@pytest.mark.parametrize(
    ("forwarded", "proxies", "address"),
    [
        ("203.0.113.7", 1, "203.0.113.7"),
        ("10.9.9.9, 203.0.113.7", 1, "203.0.113.7"),  # what the client says of itself does not count
        ("203.0.113.7, 10.0.0.1", 2, "203.0.113.7"),
        ("1.1.1.1,203.0.113.7 , 10.0.0.1", 2, "203.0.113.7"),
        ("2001:db8::1", 1, "2001:db8::1"),
        ("203.0.113.7", 2, None),
        ("", 1, None),
        ("unknown", 1, None),
        ("203.0.113.7:4711", 1, None),
        (",", 1, None),
    ],
)
def test_the_client_is_the_last_but_the_proxies(forwarded, proxies, address):
    assert forwarded_address(forwarded, proxies) == address


@pytest.mark.django_db
def test_what_did_not_come_by_the_proxies_is_refused(settings):
    settings.TRUSTED_PROXIES = 1
    client = Client()
    assert client.get("/accounts/login/").status_code == 400
    assert client.get("/accounts/login/", headers={"x-forwarded-for": "203.0.113.7"}).status_code == 200
    settings.TRUSTED_PROXIES = 2
    assert client.get("/accounts/login/", headers={"x-forwarded-for": "203.0.113.7"}).status_code == 400
