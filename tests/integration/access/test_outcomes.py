"""What the pages say of a request's scope and outcome: asked, given, narrowed, refused, revoked, returned."""

from __future__ import annotations

import html
import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from access import reading, scope
from access.actions import decisions, requests
from access.models import AccessRequest
from access.models.requests import CheckPoint, Status
from tests import factories

pytestmark = pytest.mark.django_db
LANGUAGES = {"en": "en", "zh-hans": "zh-Hans"}
CASE = "PSAPL-136-CASE"


def browser(user, language: str = "en") -> Client:
    client = Client(headers={"accept-language": LANGUAGES[language]})
    client.force_login(user)
    return client


def text(response) -> str:
    """Return what a page says, without its tags."""
    assert response.status_code == 200
    main = response.content.decode().split("<main", 1)[1].split("</main>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split())


def shown(user, name: str, *args, language: str = "en", query: str = "") -> str:
    return text(browser(user, language).get(reverse(name, args=args) + query))


def case(city, **values) -> AccessRequest:
    return factories.submitted(city, by=city.judge, code=CASE, **values)


def narrowed(city) -> AccessRequest:
    """Return a court's request of which the bureau's vote gave less than was asked."""
    access_request = case(city)
    whole = factories.scope_for(access_request)
    less = factories.scope_for(access_request, rung="ABSTRACT", hours=5)
    factories.approve(access_request, by=city.supervisor, review=factories.review("同意。"), scope=whole)
    return factories.approve(access_request, by=city.supervisor2, review=factories.review("只需摘要。"), scope=less)


# A. A scope is said once


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_of_one_request_says_its_scope_in_the_same_words(city, language):
    draft = factories.request_draft(city, code="UMPL-62")
    asking, deciding = browser(city.requester, language), browser(city.supervisor, language)
    with translation.override(language):
        said = scope.of_request(draft, timezone.localdate()).sentences
    assert len(said) == 5

    def get(client, name, *args):
        return text(client.get(reverse(name, args=args)))

    pages = {
        "basis": get(asking, "access:request_new"),
        "empty form": get(asking, "access:request_begin", "UMPL-62"),
        "form": get(asking, "access:request_edit", draft.pk),
        "check": get(asking, "access:request_check", draft.pk),
    }
    sent = {"version": draft.version, "declared": "on"}
    asking.post(reverse("access:request_submit", args=[draft.pk]), sent)
    draft.refresh_from_db()
    points = {f"point_{point.lower()}": "yes" for point in [*CheckPoint.values, "PERSON_1"]}
    vote = {**points, "version": str(draft.version), "outcome": "approve", "reason": "准予。"}
    pages["request"] = get(asking, "access:request", draft.pk)
    pages["review"] = get(deciding, "access:review", draft.pk)
    pages["confirmation"] = text(deciding.post(reverse("access:decide", args=[draft.pk]), vote))
    grant = factories.approve(
        draft, by=city.supervisor, review=factories.review(), scope=factories.scope_for(draft)
    ).grant
    pages["approved request"] = get(asking, "access:request", draft.pk)
    pages["grant"] = get(asking, "records:grant", grant.pk)
    factories.ready(grant, session_key=asking.session.session_key)
    opening = reverse("records:open", args=[grant.pk, factories.subject_of(grant).pk])
    pages["pause"] = text(asking.get(opening))
    pages["answer"] = text(asking.post(opening, {"token": str(factories.token())}))

    missing = [(name, sentence) for name, page in pages.items() for sentence in said if sentence not in page]
    assert missing == []


def test_a_narrower_vote_is_confirmed_in_its_own_words(city):
    access_request = case(city)
    points = {f"point_{point.lower()}": "yes" for point in [*CheckPoint.values, "PERSON_1"]}
    vote = {**points, "version": str(access_request.version), "reason": "只需摘要。"}
    url = reverse("access:decide", args=[access_request.pk])
    client = browser(city.supervisor)

    less = text(client.post(url, {**vote, "outcome": "narrower", "rung": "ABSTRACT", "hours": "5"}))
    assert "The answer says at most: Category, dates, unit and penalty." in less
    assert "It may be opened for 5 hours from the approval on." in less
    assert "What the requester may then open" not in text(client.post(url, {**vote, "outcome": "refuse"}))


# B. Narrowed is said

IN_PART = {"en": "Approved in part", "zh-hans": "部分准予"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_approval_of_less_than_was_asked_says_so_everywhere(city, language):
    access_request = narrowed(city)
    grant = access_request.grant
    with translation.override(language):
        organ, unit = str(city.branch), str(city.bureau)
        [level, hours] = [f"{one.what} : {one.asked} → {one.given}" for one in scope.narrowings(grant)]
        by_organ, by_unit = (
            translation.gettext("Narrowed by %(organs)s.") % {"organs": name} for name in (organ, unit)
        )
    judge = [
        shown(city.judge, "access:requests", language=language, query="?tab=decided"),
        shown(city.judge, "access:request", access_request.pk, language=language),
        shown(city.judge, "access:receipt", access_request.pk, language=language),
        shown(city.judge, "records:answers", language=language),
        shown(city.judge, "records:grant", grant.pk, language=language),
        shown(city.judge, "desk", language=language),
    ]
    decider = [
        shown(city.supervisor, "access:queue", language=language, query="?tab=decided"),
        shown(city.supervisor, "access:request", access_request.pk, language=language),
    ]
    assert all(IN_PART[language] in page for page in judge + decider)
    for page in (judge[1], judge[4], decider[1]):
        assert level in page and hours in page
    # Who asked reads the organ that decides; which of its votes narrowed is for those who decide.
    assert by_organ in judge[1] and by_organ in judge[4] and unit not in judge[1] + judge[4]
    assert by_unit in decider[1]


def test_an_approval_of_what_was_asked_is_no_partial_one(city):
    grant = factories.approved(city)
    for name, args in (("access:request", [grant.access_request_id]), ("records:grant", [grant.pk]), ("desk", [])):
        assert "Approved in part" not in shown(city.requester, name, *args)


@pytest.mark.parametrize("language", LANGUAGES)
def test_whoever_decides_in_part_is_told_so(city, language):
    access_request = factories.submitted(city)
    points = {f"point_{point.lower()}": "yes" for point in [*CheckPoint.values, "PERSON_1"]}
    vote = {
        **points,
        "version": str(access_request.version),
        "outcome": "narrower",
        "hours": "5",
        "reason": "五小时足够。",
    }
    proved = {**vote, "proof": "1", "password": factories.PASSWORD}
    told = browser(city.supervisor, language).post(
        reverse("access:decide", args=[access_request.pk]), proved, follow=True
    )
    with translation.override(language):
        said = translation.gettext("%(number)s is approved in part; the requester may open the narrower answer now.")
    assert said % {"number": access_request.number} in text(told)


@pytest.mark.parametrize(
    ("language", "voted", "made"),
    [
        ("en", " in part.", "which gives less than was asked"),
        ("zh-hans", "提交了部分准予的审批意见", "其范围小于申请范围"),
    ],
)
def test_the_trail_says_what_was_narrowed(city, language, voted, made):
    access_request = narrowed(city)
    votes = shown(city.auditor, "audit:events", language=language, query="?kind=REQUEST_VOTED")
    approvals = shown(city.auditor, "audit:events", language=language, query="?kind=REQUEST_APPROVED")
    grants = shown(city.auditor, "audit:events", language=language, query="?kind=GRANT_MADE")

    assert votes.count(voted) == 1  # the branch's vote gave all that was asked
    assert made in grants
    assert all(access_request.number in page for page in (votes, approvals, grants))
    assert {"en": "in part.", "zh-hans": "部分准予了"}[language] in approvals
    assert {"en": "level of detail, hours", "zh-hans": "详细程度、小时数"}[language] in grants


# C. Revoked is said


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_revoked_permission_says_when_by_which_organ_and_why_and_leads_nowhere(city, language):
    grant = factories.approved(city)
    access_request, end = grant.access_request, f"{timezone.localtime(grant.ends_at):%Y-%m-%d %H:%M}"
    decisions.revoke(grant, by=city.supervisor, reason="事由已消失。")
    with translation.override(language):
        said = reading.revocation_of(grant).sentence
        revoked, approved = (translation.gettext(word) for word in ("Revoked", "Approved"))
    page = shown(city.requester, "access:request", access_request.pk, language=language)
    gone = shown(city.requester, "records:grant", grant.pk, language=language)
    lists = [
        shown(city.requester, "access:requests", language=language, query="?tab=decided"),
        shown(city.requester, "records:answers", language=language),
    ]
    for text_of_page in (page, gone):
        assert said in text_of_page and "事由已消失。" in text_of_page
    for listed in lists:
        assert said.rstrip(".。") in listed and revoked in listed and "事由已消失。" not in listed
    assert all(end not in text_of_page for text_of_page in [page, gone, *lists])
    assert city.supervisor.full_name not in page + gone
    # The decision was an approval, and the timeline says so; no green tag does, and no button leads on.
    response = browser(city.requester, language).get(reverse("access:request", args=[access_request.pk]))
    source = response.content.decode().split("<main", 1)[1].split("</main>")[0]
    assert approved in source and "tag-green" not in source
    assert "button primary" not in source and reverse("records:grant", args=[grant.pk]) not in source
    decider = shown(city.supervisor2, "access:request", access_request.pk, language=language)
    assert said in decider and city.supervisor.full_name in decider and "事由已消失。" in decider


def test_a_permission_that_time_ended_says_when_and_is_not_revoked(city, owner):
    grant = factories.approved(city)
    owner.execute("alter table access_grant disable trigger user")
    owner.execute(
        "update access_grant set starts_at = starts_at - interval '9 days', ends_at = starts_at - interval '1 day'"
    )
    page = shown(city.requester, "records:grant", grant.pk)
    assert "This permission has ended" in page and "Its time was over on" in page and "revoked" not in page.lower()
    assert "Go to the permission" not in shown(city.requester, "access:request", grant.access_request_id)


# D. One decision of the organ


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_asked_reads_one_refusal_with_ground_and_remedy_and_nothing_of_the_votes(city, language):
    access_request = case(city)
    factories.approve(
        access_request,
        by=city.supervisor,
        review=factories.review("第一票：可以。"),
        scope=factories.scope_for(access_request),
    )
    access_request = factories.refuse(
        access_request, by=city.supervisor2, review=factories.review("范围过宽。", SCOPE=False)
    )
    with translation.override(language):
        ground = str(reading.GROUNDS["SCOPE"])
        remedy = reading.remedy_of(access_request)
        approved = translation.gettext("Approved")
    page = shown(city.judge, "access:request", access_request.pk, language=language)

    assert all(words in page for words in (ground, remedy, "范围过宽。", str(city.branch)))
    for hidden in ("第一票", city.supervisor.full_name, city.supervisor2.full_name, approved):
        assert hidden not in page
    decider = shown(city.supervisor, "access:request", access_request.pk, language=language)
    assert all(words in decider for words in ("第一票", "范围过宽。", city.supervisor2.full_name))


@pytest.mark.parametrize("state", [Status.APPROVED, Status.REFUSED, Status.RETURNED])
def test_no_page_of_who_asked_names_a_decider(city, state):
    access_request = factories.request_at(state, city)
    for name in ("access:request", "access:receipt"):
        page = shown(city.requester, name, access_request.pk)
        assert city.supervisor.full_name not in page and (city.supervisor.badge_number or "-") not in page


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("en", "You have voted; a second person decides."), ("zh-hans", "本人已提交审批意见；由第二人审批。")],
)
def test_after_the_first_of_two_votes_the_page_says_that_a_second_person_decides(city, language, sentence):
    access_request = case(city)
    url, review = (reverse(name, args=[access_request.pk]) for name in ("access:request", "access:review"))
    assert review in browser(city.supervisor, language).get(url).content.decode()
    factories.approve(
        access_request,
        by=city.supervisor,
        review=factories.review("我的一票。"),
        scope=factories.scope_for(access_request),
    )
    mine = browser(city.supervisor, language).get(url)
    assert sentence in text(mine) and "我的一票。" in text(mine) and review not in mine.content.decode()
    other = browser(city.supervisor2, language).get(url)
    assert review in other.content.decode() and sentence not in text(other) and "我的一票。" not in text(other)


