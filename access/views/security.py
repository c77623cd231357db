"""My security: one's own password, factors, sessions and preferences; every change of a factor is proved first."""

from __future__ import annotations

import uuid
from base64 import b64encode
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.webauthn.internal import auth as webauthn
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from access import factors, typed
from access.actions import identity, security
from access.database import Act
from access.exceptions import Refused, WrongState
from access.forms import NewAppForm, NewKeyForm, NewPasswordForm, PreferencesForm
from access.languages import set_language_cookie
from access.models import Session
from access.sessions import SessionStore, session_digest
from access.views import AuthenticatedHttpRequest, session_key
from access.webauthn_forms import UNREADABLE

View = Callable[..., HttpResponse]


@require_GET
def my_security(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Show what protects this person's account, and where they are signed in."""
    user = request.user
    try:
        found = factors.of(user)
    except Refused as error:
        found = []
        messages.error(request, str(error))
    codes = next((factor for factor in found if factor.type == Authenticator.Type.RECOVERY_CODES), None)
    here = session_digest(session_key(request)).hex()
    sessions = Session.objects.live().filter(user=user).order_by("-last_seen_at")
    context = {
        "app": next((factor for factor in found if factor.type == Authenticator.Type.TOTP), None),
        "keys": [factor for factor in found if factor.type == Authenticator.Type.WEBAUTHN],
        "codes_left": len(codes.wrap().get_unused_codes()) if codes else 0,
        "is_required": settings.SECOND_FACTOR_REQUIRED,
        "has_factor": any(factor.type != Authenticator.Type.RECOVERY_CODES for factor in found),
        "sessions": [(session, session.digest == here) for session in sessions],
        "form": PreferencesForm(
            initial={"language": user.language or request.LANGUAGE_CODE, "single_keys": user.single_keys}
        ),
    }
    return render(request, "access/security.html", context)


def confirmed(change: str) -> Callable[[View], View]:
    """Let somebody to the page of a change only after they have proved, for this change, who they are."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: AuthenticatedHttpRequest, **values: Any) -> HttpResponse:
            name = change.format(**values)
            act = Act.change(request.user, name)
            if not identity.is_confirmed(request.user, session_key(request), act):
                return redirect("access:identity_change", change=name)
            try:
                return view(request, **values)
            except (Refused, WrongState) as error:
                messages.warning(request, str(error))
                return redirect("access:security")

        return guarded

    return decorate


@sensitive_post_parameters("new_password", "new_password_again")
@require_http_methods(["GET", "POST"])
@confirmed("password")
def password(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Choose a new password."""
    form = NewPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            security.change_password(
                by=request.user, session_key=session_key(request), password=form.cleaned_data["new_password"]
            )
        except Refused as error:
            form.add_error("new_password", str(error))
        else:
            update_session_auth_hash(request, request.user)
            messages.success(request, _("Your password is changed. Your other sessions have ended."))
            return redirect("access:security")
    return render(request, "access/security_password.html", {"form": form})


@sensitive_post_parameters("carried_secret", "code")
@require_http_methods(["GET", "POST"])
@confirmed("app-add")
def app_add(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Show the secret of a new authenticator app, and take it when the app shows the right code."""
    what = f"totp:{request.user.pk}"
    form = NewAppForm(request.POST or None)
    secret = typed.take_out(what, request.POST.get("carried_secret", ""))
    if request.method == "POST" and form.is_valid() and secret is not None:
        if totp.validate_totp_code(secret, form.cleaned_data["code"]):
            codes = security.add_app(by=request.user, session_key=session_key(request), secret=secret)
            return _added(request, _("The authenticator app is added."), codes)
        form.add_error("code", _("The code is not right. Wait for a new one and try again."))
    secret = secret or totp.generate_totp_secret()
    address = get_adapter().build_totp_url(request.user, secret)
    context = {
        "form": form,
        "secret": secret,
        "carried_secret": typed.lock_up(what, secret),
        "picture": _data_address(get_adapter().build_totp_svg(address)),
    }
    return render(request, "access/security_app.html", context)


@require_http_methods(["GET", "POST"])
@confirmed("app-remove")
def app_remove(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Remove the authenticator app."""
    get_object_or_404(Authenticator, user=request.user, type=Authenticator.Type.TOTP)
    if request.method == "POST":
        security.remove_app(by=request.user, session_key=session_key(request))
        messages.success(request, _("The authenticator app is removed."))
        return redirect("access:security")
    return render(request, "access/security_remove.html", {"name": _("the authenticator app")})


@require_http_methods(["GET", "POST"])
@confirmed("codes")
def codes(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Make new recovery codes, shown once."""
    if request.method == "POST":
        made = security.make_codes(by=request.user, session_key=session_key(request))
        return _added(request, "", made)
    return render(request, "access/security_codes.html", {"codes": []})


@require_http_methods(["GET", "POST"])
@confirmed("key-add")
def key_add(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Register a security key."""
    form = NewKeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        credential = form.cleaned_data["credential"]
        if _is_registered(credential):
            made = security.add_key(
                by=request.user, session_key=session_key(request), name=form.cleaned_data["name"], credential=credential
            )
            return _added(request, _("The security key is added."), made)
        form.add_error(None, _("The key was not registered. Try again."))
    options = webauthn.begin_registration(request.user, passwordless=False)
    return render(request, "access/security_key.html", {"form": form, "js_data": {"creation_options": options}})


@require_http_methods(["GET", "POST"])
@confirmed("key-remove-{pk}")
def key_remove(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """Remove a security key."""
    key = get_object_or_404(Authenticator, user=request.user, type=Authenticator.Type.WEBAUTHN, pk=pk)
    if request.method == "POST":
        security.remove_key(by=request.user, session_key=session_key(request), key=pk)
        messages.success(request, _("The security key is removed."))
        return redirect("access:security")
    return render(request, "access/security_remove.html", {"name": str(key)})


@require_POST
def preferences(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Keep the language and whether single keys do anything."""
    form = PreferencesForm(request.POST)
    if not form.is_valid():
        messages.warning(request, _("Choose one of the languages."))
        return redirect("access:security")
    security.set_preferences(by=request.user, **form.cleaned_data)
    messages.success(request, _("Your choice is kept."))
    response = redirect("access:security")
    set_language_cookie(response, form.cleaned_data["language"])
    return response


@require_POST
def session_end(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """End one of one's other sessions."""
    if not security.end_session(pk, by=request.user):
        raise Http404
    messages.success(request, _("That session has ended."))
    return redirect("access:security")


@require_POST
def sessions_end(request: AuthenticatedHttpRequest) -> HttpResponse:
    """End all of one's other sessions."""
    security.end_other_sessions(by=request.user, session_key=session_key(request))
    messages.success(request, _("Your other sessions have ended."))
    return redirect("access:security")


@login_not_required
@require_http_methods(["GET", "POST"])
def session(request: HttpRequest) -> HttpResponse:
    """Say how long the session lasts, to the script that warns of its end (GET); or go on with it (POST, by hand)."""
    if not request.user.is_authenticated:
        return JsonResponse({"left": 0})
    store = cast(SessionStore, request.session)
    if request.method == "POST":
        store.prolong()
    return JsonResponse({"left": store.seconds_left, "who": typed.writer(request.user), "token": get_token(request)})


def _added(request: AuthenticatedHttpRequest, sentence: str, made: list[str]) -> HttpResponse:
    """Show new recovery codes, once and never again, or go back to the page."""
    if not made:
        messages.success(request, sentence)
        return redirect("access:security")
    return render(request, "access/security_codes.html", {"codes": made, "sentence": sentence})


def _is_registered(credential: dict[str, Any]) -> bool:
    """Say whether this answers the challenge of this session: nothing else is ever kept as a key."""
    try:
        webauthn.parse_registration_response(credential)
        webauthn.complete_registration(credential)
    except (ValidationError, *UNREADABLE):
        return False
    return True


def _data_address(picture: str) -> str:
    return "data:image/svg+xml;base64," + b64encode(picture.encode()).decode()
