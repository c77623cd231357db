"""What a record action answers when it may not go ahead."""

from access.exceptions import NotAllowed, NothingToShow, Refused, Unavailable, WrongState

__all__ = ["NotAllowed", "NothingToShow", "Problems", "Refused", "Unavailable", "WrongState"]


class Problems(Refused):
    """What was entered cannot be submitted as it is: one sentence for each field, by the field's name."""

    def __init__(self, by_field: dict[str, list[str]]) -> None:
        super().__init__(next(iter(by_field.values()))[0])
        self.by_field = by_field
