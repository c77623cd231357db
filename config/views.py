"""The desk: what waits for this person, first what is due first; and the developers' page of components."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET


@require_GET
def desk(request: HttpRequest) -> HttpResponse:
    return render(request, "config/desk.html")


@require_GET
def components(request: HttpRequest) -> HttpResponse:
    """Show every component, so that a change of the style sheet can be looked at in one place."""
    return render(request, "config/components.html")
