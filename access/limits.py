"""How often somebody may try: counted by name and address, so that nobody locks anybody else out."""

from __future__ import annotations

import hashlib
import math
import time

from django.core.cache import cache
from django.utils.translation import ngettext

MOST_FAILURES = 5
WAIT_SECONDS = 5 * 60


class Tries:
    """The tries of one kind for one name from one address.

    One is taken before anything is looked at, so that a hundred at once are not a hundred guesses, and given back when it
    was right. Names are kept as digests: people type passwords there.
    """

    def __init__(self, kind: str, name: str, address: str) -> None:
        digest = hashlib.sha256(f"{name.strip().lower()}\n{address}".encode()).hexdigest()
        self._keys = [f"tries:{kind}:{digest}:{place}" for place in range(1, MOST_FAILURES + 1)]

    def take(self) -> int | None:
        """Take one of the tries of the last minutes and return how many are left; None when all were used."""
        for place, key in enumerate(self._keys, 1):
            if cache.add(key, time.time(), WAIT_SECONDS):
                return MOST_FAILURES - place
        return None

    def are_used_up(self) -> bool:
        return len(self._taken()) == MOST_FAILURES

    def forget(self) -> None:
        cache.delete_many(self._keys)

    def minutes_left(self) -> int:
        """Return how many minutes it takes until there is a try again."""
        seconds = min(self._taken(), default=time.time()) + WAIT_SECONDS - time.time()
        return max(1, math.ceil(seconds / 60))

    def wait_sentence(self) -> str:
        minutes = self.minutes_left()
        return ngettext(
            "Too many attempts failed. Wait %(minutes)d minute and try again.",
            "Too many attempts failed. Wait %(minutes)d minutes and try again.",
            minutes,
        ) % {"minutes": minutes}

    def _taken(self) -> list[float]:
        return list(cache.get_many(self._keys).values())


def left_sentence(left: int) -> str:
    return ngettext("%(left)d attempt is left.", "%(left)d attempts are left.", left) % {"left": left}
