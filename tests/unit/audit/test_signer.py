"""The signer's loop."""

import threading

import pytest

from audit import freshness
from audit.models import Event
from audit.signer import run_forever
from tests import signing

pytestmark = pytest.mark.django_db


def test_the_loop_sequences_and_signs_until_it_is_stopped(signer):
    signing.write(3)
    stop = threading.Event()
    with signing.as_signer():
        thread = threading.Thread(target=run_forever, args=[stop])
        thread.start()
        for _number in range(200):
            if freshness.current().signed_size and freshness.current().oldest_unsequenced_seconds is None:
                break
            stop.wait(0.05)
        stop.set()
        thread.join(timeout=10)
    assert not thread.is_alive()
    assert freshness.current().signed_size == Event.objects.count()
