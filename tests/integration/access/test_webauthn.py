"""What a browser sends as the answer of a security key is right or one sentence, whatever it is."""

from __future__ import annotations

import json

import pytest
from allauth.mfa.models import Authenticator
from django.urls import reverse

from access.models import IdentityConfirmation
from tests import authenticators, factories
from tests.clients import signed_in

pytestmark = pytest.mark.django_db

HOSTILE = [
    "9" * 5000,
    "[" * 3000,
    "[" * 3000 + "]" * 3000,
    "null",
    "0",
    "-0.0",
    "1e309",
    "false",
    '""',
    "5",
    "[]",
    "{}",
    '{"id": 5}',
    "x",
    "\x00",
    json.dumps({"id": "AA", "rawId": "AA", "type": "public-key", "response": 7}),
    json.dumps({"id": "AA", "rawId": "AA", "type": "public-key", "response": {}}),
    json.dumps(
        {
            "id": "AA",
            "rawId": "AA",
            "type": "public-key",
            "response": {"clientDataJSON": "!", "attestationObject": "AA"},
        }
    ),
    json.dumps(
        {
            "id": "AA",
            "rawId": "AA",
            "type": "public-key",
            "response": {"clientDataJSON": "e30", "attestationObject": "oA"},
        }
    ),
    json.dumps(
        {
            "id": "AA",
            "rawId": "AA",
            "type": "public-key",
            "response": {"clientDataJSON": "W10", "attestationObject": "gw"},
        }
    ),
]


@pytest.mark.parametrize("credential", HOSTILE)
def test_a_credential_that_no_key_made_is_said_beside_the_form(credential):
    client = signed_in(factories.City().officer)
    client.post(reverse("access:identity_change", args=["key-add"]), {"password": factories.PASSWORD})
    url = reverse("access:key_add")
    assert client.get(url).status_code == 200

    response = client.post(url, {"name": "key", "credential": credential})

    assert response.status_code == 200
    assert response.context["form"].errors
    assert Authenticator.objects.count() == 0
    assert client.get(url).status_code == 200


@pytest.mark.parametrize("credential", HOSTILE)
def test_a_proof_that_no_key_made_proves_nothing(credential):
    city = factories.City()
    authenticators.Key(city.officer)
    url = reverse("access:identity_change", args=["codes"])

    response = signed_in(city.officer).post(url, {"password": factories.PASSWORD, "credential": credential})

    assert response.status_code == 200
    assert response.context["form"].errors
    assert not IdentityConfirmation.objects.exists()
