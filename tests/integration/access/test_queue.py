"""Deciding, page by page: allowed, refused, invisible; blind votes; and nothing that was typed is lost."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from access import calendar, frame, shell
from access.actions import decisions, people, requests
from access.models import CasePurpose, Decision, Grant
from access.models.duty import Duty
from access.models.law import Rung
from access.models.requests import CheckPoint, Outcome, Status
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


def page(response) -> str:
    return response.content.decode()


def vote(access_request, outcome: str = "approve", **values) -> dict[str, object]:
    """What a decider sends about this version: every point answered with yes, a reason, and who they are."""
    points = {f"point_{point.lower()}": "yes" for point in [*CheckPoint.values, "PERSON_1"]}
    return {
        **points,
        "version": access_request.version,
        "outcome": outcome,
        "reason": "依据与用途相符。",
        "proof": "1",
        "password": factories.PASSWORD,
        **values,
    }


def version_on(response) -> str:
    """The version that the form of a page carries."""
    return re.search(r'name="version" value="(\d+)"', page(response))[1]


def decide_url(access_request) -> str:
    return reverse("access:decide", args=[access_request.pk])


def review_url(access_request) -> str:
    return reverse("access:review", args=[access_request.pk])


def test_the_review_shows_the_period_with_its_calculation_and_the_reading_taken(client, city):
    access_request = factories.submitted(city, by=city.judge, code="PSAPL-136-CASE", act_on=date(2026, 6, 10))
    client.force_login(city.supervisor)

    shown = page(client.get(review_url(access_request)))

    assert "penalties that took effect from 2025-06-10 to 2026-06-10" in shown
    assert "The case purpose reaches back 12 months from the new act of 2026-06-10" in shown
    assert "一年内曾因盗窃受过行政处罚的" in shown
    assert "stealing public, aviation, railway, transport or road facilities" in shown
    assert 'value="2025-06-10"' in shown  # the form to narrow it begins with the same day


def test_the_review_of_one_decision_names_it(client, city):
    purpose = CasePurpose.objects.get(code="REVIEW")
    decision = {"decision_number": "京公海行罚决字〔2026〕50316号", "decision_on": date(2026, 6, 10)}
    access_request = factories.submitted(
        city, by=city.judge, code="PSAPL-136-CASE", case_purpose=purpose, act_on=None, **decision
    )
    client.force_login(city.supervisor)

    shown = page(client.get(review_url(access_request)))

    assert "京公海行罚决字〔2026〕50316号" in shown and "2026-06-10" in shown


def test_the_review_stands_while_the_requester_corrects_what_its_period_is_counted_from(client, city):
    access_request = factories.submitted(city, by=city.judge, code="PSAPL-136-CASE", act_on=date(2026, 6, 10))
    factories.return_for_correction(access_request, by=city.supervisor, review=factories.review(DOCUMENTS=False))
    access_request.refresh_from_db()
    requests.save_draft(
        access_request,
        requests.read_particulars(access_request),
        by=city.judge,
        basis=access_request.basis,
        case_purpose=access_request.case_purpose,
        asked_rung=access_request.asked_rung,
        act_on=None,
        version=access_request.version,
    )
    client.force_login(city.supervisor)

    assert "This request does not wait for a decision" in page(client.get(review_url(access_request)))


# The queue


def test_the_queue_is_in_deadline_order_without_names(client, city, owner):
    late, later = factories.submitted(city, factories.person(name="欧阳不见")), factories.submitted(city)
    owner.execute("alter table access_accessrequest disable trigger user")
    owner.execute("update access_accessrequest set due_at = now() - interval '3 hours' where id = %s", [later.pk])
    client.force_login(city.supervisor)
    shown = page(client.get(reverse("access:queue")))

    assert shown.index(later.number) < shown.index(late.number)
    assert "3 hours overdue" in shown and "1 is overdue." in shown
    assert "欧阳不见" not in shown


def test_the_queue_is_for_deciders(client, city):
    client.force_login(city.requester)
    assert client.get(reverse("access:queue")).status_code == 403


def test_an_empty_queue_says_so(client, city):
    client.force_login(city.supervisor)
    assert "The queue is empty" in page(client.get(reverse("access:queue")))
    assert "No votes yet" in page(client.get(reverse("access:queue"), {"tab": "decided"}))


def test_the_queries_of_the_queue_do_not_grow_with_its_rows(client, city):
    client.force_login(city.supervisor)
    counts = []
    for rows in (3, 27):
        for _row in range(rows):
            factories.submitted(city)
        with CaptureQueriesContext(connection) as queries:
            shown = page(client.get(reverse("access:queue")))
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert "Page 1 of 2" in shown


def test_the_queries_of_what_was_decided_do_not_grow_with_its_rows(client, city):
    client.force_login(city.supervisor)
    counts = []
    for rows in (2, 8):
        for _row in range(rows):
            factories.request_at(Status.REFUSED, city)
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("access:queue"), {"tab": "decided"})
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_first_vote_shows_only_that_one_more_is_needed(client, city):
    access_request = factories.submitted(city, by=city.judge, code="PSAPL-136-CASE")
    client.force_login(city.supervisor2)
    assert "2 of 2" in page(client.get(reverse("access:queue")))
    factories.refuse(
        access_request, by=city.supervisor, version=access_request.version, review=factories.review("秘密的一票。")
    )

    shown = page(client.get(reverse("access:queue"))) + page(client.get(review_url(access_request)))

    assert "1 of 2" in shown
    assert "秘密的一票。" not in shown and city.supervisor.full_name not in shown


def test_what_was_decided_stands_in_its_own_tab(client, city):
    access_request = factories.request_at(Status.APPROVED, city)
    client.force_login(city.supervisor)
    assert access_request.number not in page(client.get(reverse("access:queue")))
    assert access_request.number in page(client.get(reverse("access:queue"), {"tab": "decided"}))


# The review


def test_the_review_shows_everything_to_weigh(client, city):
    subject = factories.person(name="欧阳不见")
    access_request = factories.submitted(city, subject)
    client.force_login(city.supervisor)
    shown = page(client.get(review_url(access_request)))

    for part in (
        "欧阳不见",
        access_request.basis.citation_en,
        access_request.basis.quote_zh,
        "拟聘用为保育员，依法查询。",
        "仅供园长作出是否聘用的决定。",
        reverse("access:request_letter", args=[access_request.pk]),
        "I have no interest of my own in this request",
        'data-key="a"',
    ):
        assert str(part) in shown
    assert "checked" not in shown[shown.index("Points to check") : shown.index("Narrower scope")]


def test_neighbours_lead_through_the_queue(client, city):
    first, second, third = (factories.submitted(city) for _row in range(3))
    client.force_login(city.supervisor)
    shown = page(client.get(review_url(second)))
    assert "2 of 3" in shown
    assert f'href="{review_url(first)}" rel="prev"' in shown
    assert f'href="{review_url(third)}" rel="next"' in shown


def test_a_request_of_another_city_or_a_draft_does_not_exist(client, city):
    stranger = factories.user_with(
        Duty.DECIDE_REQUESTS, organisation=factories.organisation("PUBLIC_SECURITY_BRANCH", region_code="440103")
    )
    access_request, draft = factories.submitted(city), factories.request_draft(city)
    client.force_login(stranger)
    assert client.get(review_url(access_request)).status_code == 404
    assert client.post(decide_url(access_request), vote(access_request)).status_code == 404
    client.force_login(city.supervisor)
    assert client.get(review_url(draft)).status_code == 404
    assert client.post(decide_url(draft), vote(draft)).status_code == 404


def test_ones_own_request_says_why_instead_of_buttons(client, city):
    both = factories.user_with(Duty.FILE_REQUESTS, Duty.DECIDE_REQUESTS, organisation=city.branch)
    access_request = factories.submitted(city, by=both, code="SCHOOLBUS-23")
    client.force_login(both)
    shown = page(client.get(review_url(access_request)))

    assert "You cannot decide your own request." in shown
    assert decide_url(access_request) not in shown
    assert client.post(decide_url(access_request), vote(access_request)).status_code == 403


def test_a_second_vote_from_the_same_unit_says_why_not(client, city):
    colleague = factories.user_with(Duty.DECIDE_REQUESTS, organisation=city.branch)
    access_request = factories.submitted(city, by=city.judge, code="PSAPL-136-CASE")
    factories.approve(
        access_request,
        by=city.supervisor,
        version=access_request.version,
        review=factories.review(),
        scope=factories.scope_for(access_request),
    )
    client.force_login(colleague)
    assert "the second approver must come from another unit" in page(client.get(review_url(access_request)))
    assert client.post(decide_url(access_request), vote(access_request)).status_code == 403
    client.force_login(city.supervisor)
    assert "You have voted; a second person decides." in page(client.get(review_url(access_request)))


# Deciding


def test_approving_as_asked_gives_what_was_asked(client, city):
    access_request = factories.submitted(city)
    client.force_login(city.supervisor)
    response = client.post(decide_url(access_request), vote(access_request), follow=True)

    assert response.redirect_chain[-1][0] == reverse("access:queue")
    assert f"{access_request.number} is approved" in page(response)
    grant = Grant.objects.get(access_request=access_request)
    assert (grant.rung, grant.openings) == (Rung.PRESENCE, access_request.basis.grant_openings)


def test_approving_narrower_gives_less(client, city):
    access_request = factories.submitted(city, by=city.judge, code="PSAPL-136-CASE")
    window = timezone.localdate() - timedelta(days=30)
    narrower = vote(
        access_request, "narrower", rung="ABSTRACT", hours="24", openings="1", window_from=window.isoformat()
    )
    for decider in (city.supervisor, city.supervisor2):
        client.force_login(decider)
        client.post(decide_url(access_request), narrower)

    grant = Grant.objects.get(access_request=access_request)
    assert (grant.rung, grant.openings, grant.window_from) == (Rung.ABSTRACT, 1, window)
    assert grant.ends_at - grant.starts_at == timedelta(hours=24)


def test_a_period_that_begins_after_the_new_act_is_refused_at_the_field_before_anybody_proves_who_they_are(
    client, city
):
    act = timezone.localdate() - timedelta(days=100)
    access_request = factories.submitted(city, by=city.judge, code="PSAPL-136-CASE", act_on=act)
    client.force_login(city.supervisor)
    late = (act + timedelta(days=1)).isoformat()
    response = client.post(decide_url(access_request), vote(access_request, "narrower", window_from=late))

    assert "The period may not begin after the new act of" in page(response)
    assert not Decision.objects.exists()


@pytest.mark.parametrize(("outcome", "status"), [("refuse", Status.REFUSED), ("return", Status.RETURNED)])
def test_refusing_and_returning_give_nothing_and_keep_the_reason(client, city, outcome, status):
    access_request = factories.submitted(city)
    client.force_login(city.supervisor)
    client.post(decide_url(access_request), vote(access_request, outcome, reason="公函缺章。", point_documents="no"))

    access_request.refresh_from_db()
    assert access_request.status == status
    client.force_login(city.requester)
    assert "公函缺章。" in page(client.get(reverse("access:request", args=[access_request.pk])))


def test_a_usual_sentence_is_a_reason(client, city):
    access_request = factories.submitted(city)
    phrase = "The legal basis does not cover this purpose."
    client.force_login(city.supervisor)
    client.post(decide_url(access_request), vote(access_request, "refuse", phrase=phrase, reason=""))
    access_request.refresh_from_db()
    ((_vote, reason),) = decisions.visible_decisions(access_request, to=city.supervisor)
    assert reason == phrase


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"reason": ""}, "Give the reason for your decision."),
        ({"reason": "a\0b"}, "The text holds a NUL character"),
        ({"outcome": ""}, "Choose a decision."),
        ({"outcome": "all"}, "cannot be chosen here"),
        ({"point_scope": ""}, "Answer this point with yes or no."),
        ({"point_interest": "no"}, "A point of the checklist is answered with no"),
        ({"hours": "1"}, "The scope below was narrowed"),
        ({"outcome": "narrower"}, "Nothing below is narrower than what was asked"),
        ({"outcome": "narrower", "hours": "73"}, "The most that can be entered is 72"),
        ({"outcome": "narrower", "openings": "0"}, "The least that can be entered is 1"),
        ({"outcome": "narrower", "rung": "FULL"}, "cannot be chosen here"),
    ],
)
def test_a_vote_that_cannot_be_taken_changes_nothing_and_keeps_what_was_typed(client, city, wrong, sentence):
    access_request = factories.submitted(city)
    client.force_login(city.supervisor)
    values = {"reason": "这句理由要留下。", **wrong}
    response = client.post(decide_url(access_request), vote(access_request, **values))

    assert response.status_code == 200
    assert sentence in page(response)
    assert "error-summary" in page(response)
    if "reason" not in wrong:
        assert "这句理由要留下。" in page(response)
    assert not Decision.objects.exists()


def test_a_vote_after_somebody_elses_changes_nothing_and_keeps_what_was_typed(client, city):
    access_request = factories.submitted(city)
    sent = vote(access_request, reason="这句理由要留下。")
    factories.refuse(access_request, by=city.supervisor2, version=access_request.version, review=factories.review())
    client.force_login(city.supervisor)
    response = client.post(decide_url(access_request), sent)

    assert "This request has moved on" in page(response)
    assert "这句理由要留下。" in page(response)
    assert Decision.objects.count() == 1


def resubmitted(city, access_request, **changes):
    """The request as it stands after it came back, was corrected by its writer and was sent again."""
    returned = factories.return_for_correction(
        access_request, by=city.supervisor2, version=access_request.version, review=factories.review("请更正。")
    )
    particulars = replace(requests.read_particulars(returned), **changes)
    edited = requests.save_draft(
        returned,
        particulars,
        version=returned.version,
        by=city.requester,
        basis=returned.basis,
        asked_rung=returned.asked_rung,
    )
    return requests.submit(edited, by=city.requester, version=edited.version)


@pytest.mark.parametrize("outcome", ["approve", "refuse", "return"])
def test_a_vote_from_the_page_of_another_person_is_refused_and_shown_with_who_it_is_now(client, city, outcome):
    """The findings' attack: the page showed one person while the vote would have landed on another."""
    seen, swapped = factories.person("欧阳看见"), factories.person("司马换来")
    access_request = factories.submitted(city, seen)
    client.force_login(city.supervisor)
    shown = client.get(review_url(access_request))
    assert "欧阳看见" in page(shown)
    sent = {**vote(access_request, outcome, reason="这句理由要留下。"), "version": version_on(shown)}
    now = resubmitted(city, access_request, people=[swapped])

    response = client.post(decide_url(access_request), sent)

    assert response.status_code == 200
    assert "has changed since you opened it" in page(response)
    assert "司马换来" in page(response) and "欧阳看见" not in page(response)
    # What was typed stays; what was ticked was ticked about something else.
    assert "这句理由要留下。" in page(response)
    points = re.findall(r'<input[^>]*name="point_[^>]*>', page(response))
    assert len(points) == 2 * len([*CheckPoint.values, "PERSON_1"]) and not [tag for tag in points if " checked" in tag]
    assert now.decisions.filter(round=now.round).count() == 0 and not Grant.objects.exists()
    # The page that comes back carries the version that it shows, and the checklist has to be answered again.
    assert int(version_on(response)) == now.version
    again = {**sent, "version": version_on(response)}
    assert client.post(decide_url(access_request), again, follow=True).status_code == 200
    assert now.decisions.get(round=now.round).decider == city.supervisor


