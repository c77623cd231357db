"""Codes for paper: read back however they are typed, and not to be had from what is kept."""

from __future__ import annotations

import hashlib

import pytest

from access import codes


def test_a_code_is_long_enough_and_has_nothing_that_is_read_wrong():
    parts = {codes.new_part() for _each in range(200)}
    assert len(parts) == 200
    assert all(len(part) == codes.PART and set(part) <= set(codes.ALPHABET) for part in parts)
    assert not set("01ILO") & set(codes.ALPHABET)


@pytest.mark.parametrize(
    "change", [str.lower, lambda text: text.replace("-", " "), lambda text: text.replace("-", "－"), str]
)
def test_a_code_is_read_however_it_is_typed(change):
    one, two = codes.new_part(), codes.new_part()
    assert codes.read(change(codes.grouped(one))) == (one, "")
    assert codes.read(change(codes.grouped(one) + codes.grouped(two))) == (one, two)


def test_what_is_kept_is_not_what_proves():
    part, salt = codes.new_part(), codes.new_salt()
    assert codes.digest(part, salt) == hashlib.sha256(codes.slow(part, salt)).digest() != codes.slow(part, salt)
    assert codes.slow(part, salt) != codes.slow(part, codes.new_salt())
