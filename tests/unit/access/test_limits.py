"""How often somebody may try, and what counts as one place."""

from __future__ import annotations

import pytest

from access.limits import Tries, network_of


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unknown", "unknown"),
    ],
)
def test_a_network_of_one_holder_is_one_place(address, place):
    assert network_of(address) == place


@pytest.mark.django_db
def test_whoever_has_a_network_has_no_more_tries_than_who_has_an_address():
    tries = [Tries("password", "officer", f"2001:db8:1:2::{place:x}", most=3) for place in range(5)]
    assert [one.take() for one in tries] == [2, 1, 0, None, None]
    assert Tries("password", "officer", "2001:db8:1:3::1", most=3).take() == 2
