"""An answer that stands open on a screen: gone at once when it is revoked, when nobody answers, when its time is over."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from access.actions import decisions, people
from access.models import Grant
from audit.models import Event
from tests import factories
from tests.browsing import Site, Visit, clicking, words
from tests.tampering import tamper

pytestmark = [pytest.mark.browser, pytest.mark.django_db]


def opened(city: factories.City, site: Site, visit: Visit, language: str) -> tuple[Grant, Page]:
    """Go the whole way to an open answer; its page asks four times a second instead of every five seconds."""
    grant = factories.approved(city)
    page = visit(site, user=city.requester, language=language)
    page.add_init_script(
        "const later = setTimeout; window.setTimeout = (act, time) => later(act, time === 5000 ? 250 : time);"
    )
    page.goto(site.at("records:grant", grant.pk))
    page.fill("[name=signed_name]", city.requester.full_name)
    clicking(page, "main form button.primary")
    page.goto(site.at("records:open", grant.pk, factories.subject_of(grant).pk))
    clicking(page, ".interruption .button")
    page.fill("[name=password]", factories.PASSWORD)
    clicking(page, "main button.primary")
    clicking(page, ".interruption button")
    expect(page.locator("[data-sealed]")).to_contain_text(words(language, "There is nothing to show."))
    return grant, page


def test_revoked_while_it_is_open_it_is_gone_at_once(city, language: str, site: Site, visit: Visit):
    grant, page = opened(city, site, visit, language)
    decisions.revoke(grant, by=city.supervisor, reason="不再需要。")

    page.wait_for_url(f"**/answers/{grant.pk}/?viewing=over")
    expect(page.locator("[data-sealed]")).to_have_count(0)


def test_whoever_is_shut_out_sees_it_no_longer(city, language: str, site: Site, visit: Visit):
    _grant, page = opened(city, site, visit, language)
    people.disable_user(city.requester, by=factories.administrator_of(city.kindergarten))

    page.wait_for_url("**/accounts/login/**")
    expect(page.locator("[data-sealed]")).to_have_count(0)


def test_when_nobody_answers_nothing_is_shown_and_it_says_why(city, language: str, site: Site, visit: Visit):
    _grant, page = opened(city, site, visit, language)
    page.route("**/standing/**", lambda route: route.abort())

    expect(page.locator("[data-sealed] [role=alert]")).to_have_text(
        words(
            language,
            "The connection is lost, so the answer is not shown any more. Open it again when the connection is back.",
        )
    )
    expect(page.locator("[data-sealed]")).not_to_contain_text(words(language, "There is nothing to show."))


def test_who_needs_more_time_is_warned_and_takes_it_with_one_key(city, language: str, site: Site, visit: Visit, owner):
    grant, page = opened(city, site, visit, language)
    tamper(
        owner,
        "update access_opening set viewable_until = clock_timestamp() + interval '115 seconds'",
        tables=("access_opening",),
    )
    page.reload()  # the same opening, with the time that is left of it
    more = page.get_by_role("button", name=words(language, "Five more minutes"))
    expect(page.locator(".time-left [role=status]")).to_contain_text(words(language, "Two minutes are left."))
    expect(page.locator("[role=timer]")).to_contain_text("01:")
    more.press("Enter")

    expect(page.locator("[role=timer]")).to_contain_text("06:")
    expect(more).to_be_hidden()
    expect(page.locator("[data-sealed]")).to_contain_text(words(language, "There is nothing to show."))
    assert Event.objects.filter(kind="ANSWER_EXTENDED", target_id=str(grant.pk)).count() == 1
