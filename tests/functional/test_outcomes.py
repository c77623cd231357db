"""What a decision looks like to both sides: in part, revoked, refused by one of two; nothing on the screens is half true."""

from __future__ import annotations

import pytest
from django.utils import translation
from playwright.sync_api import Page, expect

from access import reading, scope
from access.models import AccessRequest, Grant
from access.models.requests import Status
from tests import factories
from tests.browsing import Site, Visit, clicking, words

pytestmark = [pytest.mark.browser, pytest.mark.django_db]


def case(city: factories.City) -> AccessRequest:
    return factories.submitted(city, by=city.judge, code="PSAPL-136-CASE")


def vote(page: Page, site: Site, access_request: AccessRequest, outcome: str, reason: str, **narrower: str) -> None:
    """Answer the checklist, decide, and prove who decides."""
    page.goto(site.at("access:review", access_request.pk))
    for point in page.locator("input[name^=point_][value=yes]").all():
        point.check()
    page.check(f"[name=outcome][value={outcome}]")
    for name, value in narrower.items():
        field = page.locator(f"[name={name}]")
        field.select_option(value) if name == "rung" else field.fill(value)
    page.fill("[name=reason]", reason)
    clicking(page, "main .action-bar button.primary")
    page.fill("[name=password]", factories.PASSWORD)
    clicking(page, "main button.primary")


def test_two_votes_of_which_one_narrows(city, language: str, site: Site, visit: Visit):
    access_request = case(city)

    # The branch gives what was asked. Its page then says whose turn it is, and offers no review that would be refused.
    first = visit(site, user=city.supervisor, language=language)
    vote(first, site, access_request, "approve", "同意。")
    first.goto(site.at("access:request", access_request.pk))
    expect(first.locator("main .notice-blue")).to_have_text(words(language, "You have voted; a second person decides."))
    expect(first.locator(f"main a[href='/queue/{access_request.pk}/']")).to_have_count(0)

    # The bureau gives less, and confirms it in the words in which it will be given.
    second = visit(site, user=city.supervisor2, language=language)
    vote(second, site, access_request, "narrower", "只需摘要。", rung="ABSTRACT", hours="5")
    grant = Grant.objects.get()
    with translation.override(language):
        given = scope.of_grant(grant).sentences
        narrowed = scope.narrowings(grant)

    # Who asked reads that it is less, on the list and inside, with what was asked beside what was given.
    page = visit(site, user=city.judge, language=language)
    in_part = words(language, "Approved in part")
    page.goto(site.at("access:requests") + "?tab=decided")
    expect(page.locator("tbody .tag")).to_have_text(in_part)
    page.goto(site.at("access:request", access_request.pk))
    expect(page.locator(".identity .tag")).to_have_text(in_part)
    decision = page.locator("section[aria-labelledby=decision-title]")
    for one in narrowed:
        expect(decision).to_contain_text(f"{one.what}: {one.asked} → {one.given}")
    clicking(page, "main .actions a.button.primary")
    for sentence in given:
        expect(page.locator("main")).to_contain_text(sentence)
    expect(page.locator("main .tag", has_text=in_part)).to_be_visible()
    expect(page.locator("main")).not_to_contain_text(city.supervisor2.full_name)


def test_a_permission_that_is_revoked(city, language: str, site: Site, visit: Visit):
    grant = factories.approved(city)
    supervisor = visit(site, user=city.supervisor, language=language)
    supervisor.goto(site.at("access:request", grant.access_request_id))
    supervisor.locator(".action-bar .button.danger, .action-bar button.danger").first.click()
    supervisor.fill("[name=revoke-reason]", "事由已消失。")
    clicking(supervisor, supervisor.locator(f"form[action$='/{grant.pk}/revoke/'] button.danger"))
    with translation.override(language):
        said = reading.revocation_of(Grant.objects.get()).sentence
    expect(supervisor.locator("main")).to_contain_text(said)

    page = visit(site, user=city.requester, language=language)
    revoked = words(language, "Revoked")
    for name, query in (("access:requests", "?tab=decided"), ("records:answers", "")):
        page.goto(site.at(name) + query)
        expect(page.locator("tbody .tag")).to_have_text(revoked)
        expect(page.locator("tbody")).to_contain_text(said.rstrip(".。"))
    page.goto(site.at("access:request", grant.access_request_id))
    expect(page.locator(".identity .tag")).to_have_text(revoked)
    expect(page.locator("main .notice-seal")).to_contain_text("事由已消失。")
    expect(page.locator("main .tag-green, main a.button.primary")).to_have_count(0)
    page.goto(site.at("records:grant", grant.pk))
    expect(page.locator("h1")).to_contain_text(words(language, "This permission was revoked"))
    expect(page.locator("main")).to_contain_text(said)
    expect(page.locator("main")).to_contain_text("事由已消失。")


def test_a_refusal_by_one_of_two(city, language: str, site: Site, visit: Visit):
    access_request = case(city)
    vote(visit(site, user=city.supervisor, language=language), site, access_request, "approve", "第一票：可以。")
    second = visit(site, user=city.supervisor2, language=language)
    second.goto(site.at("access:request", access_request.pk))
    expect(second.locator("main")).not_to_contain_text("第一票")
    vote(second, site, access_request, "refuse", "范围过宽。")

    # One decision of the organ: its reason and what can be done, and nothing of who voted how.
    access_request = AccessRequest.objects.get()
    page = visit(site, user=city.judge, language=language)
    page.goto(site.at("access:request", access_request.pk))
    main = page.locator("main")
    with translation.override(language):
        remedy = reading.remedy_of(access_request)
    for text in (str(city.branch) if language != "en" else city.branch.name_en, "范围过宽。", remedy):
        expect(main).to_contain_text(text)
    for hidden in ("第一票", city.supervisor.full_name, city.supervisor2.full_name, words(language, "Approved")):
        expect(main).not_to_contain_text(hidden)

    # Those who decide go on reading both votes.
    second.goto(site.at("access:request", access_request.pk))
    expect(second.locator("main")).to_contain_text("第一票：可以。")
    expect(second.locator("main")).to_contain_text(city.supervisor.full_name)


def test_the_reason_of_a_return_is_the_first_thing_to_read(city, language: str, site: Site, visit: Visit):
    access_request = factories.request_at(Status.RETURNED, city)
    page = visit(site, user=city.requester, language=language)
    page.goto(site.at("access:request", access_request.pk))
    reason = page.locator("main .notice", has_text=words(language, "The request came back to you"))
    expect(reason).to_contain_text("公函缺章。")
    facts = page.locator("section[aria-labelledby=facts-title]").bounding_box()
    assert reason.bounding_box()["y"] < facts["y"]
