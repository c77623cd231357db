"""What can go wrong with the trail."""


class Unavailable(Exception):
    """Something that is needed cannot be reached; nothing was shown or changed. The message says what to do (Rule 12).

    It is for whoever runs the system: it holds no values, and no page shows it to people.
    """


class TrailUnavailable(Unavailable):
    """The event cannot be written; nothing may be shown or changed (Rule 2). Holds no values."""


class SignerRefused(Exception):
    """No checkpoint was signed; the message says what is the matter and what to do, `reason` is its code."""

    def __init__(self, message: str, reason: str = "KEY_UNUSABLE") -> None:
        super().__init__(message)
        self.reason = reason
