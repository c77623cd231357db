"""The language button: it works from every page and keeps what was typed."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.i18n import set_language as django_set_language

from access import typed


@login_not_required
@typed.passes_on
def set_language(request: HttpRequest) -> HttpResponse:
    """Keep the language that was chosen and go back to the page; what was typed goes with it, to be shown there again.

    Nothing of it stands in an address, a session or a log: the browser sends the same body on (307).
    """
    response = django_set_language(request)
    if typed.SHOW in request.POST and response.status_code == HTTPStatus.FOUND:
        response.status_code = HTTPStatus.TEMPORARY_REDIRECT
    return response
