"""What can be wrong with an entry, as far as the law of the day of the act goes (Administrative Penalty Law, Article 37)."""

from __future__ import annotations

from dataclasses import fields
from datetime import date

import pytest
from django.forms import HiddenInput
from django.utils import translation
from stdnum.cn import ric

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
pytestmark = pytest.mark.django_db  # an earlier law is read where the younger one is used


def written(offence: Offence, acted_on: date, decided_on: date, *, reason="", penalty=Penalty(fine_yuan=500), **typed):  # noqa: B008
    person = factories.person()
    values = {
        "name": person.name,
        "number": person.number,
        "address": "测试路1号",
        "facts": "经查明的违法事实。",
        "evidence": "陈述。",
        "case_number": "A3101010000002026010001",
        "decision_number": "测公（治）行罚决字〔2026〕00001号",
        "penalty_reason": reason,
    }
    return entry.Entry(entry.Particulars(**values | typed), offence, acted_on, decided_on, penalty)


def problems(*given, **typed):
    with translation.override("en"):
        return entry.problems(written(*given, **typed), TODAY)


def age_notices(offence: Offence, born: str, acted_on: date, decided_on: date):
    number = f"110105{born}001"
    number += ric.calc_check_digit(number + "0")
    with translation.override("en"):
        return entry.age_notices(written(offence, acted_on, decided_on, number=number), TODAY)


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


def test_leaving_the_country_is_only_ever_added_for_a_foreigner():
    """Article 10(2): a resident identity card or a Hong Kong, Macao or Taiwan permit is no foreigner's document."""
    leaves = {
        "exit_order": Penalty(fine_yuan=500, exit_order=True),
        "deportation": Penalty(fine_yuan=500, deportation=True),
    }
    for field, penalty in leaves.items():
        given = (NEW_THEFT, date(2026, 1, 1), date(2026, 1, 2))
        for at_home in ({}, {"document_type": "hk_mo_tw_permit", "number": "810000199001010010"}):
            assert (
                "for a foreigner only (PSAPL Article 10(2))" in problems(*given, penalty=penalty, **at_home)[field][0]
            )
        for foreign in (
            {"document_type": "passport", "number": "E12345678"},
            {"document_type": "foreign_pr", "number": "USA110000000001"},
        ):
            assert problems(*given, penalty=penalty, **foreign) == {}


@pytest.mark.parametrize(
    ("offence", "born", "expected"),
    [
        (NEW_THEFT, "20110601", ["14 or 15 years old", "Article 12", "Article 23(1)(1)", "Article 23(2)"]),
        (NEW_THEFT, "20090601", ["16 or 17 years old", "Article 12", "first violation", "Article 23(1)(2)"]),
        (NEW_THEFT, "19500601", ["70 years old or over", "Article 23(1)(3)", "not executed", "within one year"]),
        (OLD_THEFT, "20090601", ["16 or 17 years old", "before 2026, Article 12", "before 2026, Article 21"]),
        (OLD_THEFT, "19500601", ["70 years old or over", "before 2026, Article 21"]),
    ],
)
def test_who_is_young_or_old_has_a_notice_that_names_the_law_and_what_it_means(offence, born, expected):
    day = date(2026, 3, 1) if offence == NEW_THEFT else date(2025, 12, 1)

    [notice] = age_notices(offence, born, day, day)

    assert [words for words in expected if words not in notice] == []
    assert age_notices(offence, "19900101", day, day) == []


def test_a_birthday_between_the_act_and_the_decision_is_told():
    *young, both = age_notices(NEW_THEFT, "20080601", date(2026, 5, 1), date(2026, 7, 1))
    assert (
        "16 or 17" in young[0] and "Age on the day of the act: 16 to 17; on the day of the decision: 18 to 69" in both
    )

    old, both = age_notices(NEW_THEFT, "19560601", date(2026, 5, 1), date(2026, 7, 1))
    assert "70 years old or over" in old and "on the day of the decision: 70 and over" in both


def test_a_number_of_a_year_to_come_is_refused_and_one_of_another_year_than_the_decision_is_told():
    given = (NEW_THEFT, date(2026, 1, 1), date(2026, 1, 2))
    future = problems(
        *given, case_number="A3101010000002027010001", decision_number="测公（治）行罚决字〔2027〕00001号"
    )
    assert {field: "2027 in the number is still to come" in said for field, [said] in future.items()} == {
        "case_number": True,
        "decision_number": True,
    }

    with translation.override("en"):
        assert entry.year_notice(written(*given)) == ""
        told = entry.year_notice(written(*given, decision_number="测公（治）行罚决字〔2025〕00001号"))
    assert told == "The decision number names the year 2025, the date of the decision is 2026-01-02. Check both."


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
