"""Test clients of people who are signed in and read English."""

from __future__ import annotations

from django.test import Client

from access.models import User


def signed_in(user: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client