def test_a_vote_from_a_page_that_showed_another_letter_is_refused(client, city):
    access_request = factories.submitted(city)
    client.force_login(city.supervisor)
    version = version_on(client.get(review_url(access_request)))
    returned = factories.return_for_correction(
        access_request, by=city.supervisor2, version=access_request.version, review=factories.review("公函缺章。")
    )
    before = returned.version
    requests.attach_letter(
        returned,
        version=returned.version,
        by=city.requester,
        name="二.pdf",
        media_type="application/pdf",
        content=b"%PDF-1.4 2",
    )
    returned.refresh_from_db()
    assert returned.version == before + 1
    # Whoever checked the request with the old letter does not submit it with the new one either.
    browser = Client()
    browser.cookies["django_language"] = "en"
    browser.force_login(city.requester)
    stale = browser.post(
        reverse("access:request_submit", args=[returned.pk]), {"version": before, "declared": "on"}, follow=True
    )
    assert "Read it again before you submit it" in page(stale)
    requests.submit(returned, by=city.requester, version=returned.version)

    response = client.post(decide_url(access_request), {**vote(access_request), "version": version})

    assert "has changed since you opened it" in page(response)
    assert not Decision.objects.filter(round=2).exists()


@pytest.mark.parametrize("version", [None, "", "x", "0", "-1", "99999", "9" * 30, "1.5"])
def test_a_vote_without_the_version_of_its_page_counts_for_nothing(client, city, version):
    access_request = factories.submitted(city)
    client.force_login(city.supervisor)
    sent = {**vote(access_request, reason="这句理由要留下。"), "version": version}
    if version is None:
        del sent["version"]

    response = client.post(decide_url(access_request), sent)

    assert response.status_code == 200
    assert "这句理由要留下。" in page(response)
    assert not Decision.objects.exists()


