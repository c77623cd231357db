"""Signing in: what is counted, by name and address, and what never locks anybody else out."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm
from allauth.account.models import Login
from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.actions import identity
from access.limits import Tries
from access.models import User
from access.webauthn_forms import AuthenticateWebAuthnForm


def address_of(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


def tries_for(request: HttpRequest, name: str) -> Tries:
    """The wrong passwords typed for a name at an address."""
    return Tries("password", name, address_of(request))


def code_tries_for(request: HttpRequest, user: User) -> Tries:
    """The wrong second steps after a right password, for one person at one address."""
    return Tries("code", str(user.pk), address_of(request))


class SignInForm(LoginForm):
    """Name and password. After too many wrong ones for a name from an address, the code as well, in the same step.

    So whoever goes on guessing passwords learns nothing from an answer, since only both together are right; and whoever
    has both is let in, whatever others tried before.
    """

    code = forms.CharField(
        label=gettext_lazy("Code of your authenticator app, or a recovery code"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_limited = False
        if self.is_bound:
            self.tries = tries_for(self.request, self.data.get("login", ""))
            self.is_limited = self.tries.are_used_up()
        if not self.is_limited:
            self.fields.pop("code")

    def clean(self) -> dict[str, Any]:
        if self.errors:
            return self.cleaned_data
        if not self.is_limited:
            return super().clean()
        code = self.cleaned_data["code"]
        user, factor = self._both(code) if code else (None, None)
        if user is None or factor is None:
            raise ValidationError(
                _("%(wait)s With your password and a code of your authenticator app together you may go on now.")
                % {"wait": self.tries.wait_sentence()}
            )
        factor.user = user
        post_authentication(self.request, factor)
        self.tries.forget()
        user.second_step_is_done = True  # type: ignore[attr-defined]
        self.user, self._login = user, Login(user=user)
        return self.cleaned_data

    def _both(self, code: str) -> tuple[User | None, Authenticator | None]:
        """Return who signs in and by which factor; a wrong pair is an event. Without a code nothing is even looked at."""
        user = User.objects.filter(username=self.cleaned_data["login"], is_active=True).first()
        is_right = (user or User(password="!")).check_password(self.cleaned_data["password"])  # noqa: S106
        factor = _factor_of(user, code) if user is not None and is_right else None
        if factor is None:
            identity.fail_to_sign_in(by=None, user=user)
        return user, factor


class SecondStep(AuthenticateStage):
    """allauth's second step of signing in, unless the code came together with the password."""

    def _should_handle(self, request: HttpRequest) -> bool:
        return not getattr(self.login.user, "second_step_is_done", False) and super()._should_handle(request)


def _factor_of(user: User, code: str) -> Authenticator | None:
    """Return the factor that this code is of, if it may still be tried; a right one is used up by that."""
    tries = code_tries_for(context.request, user)
    if tries.take() is None:
        return None
    for factor in Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.WEBAUTHN):
        if factor.wrap().validate_code(code):
            tries.forget()
            return factor
    return None


class CodeForm(AuthenticateForm):
    """The second step of signing in, by a code."""

    def clean_code(self) -> str:
        with_limit(self.user)
        try:
            code: str = super().clean_code()
        except ValidationError:
            identity.fail_to_sign_in(by=None, user=self.user)
            raise ValidationError(_("The code is not right. Wait for a new one and try again.")) from None
        code_tries_for(context.request, self.user).forget()
        return code


class KeyForm(AuthenticateWebAuthnForm):
    """The second step of signing in, by a security key."""

    def clean_credential(self) -> Authenticator:
        with_limit(self.user)
        try:
            factor = super().clean_credential()
        except ValidationError:
            identity.fail_to_sign_in(by=None, user=self.user)
            raise ValidationError(_("The security key did not prove it. Try again.")) from None
        code_tries_for(context.request, self.user).forget()
        return factor


def with_limit(user: User) -> None:
    """Take one of this person's tries at this address, or say how long to wait."""
    tries = code_tries_for(context.request, user)
    if tries.take() is None:
        raise ValidationError(tries.wait_sentence())
