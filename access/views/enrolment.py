"""Choosing a password with a one-time code: the one page where somebody who is not signed in changes something."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from access.actions import people as actions
from access.entrance import address_of
from access.exceptions import Refused
from access.limits import Tries, left_sentence
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
        of_name, of_address = _tries(request, username)
        left = of_name.take()
        # Whichever of the two has none left says how long.
        used_up = of_name if left is None else of_address if of_address.take() is None else None
        if used_up or left is None:
            form.add_error(None, (used_up or of_name).wait_sentence())
            status = 429
        elif _enrolled(form, left):
            of_name.forget()
            if request.user.is_authenticated:
                get_adapter(request).logout(request)
            else:
                # A sign-in that waits here for a second factor would wait for one that is gone.
                request.session.flush()
            messages.success(request, _("Your password is chosen and the code is used up. Sign in with it now."))
            return redirect("account_login")
    return render(request, "access/enrol.html", {"form": form}, status=status)


def _enrolled(form: EnrolForm, left: int) -> bool:
    """Use the code; where that fails the form says why."""
    values = form.cleaned_data
    try:
        enrolled = actions.enrol(by=values["username"], code=values["code"], password=values["password"])
    except Refused as error:
        form.add_error("password", str(error))
        return False
    if not enrolled:
        form.add_error(None, _wrong_sentence(left))
    return bool(enrolled)


def _tries(request: HttpRequest, username: str) -> tuple[Tries, Tries]:
    """Return what is counted: tries for this name from this address, and for all names from it."""
    address = address_of(request)
    return (
        Tries("enrol", username, address, most=MOST_OF_A_NAME, seconds=WAIT_SECONDS),
        Tries("enrol-anybody", "", address, most=MOST_OF_AN_ADDRESS, seconds=WAIT_SECONDS),
    )


def _wrong_sentence(left: int) -> str:
    wrong = _(
        "User name and code do not fit, or the code was used or is too old. Check both; ask who administers people for a new code."
    )
    return f"{wrong} {left_sentence(left)}"
