"""What is read of a decision: one of the organ by who asked, with its ground and remedy; its end with its reason."""

from __future__ import annotations

import pytest
from django.utils import translation

from access import reading
from access.actions import decisions, requests
from access.models import Grant
from access.models.requests import Outcome
from tests import factories

pytestmark = pytest.mark.django_db
CASE = "PSAPL-136-CASE"


def case(city):
    return factories.submitted(city, by=city.judge, code=CASE)


def approve(access_request, by, reason="准予。", **scope):
    review = factories.review(reason)
    return factories.approve(access_request, by=by, review=review, scope=factories.scope_for(access_request, **scope))


def refuse(access_request, by, reason, **answers):
    return factories.refuse(access_request, by=by, review=factories.review(reason, **answers))


@pytest.mark.parametrize("is_first", [True, False])
def test_one_refusal_of_two_is_one_decision_with_the_reason_of_who_refused(city, is_first):
    access_request = case(city)
    if is_first:
        refuse(access_request, city.supervisor, "范围过宽。", SCOPE=False)
        access_request = approve(access_request, city.supervisor2, "可以。")
    else:
        approve(access_request, city.supervisor, "可以。")
        access_request = refuse(access_request, city.supervisor2, "范围过宽。", SCOPE=False)

    [decision] = reading.organ_decisions(access_request)
    assert (decision.outcome, decision.organ, decision.reason) == (Outcome.REFUSE, city.branch, "范围过宽。")
    assert decision.grounds == ["The scope is more than the least that serves the purpose."]
    assert decision.at == access_request.decided_at


def test_two_reasons_are_one_text_and_the_same_one_is_said_once(city):
    access_request = case(city)
    refuse(access_request, city.supervisor, "一。")
    assert reading.organ_decisions(access_request) == []
    access_request = refuse(access_request, city.supervisor2, "二。")
    assert reading.organ_decisions(access_request)[0].reason == "一。\n二。"

    again = case(city)
    refuse(again, city.supervisor, "一。")
    again = refuse(again, city.supervisor2, "一。")
    assert reading.organ_decisions(again)[0].reason == "一。"


def test_what_a_decider_says_of_their_own_interest_is_no_ground(city):
    access_request = refuse(factories.submitted(city), city.supervisor, "回避。", INTEREST=False, DOCUMENTS=False)
    assert reading.organ_decisions(access_request)[0].grounds == ["The letter is not complete and genuine."]


def test_a_vote_that_never_became_a_decision_is_not_read_even_after_a_return_or_a_withdrawal(city):
    returned = case(city)
    approve(returned, city.supervisor, "第一票。")
    returned = factories.return_for_correction(returned, by=city.supervisor2, review=factories.review("补正公函。"))
    assert [(one.outcome, one.reason) for one in reading.organ_decisions(returned)] == [(Outcome.RETURN, "补正公函。")]

    withdrawn = case(city)
    approve(withdrawn, city.supervisor, "第一票。")
    withdrawn = requests.withdraw(withdrawn, by=city.judge, version=withdrawn.version)
    assert reading.organ_decisions(withdrawn) == []


def test_who_narrowed_is_the_deciding_organ_to_who_asked_and_the_unit_to_who_decides(city):
    access_request = case(city)
    approve(access_request, city.supervisor)
    grant = approve(access_request, city.supervisor2, rung="ABSTRACT").grant

    assert reading.narrowing_organs(grant, to=city.judge) == [city.branch]
    assert reading.narrowing_organs(grant, to=city.supervisor) == [city.bureau]
    assert reading.narrowing_organs(factories.approved(city), to=city.requester) == []


@pytest.mark.parametrize(
    ("code", "setting", "english", "chinese"),
    [
        (
            "UMPL-62",
            "RECONSIDERATION",
            "Administrative Reconsideration Law, Art. 11(15)",
            "《行政复议法》第十一条第十五项",
        ),
        ("UMPL-62", "ORGAN_ABOVE", "raise the matter with the organ above", "上级机关反映"),
        (CASE, "RECONSIDERATION", "raise the matter with the organ above", "上级机关反映"),
    ],
)
def test_a_refusal_names_a_remedy(city, settings, code, setting, english, chinese):
    settings.REFUSAL_REMEDY = setting
    access_request = factories.submitted(city, code=code, **({"by": city.judge} if code == CASE else {}))
    assert english in reading.remedy_of(access_request)
    with translation.override("zh-hans"):
        assert chinese in reading.remedy_of(access_request)


def test_a_revocation_says_when_by_which_organ_and_why(city):
    grant = factories.approved(city)
    assert reading.revocation_of(grant) is None
    decisions.revoke(grant, by=city.supervisor2, reason="事由已消失。")

    said = reading.revocation_of(Grant.objects.get(pk=grant.pk))
    assert (said.organ, said.by, said.reason) == (city.bureau, city.supervisor2, "事由已消失。")
    assert said.sentence == f"Revoked on {reading.moment(said.at)} by {city.bureau}."
    with translation.override("zh-hans"):
        assert said.sentence == f"{city.bureau}已于 {reading.moment(said.at)} 撤销。"


def test_the_unit_of_whoever_revoked_stays_that_of_the_day(city, owner):
    grant = factories.approved(city)
    decisions.revoke(grant, by=city.supervisor, reason="误批。")
    owner.execute("alter table access_user disable trigger user")
    owner.execute("update access_user set organisation_id = %s where id = %s", [city.court.pk, city.supervisor.pk])

    assert reading.revocation_of(Grant.objects.get(pk=grant.pk)).organ == city.branch


def test_a_grant_that_a_restore_ended_says_so(city, owner):
    grant = factories.approved(city)
    owner.execute("select access_after_restore('{}', '[]')")

    said = reading.revocation_of(Grant.objects.get(pk=grant.pk))
    assert (said.organ, said.reason) == (None, "")
    assert "an older state of the database had to be put back" in said.sentence
    with translation.override("zh-hans"):
        assert "因恢复了较早的数据库" in said.sentence
