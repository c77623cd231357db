"""Choosing a password with a one-time code: the one page where somebody who is not signed in changes something."""

from __future__ import annotations

import hashlib

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from access import attempts
from access.actions import people as actions
from access.people_forms import EnrolForm

# Of one name from one address, so that nobody uses up the attempts of somebody elsewhere; and of one address in all.
MOST_OF_A_NAME, MOST_OF_AN_ADDRESS = 5, 30
WAIT_SECONDS = 15 * 60


@login_not_required
@sensitive_post_parameters("code", "password", "password_again")
@require_http_methods(["GET", "POST"])
def enrol(request: HttpRequest) -> HttpResponse:
    """Take a user name, the code and the password that is chosen; whoever was signed in here is signed out."""
    form = EnrolForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        username = form.cleaned_data["username"]
        name, address = _keys(request, username)
        left = attempts.take(name, MOST_OF_A_NAME, WAIT_SECONDS)
        if left is None or attempts.take(address, MOST_OF_AN_ADDRESS, WAIT_SECONDS) is None:
            # Whichever of the two has none left says how long; the other is free already.
            waits = attempts.minutes_left(*((name, MOST_OF_A_NAME) if left is None else (address, MOST_OF_AN_ADDRESS)))
            form.add_error(None, _wait_sentence(waits))
            status = 429
        elif actions.enrol(by=username, code=form.cleaned_data["code"], password=form.cleaned_data["password"]):
            attempts.forget(name, MOST_OF_A_NAME)
            if request.user.is_authenticated:
                get_adapter(request).logout(request)
            else:
                # A sign-in that waits here for a second factor would wait for one that is gone.
                request.session.flush()
            messages.success(request, _("Your password is chosen and the code is used up. Sign in with it now."))
            return redirect("account_login")
        else:
            form.add_error(None, _wrong_sentence(left))
    return render(request, "access/enrol.html", {"form": form}, status=status)


def _keys(request: HttpRequest, username: str) -> tuple[str, str]:
    """Return what is counted; names are kept as digests, since people type passwords there."""
    address = get_adapter(request).get_client_ip(request)
    name = hashlib.sha256(username.lower().encode()).hexdigest()[:32]
    return f"enrol-name:{name}:{address}", f"enrol-address:{address}"


def _wrong_sentence(left: int) -> str:
    wrong = _(
        "User name and code do not fit, or the code was used or is too old. Check both; ask who administers people for a new code."
    )
    rest = ngettext("%(left)d attempt is left.", "%(left)d attempts are left.", left) % {"left": left}
    return f"{wrong} {rest}"


def _wait_sentence(minutes: int) -> str:
    return ngettext(
        "Too many attempts failed. Wait %(minutes)d minute and try again.",
        "Too many attempts failed. Wait %(minutes)d minutes and try again.",
        minutes,
    ) % {"minutes": minutes}
