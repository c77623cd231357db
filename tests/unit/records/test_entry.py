"""What can be wrong with an entry, as far as the law of the day of the act goes (Administrative Penalty Law, Article 37)."""

from __future__ import annotations

from dataclasses import fields
from datetime import date

import pytest
from django.forms import HiddenInput
from django.utils import translation

from records import catalogue, disclosure, entry
from records.forms import SECTIONS, TEXTS, EntryForm
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


# A field is named in several places ----------------------------------------------------------------------------------


def test_every_field_of_the_form_stands_in_one_section_and_every_text_is_kept():
    """One that stands in no section is not on the page, and one that is no text is thrown away when it is saved."""
    visible = [name for name, field in EntryForm.base_fields.items() if not isinstance(field.widget, HiddenInput)]
    assert sorted(name for _title, names in SECTIONS.values() for name in names) == sorted(visible)
    # The remark is a reviewer's.
    assert {field.name for field in fields(entry.Particulars)} - {"remark"} == set(TEXTS)


def test_what_no_answer_says_of_the_particulars_is_named():
    kept_inside = {"penalty_reason", "remark"}
    assert {field.name for field in fields(entry.Particulars)} == {*disclosure.SHOWN_FIELDS, *kept_inside}
