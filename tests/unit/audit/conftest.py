from pathlib import Path

import pytest

from audit import log


@pytest.fixture
def signer(settings, tmp_path: Path) -> Path:
    """A signing key and a witness file of the test's own; returns the witness file."""
    settings.AUDIT_SIGNING_KEY_FILE = tmp_path / "signing.pem"
    settings.AUDIT_WITNESS_FILE = tmp_path / "witness"
    log.create_signing_key(settings.AUDIT_SIGNING_KEY_FILE)
    return settings.AUDIT_WITNESS_FILE
