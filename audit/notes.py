"""Signing C2SP notes with Ed25519; `verify` opens them."""

import base64
import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.exceptions import SignerRefused
from audit.verify import Checkpoint, VerifierKey, is_key_name, open_checkpoint, open_note, parse_checkpoint

__all__ = [
    "Checkpoint",
    "VerifierKey",
    "create_signing_key",
    "load_signing_key",
    "open_checkpoint",
    "open_note",
    "parse_checkpoint",
    "sign",
    "verifier_key",
]


def create_signing_key(path: Path) -> None:
    """Write a new Ed25519 key readable by its owner only, and its public half beside it; never overwrite one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secret)
    _public_file(path).write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def load_signing_key(path: Path) -> Ed25519PrivateKey:
    """Return the key of a file that nobody else can read, or raise SignerRefused saying what to do."""
    try:
        mode, data = path.stat().st_mode, path.read_bytes()
    except OSError:
        raise SignerRefused(
            "The signing key of the trail cannot be read. Create one with: manage.py verifier_key --create"
        ) from None
    if mode & 0o077:
        raise SignerRefused("Other users can read the signing key of the trail. Set its mode to 0600.")
    try:
        is_pem = data.startswith(b"-----BEGIN")
        key = serialization.load_pem_private_key(data, None) if is_pem else Ed25519PrivateKey.from_private_bytes(data)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise SignerRefused("The signing key of the trail is not an Ed25519 key.")
    return key


def verifier_key(path: Path, origin: str) -> VerifierKey:
    """Return the public key with the log's name; the private half need not be on this machine."""
    if not is_key_name(origin):
        raise SignerRefused("AUDIT_ORIGIN may not be empty and may not contain spaces or plus signs.")
    public_file = _public_file(path)
    if not public_file.exists():
        return VerifierKey(origin, load_signing_key(path).public_key().public_bytes_raw())
    public = serialization.load_pem_public_key(public_file.read_bytes())
    return VerifierKey(origin, public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw))


def sign(text: str, key: Ed25519PrivateKey, name: str) -> str:
    """Return `text` (ending in a newline) as a signed note."""
    signature = VerifierKey(name, key.public_key().public_bytes_raw()).id + key.sign(text.encode())
    return f"{text}\n\u2014 {name} {base64.b64encode(signature).decode()}\n"


def _public_file(path: Path) -> Path:
    return path.with_name(path.name + ".pub")