def test_voting_twice_is_one_vote(client, city):
    access_request = factories.submitted(city, by=city.judge, code="PSAPL-136-CASE")
    client.force_login(city.supervisor)
    assert client.post(decide_url(access_request), vote(access_request)).status_code == 302
    assert client.post(decide_url(access_request), vote(access_request)).status_code == 403
    assert Decision.objects.get().outcome == Outcome.APPROVE


def test_a_lapsed_agreement_stops_deciding(client, city):
    access_request = factories.submitted(city)
    administrator = factories.administrator_of(city.kindergarten)
    people.change_agreement(city.kindergarten, by=administrator, ends_on=timezone.localdate() - timedelta(days=1))
    client.force_login(city.supervisor)
    assert "The agreement with the requesting unit has ended" in page(
        client.post(decide_url(access_request), vote(access_request))
    )


# Revoking


def test_revoking_ends_a_grant_at_once(client, city):
    grant = factories.approved(city)
    client.force_login(city.supervisor)
    url = reverse("access:grant_revoke", args=[grant.pk])
    assert url in page(client.get(reverse("access:request", args=[grant.access_request_id])))
    response = client.post(url, {"revoke-reason": "单位已撤回。"}, follow=True)

    assert Grant.objects.get(pk=grant.pk).revocation.by_id == city.supervisor.pk
    assert "The permission is revoked" in page(response)
    assert "already revoked" in page(client.post(url, {"revoke-reason": "再一次。"}, follow=True))


