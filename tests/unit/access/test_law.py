"""What applies, why not, and how far an answer reaches: the pure rules, without a database."""

from __future__ import annotations

import random  # noqa: TID251
from datetime import date, timedelta

import pytest
from dateutil.relativedelta import relativedelta

from access import law
from access.exceptions import Refused
from access.identifiers import IdNumber
from access.models import AccessRequest, CasePurpose, LegalBasis, Organisation
from access.models.people import OrganisationKind

TODAY = date(2026, 8, 30)
DAYS = [date(2024, 2, 29), date(2024, 3, 1), date(2026, 1, 31), date(2026, 6, 10), date(2027, 2, 28), date(2028, 2, 29)]
MONTHS = [12, 24, 36, 60]


def purpose(**values) -> CasePurpose:
    return CasePurpose(
        **{"counts_from_act": True, "window_months": 12, "categories": ["*"], "minimum_count": 1, **values}
    )


def basis(**values) -> LegalBasis:
    return LegalBasis(**{"categories": ["*"], "filter_count": 1, **values})


def request(**values) -> AccessRequest:
    return AccessRequest(
        basis=values.pop("basis", basis()), case_purpose=values.pop("case_purpose", purpose()), **values
    )


# Windows ---------------------------------------------------------------------------------------------------------------


def test_the_aggravation_of_article_22_is_not_missed_because_the_decision_took_long():
    """Act on 10 June, earlier penalty of 15 July of the year before, decided on 30 August (finding A2)."""
    window = law.window(None, 12, act_on=date(2026, 6, 10), today=TODAY)

    assert window.first <= date(2025, 7, 15) <= window.last
    assert (window.first, window.last) == (date(2025, 6, 10), date(2026, 6, 10))
    assert date(2025, 7, 15) < TODAY - relativedelta(months=12)  # what counting from the decision would have missed


def test_what_took_effect_after_the_new_act_is_no_earlier_penalty():
    assert law.window(None, 12, act_on=date(2026, 6, 10), today=TODAY).last == date(2026, 6, 10)


def within(earlier: date, day: date, months: int) -> bool:
    """Say whether `day` is within so many months of `earlier`, counted forwards as people count (Article 143)."""
    return day <= earlier + relativedelta(months=months)


def days_to_try() -> list[date]:
    dice = random.Random(7)
    return DAYS + [date(2024, 1, 1) + timedelta(days=dice.randrange(1800)) for _ in range(300)]


@pytest.mark.parametrize("months", MONTHS)
def test_a_window_gives_every_day_that_the_text_gives_and_never_one_more(months):
    for act_on in days_to_try():
        first = law.window(None, months, act_on=act_on, today=act_on + timedelta(days=90)).first

        assert within(first, act_on, months), act_on
        assert not within(first - timedelta(days=1), act_on, months), act_on


@pytest.mark.parametrize("months", MONTHS)
def test_a_window_from_the_act_never_opens_less_than_one_from_the_decision_when_the_act_is_earlier(months):
    dice = random.Random(11)
    for act_on in days_to_try():
        decided_on = act_on + timedelta(days=dice.randrange(400))
        from_the_act = law.window(None, months, act_on=act_on, today=decided_on)

        # Whatever counting from the decision showed of the time before the act is shown, and more.
        assert from_the_act.first <= law.earliest(decided_on, months)
        assert from_the_act.last == act_on


def test_the_last_day_of_february_does_not_open_a_day_too_early():
    assert law.earliest(date(2024, 2, 29), 12) == date(2023, 3, 1)
    assert law.earliest(date(2027, 2, 28), 12) == date(2026, 2, 28)
    assert law.earliest(date(2028, 2, 29), 24) == date(2026, 3, 1)
    assert law.earliest(date(2028, 2, 29), 48) == date(2024, 2, 29)


