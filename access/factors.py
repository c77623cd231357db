"""Second factors that their holder set up. Each row carries a keyed code over itself and its holder, made whenever it is
saved here: whoever can only write the table adds no factor, and copies none from one person to another."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable
from typing import Any

from allauth.mfa.models import Authenticator
from django.utils.translation import gettext as _

from access import vault
from access.exceptions import Refused
from access.models import User

CODE = "code"


def sign(sender: type[Authenticator], instance: Authenticator, **_signal: Any) -> None:
    """Write the code into a factor that is about to be saved (a receiver of `pre_save`)."""
    instance.data[CODE] = _code(instance)


def of(user: User) -> list[Authenticator]:
    """Return this person's second factors; Refused when one of them is not as its holder set it up.

    Nothing is tried with the others then: a new one-time code, which removes them all, is the way out.
    """
    found = list(Authenticator.objects.filter(user=user).order_by("pk"))
    if not all(_is_sound(factor) for factor in found):
        raise Refused(
            _(
                "A second factor of this account is not as its holder set it up, so none of them is taken. Ask whoever administers people for a new one-time code."
            )
        )
    return found


def answering(code: str, found: Iterable[Authenticator]) -> Authenticator | None:
    """Return the one of these factors that this code is of, or None; a right code is used up by that."""
    with_codes = [factor for factor in found if factor.type != Authenticator.Type.WEBAUTHN]
    return next((factor for factor in with_codes if factor.wrap().validate_code(code)), None)


def _is_sound(factor: Authenticator) -> bool:
    code = factor.data.get(CODE) if isinstance(factor.data, dict) else None
    return isinstance(code, str) and hmac.compare_digest(code.encode(), _code(factor).encode())


def _code(factor: Authenticator) -> str:
    content = {name: value for name, value in factor.data.items() if name != CODE}
    text = json.dumps([str(factor.user_id), factor.type, content], sort_keys=True, separators=(",", ":"))
    return vault.index("second factor", text).hex()
