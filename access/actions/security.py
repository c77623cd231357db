"""What people change of their own: password, factors, sessions, and how their pages behave."""

from __future__ import annotations

import uuid
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from allauth.mfa.webauthn.internal.auth import WebAuthn
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from access import database, kinds
from access.database import Act
from access.exceptions import Refused
from access.models import Session, User
from access.sessions import end, session_digest
from audit import trail

# The database writes the events of factors by itself (docs/adr/0015); using up the confirmation says who it was.


@transaction.atomic(durable=True)
def change_password(*, by: User, session_key: str, password: str) -> None:
    """Change one's own password; whoever else is signed in as oneself is not any more."""
    _use_confirmation(by, session_key, "password")
    user = User.objects.select_for_update().get(pk=by.pk)
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Refused(" ".join(error.messages)) from None
    if user.check_password(password):
        raise Refused(_("This is the password that you have now. Choose another one."))
    user.set_password(password)
    user._history_user = by
    user.save()
    trail.write(kinds.PASSWORD_CHANGED, by=by, on=by)
    by.password = user.password
    end(_others(by, session_key))


@transaction.atomic(durable=True)
@database.translated()
def add_app(*, by: User, session_key: str, secret: str) -> list[str]:
    """Add an authenticator app; return new recovery codes when there were none."""
    _use_confirmation(by, session_key, "app-add")
    if _factors(by).filter(type=Authenticator.Type.TOTP).exists():
        raise Refused(_("You have an authenticator app already. Remove it before you add another one."))
    TOTP.activate(by, secret)
    return _first_codes(by)


@transaction.atomic(durable=True)
@database.translated()
def remove_app(*, by: User, session_key: str) -> None:
    """Remove the authenticator app."""
    _use_confirmation(by, session_key, "app-remove")
    _remove(by, _factors(by).filter(type=Authenticator.Type.TOTP))


@transaction.atomic(durable=True)
@database.translated()
def add_key(*, by: User, session_key: str, name: str, credential: dict[str, Any]) -> list[str]:
    """Add a security key that has been verified; return new recovery codes when there were none."""
    _use_confirmation(by, session_key, "key-add")
    count = _factors(by).filter(type=Authenticator.Type.WEBAUTHN).count()
    WebAuthn.add(by, name or _("Security key %(number)d") % {"number": count + 1}, credential)
    return _first_codes(by)


@transaction.atomic(durable=True)
@database.translated()
def remove_key(*, by: User, session_key: str, key: int) -> None:
    """Remove one security key."""
    _use_confirmation(by, session_key, f"key-remove-{key}")
    _remove(by, _factors(by).filter(type=Authenticator.Type.WEBAUTHN, pk=key))


@transaction.atomic(durable=True)
@database.translated()
def make_codes(*, by: User, session_key: str) -> list[str]:
    """Make new recovery codes; those made before are good for nothing from now on."""
    _use_confirmation(by, session_key, "codes")
    if not _factors(by).exclude(type=Authenticator.Type.RECOVERY_CODES).exists():
        raise Refused(_("Recovery codes stand in for an authenticator app or a security key. Add one of these first."))
    _factors(by).filter(type=Authenticator.Type.RECOVERY_CODES).delete()
    return RecoveryCodes.activate(by).generate_codes()


@transaction.atomic(durable=True)
def set_preferences(*, by: User, language: str, single_keys: bool) -> None:
    """Choose the language after a sign-in, and whether single keys do anything."""
    user = User.objects.select_for_update().get(pk=by.pk)
    if (user.language, user.single_keys) == (language, single_keys):
        return
    user.language, user.single_keys = language, single_keys
    user._history_user = by
    user.save()
    trail.write(kinds.USER_CHANGED, by=by, on=by)


@transaction.atomic(durable=True)
def end_session(pk: uuid.UUID, *, by: User) -> bool:
    """End one of one's own sessions at once; False when there is none such."""
    return _end(by, Session.objects.filter(user=by, pk=pk))


@transaction.atomic(durable=True)
def end_other_sessions(*, by: User, session_key: str) -> bool:
    """End all of one's own sessions but this one at once."""
    return _end(by, _others(by, session_key))


def _end(by: User, sessions: Any) -> bool:
    count = end(sessions)
    if count:
        trail.write(kinds.SESSION_ENDED, by=by, on=by, sessions=count)
    return bool(count)


def _use_confirmation(by: User, session_key: str, change: str) -> None:
    database.use_confirmation(by, session=session_digest(session_key), act=Act.change(by, change))


def _factors(user: User) -> Any:
    return Authenticator.objects.filter(user=user)


def _first_codes(user: User) -> list[str]:
    if _factors(user).filter(type=Authenticator.Type.RECOVERY_CODES).exists():
        return []
    return RecoveryCodes.activate(user).generate_codes()


def _remove(user: User, factors: Any) -> None:
    """Remove factors of a person; recovery codes stand in for something, and go with the last of it."""
    User.objects.select_for_update().get(pk=user.pk)  # two pages at once do not remove the last two
    left = _factors(user).exclude(type=Authenticator.Type.RECOVERY_CODES).exclude(pk__in=factors.values("pk"))
    if not left.exists():
        if settings.SECOND_FACTOR_REQUIRED:
            raise Refused(_("Every account needs a second factor. Add another one before you remove this one."))
        factors = _factors(user)
    factors.delete()


def _others(user: User, session_key: str) -> Any:
    return Session.objects.filter(user=user).exclude(digest=session_digest(session_key).hex())