# E. My requests


def test_what_is_still_to_be_sent_stands_first_and_what_came_back_before_drafts(city):
    waiting = factories.submitted(city)
    draft, returned = factories.request_draft(city), factories.request_at(Status.RETURNED, city)
    page = shown(city.requester, "access:requests")
    places = [page.index(row.number) for row in (returned, draft, waiting)]
    assert places == sorted(places)


def test_what_was_withdrawn_says_when(city):
    access_request = factories.request_at(Status.WITHDRAWN, city)
    page = shown(city.requester, "access:requests", query="?tab=ended")
    at = timezone.localtime(access_request.history.latest("history_date").history_date)
    assert f"{at:%Y-%m-%d %H:%M}" in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_reason_of_a_return_stands_on_top(city, language):
    access_request = factories.request_at(Status.RETURNED, city)
    page = shown(city.requester, "access:request", access_request.pk, language=language)
    with translation.override(language):
        facts = translation.gettext("The request")
        what = translation.gettext("What has to be corrected:")
    assert what in page and page.index("公函缺章。") < page.index(f" {facts} ", page.index(what))


def test_the_reason_of_an_earlier_return_is_no_longer_on_top_once_it_waits_again(city):
    access_request = factories.request_at(Status.RETURNED, city)
    requests.submit(access_request, by=city.requester, version=access_request.version)
    page = shown(city.requester, "access:request", access_request.pk)
    assert "What has to be corrected:" not in page and page.count("公函缺章。") == 1