def test_the_look_back_of_a_basis_counts_from_today_and_the_narrowest_bound_counts():
    window = law.window(60, 12, act_on=date(2026, 6, 10), asked_from=date(2026, 1, 1), today=TODAY)

    assert window.first == date(2026, 1, 1)
    assert len(window.steps) == 3
    assert law.window(60, None, act_on=None, today=TODAY).first == date(2021, 8, 30)
    assert law.window(None, None, act_on=None, today=TODAY) == law.Window()


def test_a_window_without_the_day_of_the_act_is_refused():
    with pytest.raises(Refused, match="Give the day of the new act"):
        law.window(None, 12, act_on=None, today=TODAY)


def test_earlier_penalties_without_a_window_are_those_until_the_act():
    window = law.window(None, None, earlier_only=True, act_on=date(2026, 6, 10), today=TODAY)

    assert (window.first, window.last) == (None, date(2026, 6, 10))
    assert "earlier penalties" in window.steps[0] and "until the new act of 2026-06-10" in window.steps[0]
    with pytest.raises(Refused, match="Give the day of the new act"):
        law.window(None, None, earlier_only=True, act_on=None, today=TODAY)


def test_the_calculation_is_said_in_words():
    [step] = law.window(None, 12, act_on=date(2026, 6, 10), today=TODAY).steps

    assert "12 months" in step and "from 2025-06-10 to 2026-06-10" in step


# Categories and counts ---------------------------------------------------------------------------------------------


def test_categories_are_never_wider_than_either_list():
    assert law.narrower(["*"], ["A"]) == law.narrower(["A"], ["*"]) == ["A"]
    assert law.narrower(["A", "B"], ["B", "C"]) == ["B"]
    assert law.narrower(["A"], ["C"]) == []


def test_of_the_same_kind_means_the_kind_that_the_request_names():
    same = purpose(same_kind=True)

    assert law.categories_of(request(case_purpose=same, act_kind="THEFT")) == ["THEFT"]
    assert law.categories_of(request(case_purpose=same)) == []  # Rule 12: in doubt nothing
    assert law.categories_of(request(case_purpose=purpose(), act_kind="THEFT")) == ["*"]


def test_one_record_is_enough_unless_basis_or_purpose_ask_for_more():
    assert law.least_records(basis(), None) == law.least_records(basis(), purpose()) == 1
    assert law.least_records(basis(filter_count=3), purpose(minimum_count=2)) == 3
    assert law.least_records(basis(), purpose(minimum_count=2)) == 2


@pytest.mark.parametrize("kind", OrganisationKind.values)
def test_only_supervision_organs_are_not_shown_what_somebody_did_under_eighteen(kind):
    assert law.adult_acts_only(Organisation(kind=kind)) == (kind == "SUPERVISION_ORGAN")


# What a purpose needs, and whether it may be chosen ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("needs", "given", "missing"),
    [
        ({}, {}, ["Give the day of the new act."]),
        ({}, {"act_on": TODAY}, []),
        ({"same_kind": True}, {"act_on": TODAY}, ["Choose the kind of the new act."]),
        ({"same_kind": True}, {"act_on": TODAY, "act_kind": "PROPERTY"}, ["Choose the kind of the new act."]),
        ({"same_kind": True}, {"act_on": TODAY, "act_kind": "THEFT"}, []),
        (
            {"counts_from_act": False, "window_months": None, "names_decision": True},
            {},
            ["Give the number of the decision under review.", "Give the date of the decision under review."],
        ),
        (
            {"counts_from_act": False, "window_months": None, "names_decision": True},
            {"decision_on": TODAY, "number": "京公海行罚决字〔2026〕1号"},
            [],
        ),
        ({"counts_from_act": False, "window_months": None}, {}, []),
        ({"window_months": None}, {}, ["Give the day of the new act."]),
        (
            {"counts_from_act": False, "window_months": None, "case_bound": True},
            {},
            ["Say since when: this case purpose is about the time of the case and never a whole life."],
        ),
        ({"counts_from_act": False, "window_months": None, "case_bound": True}, {"asked_from": TODAY}, []),
    ],
)
def test_a_purpose_asks_for_what_it_needs_and_for_nothing_else(needs, given, missing):
    number = given.pop("number", "")

    assert law.missing_for_purpose(request(case_purpose=purpose(**needs), **given), number) == missing


