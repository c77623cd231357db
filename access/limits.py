"""How often somebody may try: counted by name and address, so that nobody locks anybody else out."""

from __future__ import annotations

import hashlib
import ipaddress
import math

from django.core.cache import cache
from django.utils.translation import ngettext

from access.attempts import seconds_left

MOST_FAILURES = 5
WAIT_SECONDS = 5 * 60


def network_of(address: str) -> str:
    """Return what counts as one place: an IPv4 address, or the /64 of an IPv6 one, in which anybody has all addresses."""
    try:
        place = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(place, ipaddress.IPv4Address):
        return address
    return str(place.ipv4_mapped or ipaddress.ip_network((place, 64), strict=False))


class Tries:
    """The tries of one kind for one name from one address: `most` of them in `seconds`.

    One is taken before anything is looked at, so that a hundred at once are not a hundred guesses; one that was right gives
    all of them back. Names are kept as digests: people type passwords there.
    """

    def __init__(
        self, kind: str, name: str, address: str, *, most: int = MOST_FAILURES, seconds: int = WAIT_SECONDS
    ) -> None:
        digest = hashlib.sha256(f"{name.strip().lower()}\n{network_of(address)}".encode()).hexdigest()
        self._keys = [f"tries:{kind}:{digest}:{place}" for place in range(1, most + 1)]
        self._seconds = seconds

    def take(self) -> int | None:
        """Take one of the tries of the last minutes and return how many are left; None when all were used."""
        for place, key in enumerate(self._keys, 1):
            if cache.add(key, True, self._seconds):
                return len(self._keys) - place
        return None

    def are_used_up(self) -> bool:
        """Say whether no try is left."""
        return len(seconds_left(self._keys)) == len(self._keys)

    def forget(self) -> None:
        """Give all tries back: it was the right one."""
        cache.delete_many(self._keys)

    def minutes_left(self) -> int:
        """Return how many minutes it takes until there is a try again, at least one."""
        return max(1, math.ceil(min(seconds_left(self._keys), default=0) / 60))

    def wait_sentence(self) -> str:
        """Say for how many minutes to wait."""
        minutes = self.minutes_left()
        return ngettext(
            "Too many attempts failed. Wait %(minutes)d minute and try again.",
            "Too many attempts failed. Wait %(minutes)d minutes and try again.",
            minutes,
        ) % {"minutes": minutes}


def left_sentence(left: int) -> str:
    """Say how many attempts are left."""
    return ngettext("%(left)d attempt is left.", "%(left)d attempts are left.", left) % {"left": left}
