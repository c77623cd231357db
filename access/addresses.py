"""The client's address, whatever proxies stand in front."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest


class ClientAddress:
    """Put the client's address where everything looks for it; refuse what did not come by the trusted proxies.

    Each proxy appends the address that it saw, so of what is forwarded only the last ones are theirs: with n proxies the
    client is the n-th from the end, and everything before it is what the client says of itself.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Who watches this process comes by no proxy, and is told nothing.
        if settings.TRUSTED_PROXIES and request.path_info not in settings.WITHOUT_PROXY:
            address = forwarded_address(request.headers.get("X-Forwarded-For", ""), settings.TRUSTED_PROXIES)
            if address is None:
                return HttpResponseBadRequest("This request did not come by the proxies of this system.\n")
            request.META["REMOTE_ADDR"] = address
        return self.get_response(request)


def forwarded_address(forwarded: str, proxies: int) -> str | None:
    """Return the client's address behind so many proxies; None when fewer have forwarded it, or when it is none."""
    addresses = forwarded.split(",")
    if len(addresses) < proxies:
        return None
    try:
        return str(ipaddress.ip_address(addresses[-proxies].strip()))
    except ValueError:
        return None
