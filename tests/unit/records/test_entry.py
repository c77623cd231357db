"""What can be wrong with an entry, as far as the law of the day of the act goes (Administrative Penalty Law, Article 37)."""

from __future__ import annotations

from datetime import date

import pytest
from django.utils import translation

from records import catalogue, entry
from records.models import Offence
from records.penalties import Penalty
from tests import factories

DAYS = ("valid_from", "valid_until")
OFFENCES = {
    row["code"]: Offence(**row | {name: row[name] and date.fromisoformat(row[name]) for name in DAYS})
    for row in catalogue.offences()
}
NEW_THEFT, OLD_THEFT = OFFENCES["PSAPL2025-058-p1-i1"], OFFENCES["PSAPL2005-058-p1-i1"]
TODAY = date(2026, 11, 24)
pytestmark = pytest.mark.django_db  # an earlier law is read where the younger one is used


def problems(offence: Offence, acted_on: date, decided_on: date, *, reason: str = "", penalty=Penalty(fine_yuan=500)):  # noqa: B008
    person = factories.person()
    particulars = entry.Particulars(
        name=person.name,
        number=person.number,
        address="测试路1号",
        facts="经查明的违法事实。",
        evidence="陈述。",
        case_number="A3101010000002026010001",
        decision_number="测公（治）行罚决字〔2026〕00001号",
        penalty_reason=reason,
    )
    with translation.override("en"):
        return entry.problems(entry.Entry(particulars, offence, acted_on, decided_on, penalty), TODAY)


def test_the_law_of_the_day_of_the_act_needs_nothing():
    assert problems(NEW_THEFT, date(2026, 1, 1), date(2026, 1, 2)) == {}
    penalty = Penalty(detention_days=5, fine_yuan=500)
    assert problems(OLD_THEFT, date(2025, 12, 31), date(2026, 1, 2), penalty=penalty) == {}


def test_an_act_before_2026_decided_in_2026_may_be_entered_under_the_lighter_new_law_with_a_reason():
    """Theft was detention, and is detention or a fine: the fine is lighter (finding A4)."""
    assert problems(NEW_THEFT, date(2025, 12, 31), date(2026, 1, 1), reason="新法可以单处罚款，较轻。") == {}


def test_without_the_reason_the_form_says_what_article_37_asks_for():
    found = problems(NEW_THEFT, date(2025, 12, 31), date(2026, 1, 1))

    assert list(found) == ["penalty_reason"]
    assert "only where its penalty is lighter" in found["penalty_reason"][0]
    assert "Administrative Penalty Law, Article 37" in found["penalty_reason"][0]


@pytest.mark.parametrize(
    ("offence", "acted_on", "decided_on"),
    [
        (NEW_THEFT, date(2025, 6, 1), date(2025, 12, 31)),  # decided before the new law was in force
        (OLD_THEFT, date(2026, 1, 1), date(2026, 1, 2)),  # the earlier law ended
        (OLD_THEFT, date(2006, 2, 28), date(2006, 2, 28)),  # and had not begun
    ],
)
def test_no_reason_helps_where_the_law_was_not_in_force(offence, acted_on, decided_on):
    found = problems(offence, acted_on, decided_on, reason="理由。")

    assert "was not in force" in found["offence"][0]


@pytest.mark.parametrize(
    ("code", "penalty", "why"),
    [
        # Organising minors to keep company for pay was no offence; nor was selling personal information.
        ("PSAPL2025-048-p1", Penalty(detention_days=15, fine_yuan=5000), "is new"),
        ("PSAPL2025-056-p1", Penalty(detention_days=15), "is new"),
        # An assault cost 200 to 500 yuan beside the detention, and costs 500 to 1,000.
        (
            "PSAPL2025-051-p1-i1",
            Penalty(detention_days=10, fine_yuan=1000),
            "at most 10 days of detention and 1000 yuan, against 10 days and 500 yuan of PSAPL before 2026, Art. 43",
        ),
        (
            "PSAPL2025-051-p1-i1",
            Penalty(fine_yuan=1000),
            "0 days of detention and 1000 yuan, against 0 days and 500 yuan",
        ),
        ("PSAPL2025-058-p1-i1", Penalty(detention_days=15, fine_yuan=3000), "15 days and 1000 yuan"),
        ("PSAPL2025-089-p4", Penalty(detention_days=5), "cannot be compared"),
    ],
)
def test_no_reason_helps_where_the_younger_law_is_new_or_heavier(code, penalty, why):
    found = problems(OFFENCES[code], date(2025, 12, 20), date(2026, 1, 5), reason="理由。", penalty=penalty)

    assert why in found["offence"][0], found
    assert "Administrative Penalty Law, Article 37" in found["offence"][0]


@pytest.mark.parametrize(
    ("code", "penalty"),
    [
        ("PSAPL2025-039-p1-i1", Penalty(detention_days=3)),  # the lighter circumstances are new
        ("PSAPL2025-036-p1", Penalty(detention_days=12)),  # the same
        ("PSAPL2025-058-p1-i1", Penalty(fine_yuan=2000)),  # detention before, now a fine instead of it
    ],
)
def test_where_the_younger_law_is_no_heavier_a_reason_is_enough(code, penalty):
    assert problems(OFFENCES[code], date(2025, 12, 20), date(2026, 1, 5), reason="较轻。", penalty=penalty) == {}
    assert "penalty_reason" in problems(OFFENCES[code], date(2025, 12, 20), date(2026, 1, 5), penalty=penalty)
