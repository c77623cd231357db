"""Confirming again who one is, for one act: opening a grant, a vote, a proposal, or a change of one's own factors."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth as webauthn
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from access import factors
from access.actions import identity as identities
from access.database import Act
from access.entrance import address_of
from access.exceptions import Refused
from access.forms import IdentityForm
from access.limits import Tries, left_sentence
from access.models import ActKind, Grant, User
from access.views import AuthenticatedHttpRequest, session_key
from access.webauthn_forms import UNREADABLE

# The challenges that a session's pages stand before, newest last; an older page has to be loaded again.
CHALLENGES, MOST_CHALLENGES = "identity.challenges", 5
CHANGE = re.compile(r"password|app-add|app-remove|codes|key-add|key-remove-([1-9]\d{0,17})")


@sensitive_post_parameters("password", "code", "credential")
@require_http_methods(["GET", "POST"])
def identity(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask who is here before sealed content is opened: for this one grant; both outcomes become events."""
    grant = get_object_or_404(Grant.objects.openable_by(request.user), pk=pk)
    target = _next(request)
    asked = ask(request, Act.opening(grant))
    if asked.is_proved:
        messages.success(request, _("Your identity is confirmed."))
        return redirect(target)
    return render(request, "access/identity.html", {**asked.context, "next": target}, status=asked.status)


@sensitive_post_parameters("password", "code", "credential")
@require_http_methods(["GET", "POST"])
def identity_change(request: AuthenticatedHttpRequest, change: str) -> HttpResponse:
    """Ask who is here before one's own password or factors are changed: for this one change."""
    target = change_url(request.user, change)
    asked = ask(request, Act.change(request.user, change))
    if asked.is_proved:
        return redirect(target)
    return render(
        request, "access/identity.html", {**asked.context, "back": reverse("access:security")}, status=asked.status
    )


def change_url(user: User, change: str) -> str:
    """Return the page of a change; 404 when there is none, or when it is of somebody else's key."""
    match = CHANGE.fullmatch(change)
    if match is None:
        raise Http404
    if match[1]:
        get_object_or_404(Authenticator, pk=match[1], user=user, type=Authenticator.Type.WEBAUTHN)
        return reverse("access:key_remove", args=[match[1]])
    return reverse("access:" + change.replace("-", "_"))


def _next(request: AuthenticatedHttpRequest) -> str:
    """Return where to go afterwards: a page of this site, or the desk."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    # `redirect` would take a word for the name of an address.
    is_ours = target.startswith("/") and url_has_allowed_host_and_scheme(
        target, {request.get_host()}, require_https=request.is_secure()
    )
    return target if is_ours else "/"


@dataclass(frozen=True)
class Asked:
    """What came of asking somebody who they are."""

    is_proved: bool
    form: IdentityForm
    context: dict[str, Any]
    status: int = 200


def ask(request: AuthenticatedHttpRequest, act: Act, *, is_sent: bool | None = None) -> Asked:
    """Take what was sent as proof for this act, or show what is asked for: the strongest that the person has.

    `is_sent` says whether the form carries a proof at all; by default a POST does.
    """
    user = request.user
    try:
        found = factors.of(user)
    except Refused as error:
        form = IdentityForm({}, strongest="password", is_change=False)
        form.errors.clear()
        form.add_error(None, str(error))
        return Asked(False, form, {"form": form, "strongest": "password"}, 409)
    strongest = _strongest_of(found)
    is_sent = request.method == "POST" if is_sent is None else is_sent
    data = request.POST if is_sent else None
    form = IdentityForm(data, strongest=strongest, is_change=act.kind == ActKind.CHANGE)
    status = 200
    if is_sent and form.is_valid():
        tries = Tries("identity", str(user.pk), address_of(request))
        left = tries.take()
        if left is None:
            form.add_error(None, tries.wait_sentence())
            status = 429
        else:
            factor = _proved_by(request, act, form)
            identities.confirm_identity(
                by=user,
                session_key=session_key(request),
                act=act,
                factor=factor or strongest,
                proved=factor is not None,
            )
            if factor is not None:
                tries.forget()
                return Asked(True, form, {})
            form.add_error(None, f"{_wrong_sentence(strongest)} {left_sentence(left)}")
    context = {"form": form, "strongest": strongest}
    if strongest == Authenticator.Type.WEBAUTHN:
        context["js_data"] = {"request_options": _challenge(request, act)}
    return Asked(False, form, context, status)


def _strongest_of(found: list[Authenticator]) -> str:
    """Return what somebody with these factors proves it with: a security key, an authenticator app, or only the password."""
    types = {factor.type for factor in found}
    for kind in (Authenticator.Type.WEBAUTHN, Authenticator.Type.TOTP):
        if kind in types:
            return str(kind.value)
    return "password"


def _proved_by(request: AuthenticatedHttpRequest, act: Act, form: IdentityForm) -> str | None:
    """Return what proved it, or None; a code or a key is looked at, and used up, only with the right password."""
    user, values = request.user, form.cleaned_data
    if not user.check_password(values["password"]):
        return None
    if form.strongest == "password":
        return "password"
    if values.get("credential"):
        return "webauthn" if _key_answers(request, act, values["credential"]) else None
    # Read anew: checking the password takes long enough for a recovery code to be used up elsewhere.
    found = factors.of(user)
    if form.strongest == "webauthn":  # a lost key: only what was made for that
        found = [factor for factor in found if factor.type == Authenticator.Type.RECOVERY_CODES]
    factor = factors.answering(values.get("code", ""), found)
    return factor and str(factor.type)


# Security keys: the challenge is for one act, in one session, and is answered once.


def _challenge(request: AuthenticatedHttpRequest, act: Act) -> dict[str, Any]:
    options, state = webauthn.get_server().authenticate_begin(
        credentials=webauthn.get_credentials(request.user), user_verification="preferred"
    )
    waiting = {**request.session.get(CHALLENGES, {})}
    waiting.pop(_name(act), None)
    waiting[_name(act)] = state
    request.session[CHALLENGES] = dict(list(waiting.items())[-MOST_CHALLENGES:])
    return dict(options)


def _key_answers(request: AuthenticatedHttpRequest, act: Act, credential: Any) -> bool:
    waiting = {**request.session.get(CHALLENGES, {})}
    state = waiting.pop(_name(act), None)
    request.session[CHALLENGES] = waiting
    if state is None:
        return False
    try:
        webauthn.parse_authentication_response(credential)
        webauthn.get_server().authenticate_complete(state, webauthn.get_credentials(request.user), credential)
    except (ValidationError, *UNREADABLE):
        return False
    return True


def _name(act: Act) -> str:
    return ":".join(map(str, act.values))


def _wrong_sentence(strongest: str) -> str:
    if strongest == "webauthn":
        return _("The password or the security key is not right; nothing was confirmed. Try again.")
    if strongest == "totp":
        return _("The password or the code is not right; nothing was confirmed. Wait for a new code and try again.")
    return _("The password is not right; nothing was confirmed. Try again.")