def test_revoking_needs_a_reason_and_a_decider(client, city):
    grant = factories.approved(city)
    url = reverse("access:grant_revoke", args=[grant.pk])
    client.force_login(city.supervisor)
    assert "Give the reason for your decision." in page(client.post(url, {"revoke-reason": " "}))
    client.force_login(city.requester)
    assert client.post(url, {"revoke-reason": "不行。"}).status_code == 403
    client.force_login(city.hr)
    assert client.post(url, {"revoke-reason": "不行。"}).status_code == 404
    assert Grant.objects.get(pk=grant.pk).revocation is None


# The frame


def test_the_navigation_shows_the_pages_of_ones_duties_with_what_waits(city, django_assert_num_queries):
    factories.submitted(city)
    factories.request_at(Status.RETURNED, city)
    frame.read(city.supervisor.pk)  # as signing in does
    with django_assert_num_queries(1):
        deciding = {item.url_name: item.badge for item in shell.navigation(frame.of(city.supervisor))}
    filing = {item.url_name: item.badge for item in shell.navigation(frame.of(city.requester))}
    assert deciding == {"access:queue": 1}
    assert filing == {"access:requests": 1}


@pytest.mark.parametrize(
    ("due_at", "tone", "label"),
    [
        ("2026-11-24T08:30", "seal", "2 hours overdue"),
        ("2026-11-22T10:29", "seal", "2 days overdue"),
        ("2026-11-24T10:29:30", "seal", "just overdue"),
        ("2026-11-24T15:45", "amber", "5 hours left"),
        ("2026-11-24T10:50", "amber", "20 minutes left"),
        ("2026-11-27T17:30", "green", "3 working days left"),
        ("2026-11-30T17:30", "green", "4 working days left"),
    ],
)
def test_a_deadline_is_told_in_working_days_hours_or_as_overdue(due_at, tone, label):
    moment = timezone.datetime.fromisoformat
    now = moment("2026-11-24T10:30").replace(tzinfo=calendar.ZONE)
    told = shell.due(moment(due_at).replace(tzinfo=calendar.ZONE), now)
    assert (told.tone, told.label) == (tone, label)


