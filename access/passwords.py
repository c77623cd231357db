"""What makes a password weak beside its length and the list of common ones: the person's own words, and patterns of keys."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from access.models import User

MOST = 128
FEWEST_DIFFERENT = 6
# Keys that lie beside each other, in both directions, and the alphabet.
ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "abcdefghijklmnopqrstuvwxyz", "0123456789")
NEIGHBOURS = {pair for row in ROWS for pair in zip(row, row[1:], strict=False)}
NEIGHBOURS |= {(second, first) for first, second in NEIGHBOURS}


class PasswordValidator:
    """Refuse a password that is made of the person's name, of few characters, of one block, or of neighbouring keys."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise ValidationError with one sentence that says what to change."""
        plain = _plain(password)
        if len(password) > MOST:
            raise ValidationError(_("A password has at most %(most)d characters.") % {"most": MOST}, code="too_long")
        if any(word in plain for word in _words_of(user)):
            raise ValidationError(
                _("The password holds your name, your user name or your badge number. Leave them out."),
                code="own_words",
            )
        if len(set(plain)) < FEWEST_DIFFERENT or re.fullmatch(r"(.+?)\1+", plain):
            raise ValidationError(
                _("The password repeats itself. Use at least %(count)d different characters, in no pattern.")
                % {"count": FEWEST_DIFFERENT},
                code="repeated",
            )
        steps = list(zip(plain, plain[1:], strict=False))
        if sum(step in NEIGHBOURS or step[0] == step[1] for step in steps) * 4 >= len(steps) * 3:
            raise ValidationError(
                _("The password follows the keys of the keyboard or the alphabet. Choose something less regular."),
                code="sequence",
            )

    def get_help_text(self) -> str:
        """Say beforehand what is refused."""
        return _("Not made of your name or badge number, and no pattern.")


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _words_of(user: User | None) -> set[str]:
    """Return what somebody else knows of this person; shorter words stand in many passwords."""
    words = [user.username, user.badge_number, user.full_name] if user is not None else []
    return {_plain(word) for word in words if len(word) >= 4 or not word.isascii() and len(word) >= 2}
