"""Second factors of tests: an authenticator app, and a security key made of software."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64encode
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256
from fido2.webauthn import AttestedCredentialData, AuthenticatorData

ORIGIN = "https://testserver"


def app_of(user) -> str:
    """Give somebody an authenticator app; return its secret."""
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(user, secret)
    return secret


def code_of(secret: str, step: int = 0) -> str:
    """Return the code that the app shows now, or so many half minutes later (allauth takes the neighbours too)."""
    counters = list(totp.yield_hotp_counters_from_time())
    return totp.format_hotp_value(totp.hotp_value(secret, counters[len(counters) // 2] + step))


def wrong(code: str) -> str:
    return f"{(int(code) + 500000) % 1000000:06d}"


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


class Key:
    """A security key; `user` gets it at once unless it is to be registered by a page."""

    def __init__(self, user=None, rp: str = "testserver") -> None:
        self.rp, self.id, self.private = rp, secrets.token_bytes(16), ec.generate_private_key(ec.SECP256R1())
        if user is not None:
            data = {"name": "钥匙", "credential": json.loads(self.registers({"publicKey": {"challenge": "AAAA"}}))}
            self.row = Authenticator.objects.create(user=user, type=Authenticator.Type.WEBAUTHN, data=data)

    def registers(self, options: dict[str, Any]) -> str:
        """Answer a page that wants to register this key."""
        credential = AttestedCredentialData.create(
            b"\0" * 16, self.id, ES256.from_cryptography_key(self.private.public_key())
        )
        data = AuthenticatorData.create(self._rp_hash(), 0x45, 1, bytes(credential))
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": bytes(data)})
        client = self._client("webauthn.create", options)
        return self._answer({"clientDataJSON": _text(client), "attestationObject": _text(attestation)})

    def proves(self, options: dict[str, Any]) -> str:
        """Answer a page that asks for this key."""
        data = bytes(AuthenticatorData.create(self._rp_hash(), 0x05, 2))
        client = self._client("webauthn.get", options)
        signature = self.private.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {"clientDataJSON": _text(client), "authenticatorData": _text(data), "signature": _text(signature)}
        )

    def _rp_hash(self) -> bytes:
        return hashlib.sha256(self.rp.encode()).digest()

    def _client(self, kind: str, options: dict[str, Any]) -> bytes:
        said = {"type": kind, "challenge": options["publicKey"]["challenge"], "origin": ORIGIN}
        return json.dumps(said).encode()

    def _answer(self, response: dict[str, str]) -> str:
        name = _text(self.id)
        return json.dumps(
            {"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": {}}
        )


def options_on(page: str, name: str) -> dict[str, Any]:
    """Return what a page gives the browser's part of the ceremony."""
    start = page.index(">", page.index('<script id="js_data"')) + 1
    return json.loads(page[start : page.index("</script>", start)])[name]
