"""What an action answers when it may not go ahead; each message is a sentence for the reader."""

from django.core.exceptions import PermissionDenied

from audit.exceptions import Unavailable

__all__ = ["NotAllowed", "NotHere", "NothingToShow", "Refused", "Unavailable", "WrongState"]


class NotHere(Unavailable):
    """This machine was never set up for it, as the signing machine was not for opening anything."""


class NotAllowed(PermissionDenied):
    """This person may not do this; the message says why."""


class WrongState(Exception):
    """The row has moved on, or cannot move there; the message says where it is now."""


class Refused(Exception):
    """The law or a setting does not allow it for anybody; the message cites why and says what to do."""


class NothingToShow(Exception):
    """No live grant covers this; deliberately without any detail (Rule 3)."""