# When the law changes while a request waits --------------------------------------------------------------------------


def test_a_request_under_an_older_version_is_returned_and_its_form_is_written_under_the_newer_one(client, city, enact):
    waiting = factories.submitted(city, by=city.judge, code="PSAPL-136-CASE", asked_rung="ABSTRACT")
    newer = enact(factories.version_of(waiting.case_purpose, 2, window_months=6))
    client.force_login(city.supervisor)
    assert "A newer version of “Theft: threshold halved”" in page(client.get(review_url(waiting)))

    # Nobody is asked who they are for a vote that cannot be cast.
    refused = page(client.post(decide_url(waiting), vote(waiting)))
    assert "it is returned, and whoever wrote it" in refused and "Password" not in refused
    assert not Decision.objects.exists()
    client.post(decide_url(waiting), vote(waiting, "return"))
    waiting.refresh_from_db()
    assert waiting.status == Status.RETURNED

    client.force_login(city.judge)
    check = page(client.get(reverse("access:request_check", args=[waiting.pk])))
    assert "A newer version of" in check and "Submit the request" not in check
    form = page(client.get(reverse("access:request_edit", args=[waiting.pk])))
    assert "reaches back 6 months" in form
    saved = client.post(
        reverse("access:request_edit", args=[waiting.pk]),
        {
            **{f"{name}_1": value for name, value in vars(requests.read_particulars(waiting).people[0]).items()},
            "rows": "1",
            "version": waiting.version,
            "case_purpose": waiting.case_purpose.code,
            "case_number": "（2026）沪0101刑初123号",
            "act_on": str(waiting.act_on),
            "asked_rung": "ABSTRACT",
            "reason": "理由。",
            "scope_of_use": "用途。",
            "action": "continue",
        },
    )
    assert saved.status_code == 302
    waiting.refresh_from_db()
    assert waiting.case_purpose == newer
