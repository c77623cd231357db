"""What a penalty is, what a severity band offers, and what is said about a penalty that departs from it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise

# No article allows more for one act; Article 16 goes to 20 days only where several acts are executed together.
MOST_DETENTION_DAYS = 15


@dataclass(frozen=True)
class Range:
    """An amount from `least` to `most`, both included (Article 143)."""

    least: int
    most: int

    def __contains__(self, amount: int) -> bool:
        return self.least <= amount <= self.most


@dataclass(frozen=True)
class Penalty:
    """What was decided for one act (Article 10)."""

    warning: bool = False
    fine_yuan: int = 0
    detention_days: int = 0
    licence_revoked: bool = False
    exit_order: bool = False
    deportation: bool = False


@dataclass(frozen=True)
class Choice:
    """One of the penalties a band offers; `fine_optional` is the law's "may additionally be fined"."""

    warning: bool = False
    detention: Range | None = None
    fine: Range | None = None
    fine_optional: bool = False
    gains: Range | None = None  # the fine as a multiple of the illegal gains, which the register does not hold
    condition: str = ""

    def same_kinds(self, penalty: Penalty) -> bool:
        """Say whether a penalty is made of the kinds that this choice provides, whatever their measure."""
        fined = penalty.fine_yuan > 0
        fine_provided = self.fine is not None or self.gains is not None
        return (
            penalty.warning == self.warning
            and (penalty.detention_days > 0) == (self.detention is not None)
            and (fined == fine_provided or (self.fine_optional and not fined))
        )

    def fits(self, penalty: Penalty) -> bool:
        """Say whether a penalty is within this choice; a fine measured by gains cannot be judged here and fits none."""
        return (
            self.gains is None
            and self.same_kinds(penalty)
            and (self.detention is None or penalty.detention_days in self.detention)
            and (self.fine is None or not penalty.fine_yuan or penalty.fine_yuan in self.fine)
        )


@dataclass(frozen=True)
class Band:
    """One severity band; `refers_to` names the rule that holds the figures where this article gives none."""

    label: str
    choices: tuple[Choice, ...] = ()
    refers_to: str = ""
    order: str = ""


@dataclass(frozen=True)
class Finding:
    """One sentence about a penalty, and the field it belongs beside."""

    code: str
    field: str
    message: str | Promise

    def __str__(self) -> str:
        return str(self.message)


@dataclass(frozen=True)
class Findings:
    """Errors forbid the penalty; departures need a reason."""

    errors: tuple[Finding, ...] = ()
    departures: tuple[Finding, ...] = ()
