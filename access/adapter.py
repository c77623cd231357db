"""How allauth signs our people in: nobody signs up, and every sign-in and sign-out is an event."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from access import kinds, vault
from access.actions import identity
from access.entrance import tries_for
from access.languages import set_language_cookie
from access.models import User
from audit import trail


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """People are entered by who administers them."""
        return False

    def login(self, request: HttpRequest, user: User) -> None:
        """Sign in and write the event; without the event there is no session (Rule 12)."""
        with transaction.atomic(durable=True):
            super().login(request, user)
            trail.write(kinds.SIGNED_IN, by=user, on=user)

    def logout(self, request: HttpRequest) -> None:
        """End the session together with its event; without the event it goes on."""
        user = request.user
        with transaction.atomic(durable=True):
            if user.is_authenticated:
                trail.write(kinds.SIGNED_OUT, by=user, on=user)
            super().logout(request)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Take one of the tries for this name at this address before the password is looked at."""
        tries = tries_for(request, credentials.get("username", ""))
        if tries.take() is None:
            raise ValidationError(tries.wait_sentence())
        self._tries = tries

    def _rollback_login_failed_rl_usage(self) -> None:
        """allauth calls this when the password was right."""
        self._tries.forget()

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Record a failed sign-in; the name that was typed is not kept, since people type passwords there."""
        identity.fail_to_sign_in(
            by=None, user=User.objects.filter(username__iexact=credentials.get("username", "")).first()
        )

    def get_login_stages(self) -> list[str]:
        """The second step is the only stage: nothing is sent by mail, and no browser is trusted."""
        return ["access.entrance.SecondStep"]

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        """Go on in the language that this person chose for themselves."""
        response: HttpResponse = super().post_login(request, user, **kwargs)
        if user.language:
            set_language_cookie(response, user.language)
        return response


class MFAAdapter(DefaultMFAAdapter):
    def get_totp_label(self, user: User) -> str:
        """Name the account in the authenticator app by the user name alone."""
        return user.username

    def encrypt(self, text: str) -> str:
        """Keep second-factor secrets under the working key, not in plain text in the database."""
        return vault.seal_text(text, table="mfa_authenticator", field="data")

    def decrypt(self, encrypted_text: str) -> str:
        """Open a second-factor secret; one that was copied from elsewhere does not open."""
        return vault.open_text(encrypted_text, table="mfa_authenticator", field="data")
