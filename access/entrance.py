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
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access import factors
from access.actions import identity
from access.exceptions import Refused
from access.fields import CodeField
from access.limits import Tries, left_sentence
from access.models import User
from access.webauthn_forms import AuthenticateWebAuthnForm


def address_of(request: HttpRequest) -> str:
    """Return the address that the request came from, as the web server says it."""
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

    code = CodeField(label=gettext_lazy("Code of your authenticator app, or a recovery code"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_limited = False
        if self.is_bound:
            self.tries = tries_for(self.request, self.data.get("login", ""))
            self.is_limited = self.tries.are_used_up()
        if not self.is_limited:
            self.fields.pop("code")

    def clean(self) -> dict[str, Any]:
        """Look at the password where tries are left; without tries, only together with a code, so that nobody locks anybody out."""
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
        user = User.objects.filter(username__iexact=self.cleaned_data["login"], is_active=True).first()
        is_right = (user or User(password="!")).check_password(self.cleaned_data["password"])  # noqa: S106
        factor = _factor_of(user, code) if user is not None and is_right else None
        if factor is None:
            identity.fail_to_sign_in(by=None, user=user)
        return user, factor


class SecondStep(AuthenticateStage):
    """allauth's second step of signing in, unless the code came together with the password."""

    def _should_handle(self, request: HttpRequest) -> bool:
        return not getattr(self.login.user, "second_step_is_done", False) and super()._should_handle(request)

    def handle(self) -> tuple[HttpResponse | None, bool]:
        """Ask for the second factor, and let nobody in whose factors are not as their holder set them up."""
        response: HttpResponse | None
        response, goes_on = super().handle()
        if response is None:
            return response, goes_on
        try:
            factors.of(self.login.user)
        except Refused as error:
            identity.fail_to_sign_in(by=None, user=self.login.user)
            self.request.session.flush()
            messages.error(self.request, str(error))
            return redirect("account_login"), False
        return response, goes_on


def _factors_of(user: User) -> list[Authenticator]:
    """Return this person's second factors; a form's error when they are not as their holder set them up."""
    try:
        return factors.of(user)
    except Refused as error:
        raise ValidationError(str(error)) from None


def _factor_of(user: User, code: str) -> Authenticator | None:
    """Return the factor that this code is of, if it may still be tried; a right one is used up by that."""
    tries = code_tries_for(context.request, user)
    if tries.take() is None:
        return None
    factor = factors.answering(code, _factors_of(user))
    if factor is not None:
        tries.forget()
    return factor


class CodeForm(AuthenticateForm):
    """The second step of signing in, by a code."""

    code = CodeField(label=gettext_lazy("Code"))

    def clean_code(self) -> str:
        """Accept a code that one of this person's factors makes, once; a wrong one is an event and uses up a try."""
        left = with_limit(self.user)
        code = self.cleaned_data["code"]
        factor = factors.answering(code, _factors_of(self.user))
        if factor is None:
            identity.fail_to_sign_in(by=None, user=self.user)
            wrong = _("The code is not right. Wait for a new one and try again.")
            raise ValidationError(f"{wrong} {left_sentence(left)}")
        self.authenticator = factor
        code_tries_for(context.request, self.user).forget()
        return code


class KeyForm(AuthenticateWebAuthnForm):
    """The second step of signing in, by a security key."""

    def clean_credential(self) -> Authenticator:
        """Accept what a security key of this person signed; anything else is an event and uses up a try."""
        with_limit(self.user)
        _factors_of(self.user)
        try:
            factor = super().clean_credential()
        except ValidationError:
            identity.fail_to_sign_in(by=None, user=self.user)
            raise ValidationError(_("The security key did not prove it. Try again.")) from None
        code_tries_for(context.request, self.user).forget()
        return factor


def with_limit(user: User) -> int:
    """Take one of this person's tries at this address and return how many are left, or say how long to wait."""
    tries = code_tries_for(context.request, user)
    left = tries.take()
    if left is None:
        raise ValidationError(tries.wait_sentence())
    return left
