"""A log in which something is signed."""

import pytest

from tests import signing


@pytest.fixture
def signed(signer):
    """The first checkpoint, over the events of set-up and five more."""
    signing.write(5)
    signing.sequence()
    return signing.checkpoint()
