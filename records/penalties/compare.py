"""Whether a younger law punishes an earlier act with more than the law of its day (Administrative Penalty Law, Article 37)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from records.penalties.terms import Band, Choice, Penalty

# A multiple of illegal gains has no limit that could be compared.
WITHOUT_LIMIT = 10**9


@dataclass(frozen=True, order=True)
class Most:
    """The most that a penalty can come to: detention first, since a day of it weighs more than any fine."""

    detention_days: int
    fine_yuan: int


def heavier(penalty: Penalty, new: Sequence[Band], old: Sequence[Band]) -> tuple[Most, Most] | None:
    """Return the most that the new law and the earlier one provide, where the new one's is more; None where it is not.

    What is compared is the choice of the new law that the penalty was taken from with the severity band of the same name in
    the earlier law, or all of it where the name is new; and there with what is of the same kinds, a fine with a fine, or with
    all where the earlier law had nothing so light. Where it fits several, the lightest counts; where it fits none, all.
    """
    offered = [(band, choice) for band in new for choice in band.choices]
    fitting = [pair for pair in offered if pair[1].fits(penalty)]
    pairs = [(_most([choice]), _most(_counterpart(band, choice, old))) for band, choice in fitting or offered]
    if not pairs:  # the figures stand in another article
        return Most(WITHOUT_LIMIT, WITHOUT_LIMIT), _most(_all(old))
    more = [pair for pair in pairs if pair[0] > pair[1]]
    if fitting:
        return more[0] if len(more) == len(pairs) else None
    return max(more, default=None)


def _counterpart(band: Band, choice: Choice, old: Sequence[Band]) -> list[Choice]:
    choices = _all([one for one in old if one.label == band.label] or old)
    return [one for one in choices if _kinds(one) == _kinds(choice)] or choices


def _kinds(choice: Choice) -> tuple[bool, bool]:
    return choice.detention is not None, choice.fine is not None or choice.gains is not None


def _all(bands: Sequence[Band]) -> list[Choice]:
    return [choice for band in bands for choice in band.choices]


def _most(choices: Sequence[Choice]) -> Most:
    return max((_most_of(choice) for choice in choices), default=Most(0, 0))


def _most_of(choice: Choice) -> Most:
    fine = WITHOUT_LIMIT if choice.gains else choice.fine.most if choice.fine else 0
    return Most(choice.detention.most if choice.detention else 0, fine)
