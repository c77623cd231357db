"""How far the log may lag before somebody is told."""

import shutil
from datetime import timedelta

import pytest

from audit import freshness
from audit.exceptions import SignerRefused
from tests import signing
from tests.tampering import tamper

pytestmark = pytest.mark.django_db


def age(owner, seconds):
    """Make every event, queue row and checkpoint older."""
    older = timedelta(seconds=seconds)
    for table in ("audit_event", "audit_checkpoint"):
        tamper(owner, f"UPDATE {table} SET at = at - %s", older)
    owner.execute("UPDATE audit_queue SET at = at - %s", [older])


def test_a_log_that_is_up_to_date_is_healthy(signed):
    fresh = freshness.current()
    assert fresh.sentences == []
    assert (fresh.size, fresh.signed_size) == (signed.size, signed.size)
    assert fresh.oldest_unsequenced_seconds is None
    assert 0 <= fresh.newest_checkpoint_seconds < 60


def test_nothing_new_for_days_is_healthy(signed, owner):
    age(owner, 100_000)
    assert freshness.current().sentences == []


def test_an_event_waiting_over_ten_seconds_is_not_healthy(signed, owner):
    signing.write(1)
    assert freshness.current().sentences == []
    age(owner, 11)
    fresh = freshness.current()
    assert fresh.oldest_unsequenced_seconds > 10
    assert (len(fresh.sentences), fresh.reasons) == (1, ["UNSEQUENCED"])


def test_events_unsigned_for_over_five_minutes_are_not_healthy(signed, owner):
    signing.write(1)
    signing.sequence()
    assert freshness.current().sentences == []
    age(owner, 301)
    assert freshness.current().sentences


def test_a_refusal_of_the_signer_is_not_healthy_until_it_signs_again(signed, signer, tmp_path):
    shutil.copy(signer, tmp_path / "kept")
    signer.unlink()
    with pytest.raises(SignerRefused):
        signing.checkpoint()
    signing.sequence()
    assert freshness.current().sentences
    shutil.copy(tmp_path / "kept", signer)
    signing.checkpoint()
    assert freshness.current().sentences == []