@pytest.mark.parametrize(
    ("bounds", "act_on", "why"),
    [
        ({"acts_from": date(2026, 1, 1)}, date(2025, 12, 31), "is the law of acts since 2026-01-01"),
        ({"acts_from": date(2026, 1, 1)}, date(2026, 1, 1), ""),
        ({"acts_until": date(2025, 12, 31)}, date(2025, 12, 31), ""),
        ({"acts_until": date(2025, 12, 31)}, date(2026, 1, 1), "is the law of acts until 2025-12-31"),
        ({}, date(2010, 1, 1), ""),
    ],
)
def test_a_text_is_the_law_of_acts_of_its_days(bounds, act_on, why):
    said = law.why_not_act(purpose(**bounds), act_on)

    assert why in said and bool(why) == bool(said)


@pytest.mark.parametrize(
    ("born", "act_on", "is_meant"),
    [
        (date(2012, 3, 1), date(2026, 3, 1), False),  # the birthday itself: still 13
        (date(2012, 3, 1), date(2026, 3, 2), True),
        (date(2010, 3, 1), date(2026, 3, 1), True),  # 15
        (date(2010, 3, 1), date(2026, 3, 2), False),  # 16
        (date(1990, 1, 1), date(2026, 3, 2), False),
        (date(1956, 3, 1), date(2026, 3, 1), False),  # 69
        (date(1956, 3, 1), date(2026, 3, 2), True),
        (date(2026, 8, 1), date(2026, 3, 2), False),  # not born yet
        (None, date(2026, 3, 2), False),
    ],
)
def test_a_text_about_ages_is_about_who_had_them_on_the_day_of_the_act(born, act_on, is_meant):
    of_23 = purpose(age_bands=["from_14", "from_70"], citation_en="Art. 23(2)", citation_zh="第二十三条第二款")
    said = law.why_not_age(of_23, act_on, IdNumber("X", born))

    assert bool(said) != is_meant
    if born is None:
        assert "does not say when the person was born" in said
    assert law.why_not_age(purpose(), act_on, IdNumber("X", born)) == ""


def test_an_answer_never_says_more_than_the_purpose_needs():
    open_basis, test_only = basis(highest_rung="FULL"), purpose(highest_rung="ABSTRACT")

    assert law.highest_rung(open_basis, test_only) == "ABSTRACT"
    assert law.highest_rung(basis(highest_rung="PRESENCE"), test_only) == "PRESENCE"
    assert law.highest_rung(open_basis, None) == "FULL"
    assert law.why_not_rung(open_basis, test_only, "ABSTRACT") == ""
    assert "served by less" in law.why_not_rung(open_basis, test_only, "FULL")


def rows() -> list[CasePurpose]:
    common = {"organisation_kinds": ["COURT"], "valid_from": date(2026, 1, 1), "title_en": "T", "citation_en": "C"}
    return [
        purpose(code="A", version=1, **common),
        purpose(code="A", version=2, **common),
        purpose(code="A", version=3, **{**common, "valid_from": date(2027, 1, 1)}),
        purpose(code="B", version=1, standing="LEGAL_REVIEW_FIRST", standing_reason_en="Waits.", **common),
        purpose(code="C", version=1, standing="REFUSED", standing_reason_en="Repealed.", **common),
        purpose(code="D", version=1, **{**common, "organisation_kinds": ["PROCURATORATE"]}),
        purpose(code="E", version=1, valid_until=date(2026, 8, 29), **common),
    ]


def test_the_newest_purposes_in_force_may_be_chosen_and_the_others_say_why_not():
    usable, closed = law.purposes_for(rows(), Organisation(kind="COURT"), TODAY)

    assert [(row.code, row.version) for row in usable] == [("A", 2)]
    assert [(row.code, reason) for row, reason in closed[:2]] == [("B", "Waits."), ("C", "Repealed.")]
    assert closed[2][0].code == "E" and "not in force today" in closed[2][1]
