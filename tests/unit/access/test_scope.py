"""A scope in words: each side of it, in both languages, and the same for a basis, a request, a vote and a grant."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.utils import timezone, translation

from access import law, scope
from access.models import CasePurpose
from access.models.law import RecordFilter
from tests import factories

pytestmark = pytest.mark.django_db
WIDE = scope.Scope("PRESENCE", ["*"], RecordFilter.ANY, 1, openings=3, hours=72, window=law.Window())
DAY, LATER = date(2025, 3, 1), date(2026, 3, 1)
SAID = [
    ({}, "It has no limit in time.", "不限时间。"),
    ({}, "It may be opened 3 times for each person.", "对每名被查询人可以打开 3 次。"),
    ({"openings": 1}, "It may be opened 1 time for each person.", "对每名被查询人可以打开 1 次。"),
    ({}, "It may be opened for 72 hours from the approval on.", "自准予之时起 72 小时内可以打开。"),
    ({"rung": "FULL"}, "The answer says at most: Full particulars.", "查询结果最多告知：完整内容。"),
    (
        {"least_records": 2},
        "It answers only if there are 2 records or more; fewer look like none.",
        "记录达到 2 条的才予答复；不足的，与没有记录的答复相同。",
    ),
    (
        {"record_filter": RecordFilter.DETENTION},
        "It answers only for records of administrative detention.",
        "只答复受过行政拘留的记录。",
    ),
    (
        {"record_filter": RecordFilter.DETENTION_AT_LEAST, "least_records": 3},
        "It answers only if there are 3 records of administrative detention or more; fewer look like none.",
        "受过行政拘留的记录达到 3 条的才予答复；不足的，与没有记录的答复相同。",
    ),
    (
        {"window": law.Window(DAY, LATER)},
        "It covers penalties that took effect from 2025-03-01 to 2026-03-01.",
        "限于 2025-03-01 至 2026-03-01 期间生效的处罚。",
    ),
    (
        {"window": law.Window(LATER, DAY)},
        "It covers nothing: the period that is asked for begins after the new act of 2025-03-01.",
        "不包括任何记录：申请的期间晚于本次行为之日（2025-03-01）。",
    ),
    (
        {"window": law.Window(DAY)},
        "It covers penalties that took effect since 2025-03-01.",
        "限于 2025-03-01 以来生效的处罚。",
    ),
    (
        {"window": law.Window(None, LATER)},
        "It covers penalties that took effect until 2026-03-01.",
        "限于 2026-03-01 以前生效的处罚。",
    ),
    (
        {"window": None, "window_months": 12},
        "It reaches back 12 months from the new act, whose day is not given yet.",
        "自本次行为之日向前 12 个月；行为日期尚未填写。",
    ),
    (
        {"is_of_one_decision": True, "decision_on": DAY},
        "It is about the decision under review only, of 2025-03-01.",
        "只答复 2025-03-01 作出的被复议、被诉的处罚决定。",
    ),
    (
        {"is_of_one_decision": True},
        "It is about the decision under review only, whose date is not given yet.",
        "只答复被复议、被诉的处罚决定；决定日期尚未填写。",
    ),
    (
        {"is_of_same_kind": True, "categories": []},
        "It covers records of the same kind as the new act.",
        "记录类别：与本次行为同类。",
    ),
    ({"adult_acts_only": True}, "What a person did under 18 is not answered.", "不答复未满十八周岁时的行为。"),
    (
        {"waits_for_purpose": True},
        "The case purpose that is chosen narrows this further.",
        "选定的办案用途将进一步缩小该范围。",
    ),
]


@pytest.mark.parametrize(("values", "english", "chinese"), SAID, ids=[english for _values, english, _zh in SAID])
def test_each_side_of_a_scope_has_its_sentence(values, english, chinese):
    said = replace(WIDE, **values)
    assert english in said.sentences
    with translation.override("zh-hans"):
        assert chinese in said.sentences


def test_nothing_is_said_of_what_does_not_limit():
    assert len(WIDE.sentences) == 5
    assert replace(WIDE, is_of_one_decision=True, decision_on=DAY).sentences.count("It has no limit in time.") == 0


def test_categories_are_named_in_the_readers_language():
    assert scope.category_titles(["*"]) in WIDE.kinds
    with translation.override("zh-hans"):
        assert WIDE.kinds.startswith("记录类别：")


def test_basis_request_vote_and_grant_say_the_same(city):
    access_request = factories.submitted(city, code="UMPL-62")
    today = timezone.localdate()
    of_basis = scope.of_basis(access_request.basis, city.kindergarten, today)
    asked = scope.of_request(access_request, today)
    allowed = scope.narrowed_to(asked, **vars(factories.scope_for(access_request)))
    given = scope.of_grant(factories.approved(city, code="UMPL-62"))

    assert of_basis.sentences == asked.sentences == allowed.sentences == given.sentences


def test_a_threshold_that_the_purpose_brings_is_said(city, enact):
    purpose = enact(factories.version_of(CasePurpose.objects.get(code="CRIM-THEFT"), 2, minimum_count=2))
    grant = factories.approved(city, by=city.judge, code="PSAPL-136-CASE", case_purpose=purpose)

    threshold = "It answers only if there are 2 records or more; fewer look like none."
    assert threshold in scope.of_grant(grant).sentences
    assert threshold in scope.of_request(grant.access_request, timezone.localdate()).sentences


def test_a_request_whose_act_has_no_day_yet_says_that_it_is_missing(city):
    draft = factories.request_draft(city, by=city.judge, code="PSAPL-136-CASE", act_on=None)
    assert any("whose day is not given yet" in said for said in scope.of_request(draft, timezone.localdate()).sentences)


def test_a_case_purpose_says_its_limits_before_anything_is_known_of_the_case():
    theft = CasePurpose(
        categories=["THEFT"], counts_from_act=True, window_months=12, minimum_count=2, highest_rung="ABSTRACT"
    )
    assert scope.of_purpose(theft) == [
        "It covers: theft.",
        "It answers only if there are 2 records or more; fewer look like none.",
        "It reaches back 12 months from the new act, whose day is not given yet.",
        "The answer says at most: Category, dates, unit and penalty.",
    ]
    first = CasePurpose(
        categories=["*"], counts_from_act=True, acts_from=date(2026, 1, 1), age_bands=["from_14", "from_70"]
    )
    assert scope.of_purpose(first)[1:4] == [
        "It covers penalties that took effect until the new act, whose day is not given yet.",
        "It is the law of acts since 2026-01-01.",
        "It is about people who were 14 to 15, or 70 and over on the day of the new act.",
    ]
    assert scope.of_purpose(CasePurpose(categories=["THEFT"], same_kind=True))[0].endswith("as the new act.")
    assert scope.of_purpose(CasePurpose(categories=["*"], names_decision=True))[1:] == [
        "It is about the decision under review only, whose date is not given yet.",
        "The answer says at most: Full particulars.",
    ]


def test_narrowings_are_those_that_the_database_judged_with_what_was_asked_and_given(city):
    today = timezone.localdate()
    narrower = {"rung": "ABSTRACT", "hours": 5, "openings": 1, "window_from": today - timedelta(days=30)}
    grant = factories.approved(city, by=city.judge, code="PSAPL-136-CASE", scope=narrower)

    assert grant.narrowed == ["LEVEL", "PERIOD", "OPENINGS", "HOURS"]
    said = {one.what: (one.asked, one.given) for one in scope.narrowings(grant)}
    assert said["Level of detail"] == ("Full particulars", "Category, dates, unit and penalty")
    assert (said["Hours"], said["Openings for each person"]) == (("72", "5"), ("3", "1"))
    assert (today - timedelta(days=30)).isoformat() in said["Period"][1] and said["Period"][0] != said["Period"][1]
    assert scope.narrowings(factories.approved(city)) == []
