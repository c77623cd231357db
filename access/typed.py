"""What was typed belongs to who typed it: every form names its writer, and what outlives a session is sealed for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.crypto import constant_time_compare, salted_hmac

from access import vault
from access.models import User
from audit.middleware import carried

# The fields of a form that say who typed in it, and that carry what somebody typed before their session ended.
WRITER, KEPT = "typed_by", "kept"
# Sent with what was typed when it is only to be shown again, as in another language: nothing is done with it.
SHOW = "show"
# Beyond this a page could not be sent again anyway (DATA_UPLOAD_MAX_MEMORY_SIZE).
LONGEST = 1_500_000
_shown: ContextVar[QueryDict | None] = ContextVar("typed", default=None)


def writer(user: Any) -> str:
    """Return the token that names a person in their forms: it tells nothing, and nobody else can make it."""
    return _token(str(user.pk), settings.SECRET_KEY)


@lru_cache(maxsize=1024)
def _token(user_id: str, secret: str) -> str:
    # The same for every form of every page of theirs.
    return salted_hmac("access.typed", user_id, secret=secret, algorithm="sha256").hexdigest()


def is_written_by(token: str, user: User) -> bool:
    """Say whether a form was written by this person, without telling by the time it takes."""
    return constant_time_compare(token, writer(user))


def seal(request: HttpRequest) -> str | None:
    """Return what was typed, readable for its writer only; None when the form does not say who that is."""
    if request.POST.get(KEPT):
        return request.POST[KEPT]
    token = request.POST.get(WRITER, "")
    values = [[name, value] for name, value in carried(request) if name != WRITER]
    if len(token) != 64 or sum(len(value) for _name, value in values) > LONGEST:
        return None
    return lock_up(f"typed:{token}", json.dumps(values))


def unseal(kept: str, user: User) -> QueryDict | None:
    """Return what this person typed before; None when it is not theirs, or not ours."""
    text = take_out(f"typed:{writer(user)}", kept)
    if text is None:
        return None
    return _values(json.loads(text))


def _values(pairs: Iterable[Sequence[str]]) -> QueryDict:
    values = QueryDict(mutable=True)
    for name, value in pairs:
        values.appendlist(name, value)
    values._mutable = False
    return values


def passes_on(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Mark a view that sends what was typed on to another page and reads none of it."""
    view.passes_on = True  # type: ignore[attr-defined]
    return view


def show(request: HttpRequest) -> None:
    """Let the forms of the page that is being made now show what this request typed, instead of what is saved."""
    _shown.set(_values(carried(request)))


def shown() -> QueryDict | None:
    """Return what the page that is being made shows as typed; None where it shows what is saved."""
    return _shown.get()


def forget() -> None:
    """End what one page showed as typed."""
    _shown.set(None)


def lock_up(what: str, text: str) -> str:
    """Return a text that only this program reads again, and only as what it is; pages may carry it."""
    return vault.seal_text(text, table="carried", field=what)


def take_out(what: str, carried_text: str) -> str | None:
    """Return the text that was locked up as this; None when it is something else."""
    try:
        return vault.open_text(carried_text, table="carried", field=what)
    except (ValueError, vault.Tampered):
        return None
