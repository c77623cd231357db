"""Confirming again who one is, before sealed content is opened."""

from __future__ import annotations

import math
import time
import uuid

from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.core.cache import cache
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from access.actions import opening
from access.forms import IdentityForm
from access.models import Grant, User
from access.views import AuthenticatedHttpRequest

MOST_FAILURES = 5
WAIT_SECONDS = 5 * 60


@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "POST"])
def identity(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask for the password, and the code of the second factor, for this one grant; both outcomes become events."""
    grant = get_object_or_404(Grant.objects.openable_by(request.user), pk=pk)
    if not request.session.session_key:
        request.session.create()
    session_key = request.session.session_key or ""
    target = _next(request)
    asks_for_code = _authenticators(request.user).exists()
    form = IdentityForm(request.POST or None, asks_for_code=asks_for_code)
    status = 200
    if request.method == "POST" and form.is_valid():
        attempt = _take_attempt(request.user)
        if attempt is None:
            form.add_error(None, _wait_sentence(request.user))
            status = 429
        elif _proves(request.user, form):
            opening.confirm_identity(by=request.user, session_key=session_key, grant=grant, proved=True)
            _forget_attempts(request.user)
            messages.success(request, _("Your identity is confirmed."))
            return HttpResponseRedirect(target)
        else:
            opening.confirm_identity(by=request.user, session_key=session_key, grant=grant, proved=False)
            form.add_error(None, _wrong_sentence(MOST_FAILURES - attempt, asks_for_code))
    context = {"form": form, "grant": grant, "next": target, "asks_for_code": asks_for_code}
    return render(request, "access/identity.html", context, status=status)


def _next(request: AuthenticatedHttpRequest) -> str:
    """Return where to go afterwards: a page of this site, or the desk."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    # `redirect` would take a word for the name of an address.
    is_ours = target.startswith("/") and url_has_allowed_host_and_scheme(
        target, {request.get_host()}, require_https=request.is_secure()
    )
    return target if is_ours else "/"


def _authenticators(user: User) -> QuerySet[Authenticator]:
    """The second factors of which a code can be typed."""
    return Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.WEBAUTHN)


def _proves(user: User, form: IdentityForm) -> bool:
    """Say whether password and code are right; a code is used up only with the right password."""
    if not user.check_password(form.cleaned_data["password"]):
        return False
    code = form.cleaned_data.get("code")
    return code is None or any(factor.wrap().validate_code(code) for factor in _authenticators(user))


def _wrong_sentence(left: int, asks_for_code: bool) -> str:
    wrong = (
        _("The password or the code is not right; nothing was confirmed. Wait for a new code and try again.")
        if asks_for_code
        else _("The password is not right; nothing was confirmed. Try again.")
    )
    rest = ngettext("%(left)d attempt is left.", "%(left)d attempts are left.", left) % {"left": left}
    return f"{wrong} {rest}"


# An attempt is taken before the password is looked at, so that a hundred at once are not a hundred guesses.


def _keys(user: User) -> list[str]:
    return [f"identity-attempt:{user.pk}:{place}" for place in range(1, MOST_FAILURES + 1)]


def _take_attempt(user: User) -> int | None:
    """Take one of the attempts of the last minutes and return which it is; None when all are used."""
    for place, key in enumerate(_keys(user), 1):
        if cache.add(key, time.time(), WAIT_SECONDS):
            return place
    return None


def _forget_attempts(user: User) -> None:
    cache.delete_many(_keys(user))


def _wait_sentence(user: User) -> str:
    taken = cache.get_many(_keys(user)).values()
    seconds = min(taken, default=time.time()) + WAIT_SECONDS - time.time()
    minutes = max(1, math.ceil(seconds / 60))
    return ngettext(
        "Too many attempts failed. Wait %(minutes)d minute and try again.",
        "Too many attempts failed. Wait %(minutes)d minutes and try again.",
        minutes,
    ) % {"minutes": minutes}
