"""Weak passwords are refused with the sentence that says why; good ones are not."""

from __future__ import annotations

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils import translation

from access.models import User

WHO = User(username="officer3", badge_number="341521", full_name="秦海棠")


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("aaaaaaaaaaaa", "repeats itself"),
        (" " * 12, "repeats itself"),
        ("passwordpassword", "repeats itself"),
        ("Xk7Xk7Xk7Xk7", "repeats itself"),
        ("qwertyuiopas", "follows the keys"),
        ("234567890123", "follows the keys"),
        ("abcdefghijklmn", "follows the keys"),
        ("341521-Tulpe-9", "your badge number"),
        ("officer3-office", "your user name"),
        ("OFFICER3 gärten", "your user name"),
        ("秦海棠的密码是一二三四", "your name"),
        ("x7" * 100, "at most 128"),
        ("short-1!", "at least 12 characters"),
    ],
)
def test_a_weak_password_is_refused(password, sentence):
    with translation.override("en"), pytest.raises(ValidationError) as error:
        validate_password(password, WHO)
    assert any(sentence in message for message in error.value.messages)


@pytest.mark.parametrize(
    "password",
    ["chosen by its holder", "Tulpe-Regen-41 Kran", "雨落长堤灯塔微明一九四二", "k9#Wv!mQ2p@Lz", "yunxi-demo-2026"],
)
def test_a_good_password_is_taken(password):
    validate_password(password, WHO)
