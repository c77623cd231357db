"""Who may look at the trail."""

from django.http import Http404


def check_can_oversee(user: object) -> None:
    """Raise Http404 unless the user oversees: for everybody else these pages do not exist."""
    if not getattr(user, "may_oversee", False):
        raise Http404


def check_can_watch(user: object) -> None:
    """Raise Http404 unless the user oversees or keeps the system: they have to know, and close, when something is wrong."""
    if not getattr(user, "may_watch", False):
        raise Http404
