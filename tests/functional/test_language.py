"""The language button in a real browser: what is being typed goes along, on a page that was looked at and on an answer."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests import factories

pytestmark = pytest.mark.browser
TYPED = "拟聘用为保育员，需要核实。"


@pytest.mark.parametrize("is_sent", [False, True], ids=["looked at", "answered with errors"])
def test_what_is_being_typed_stands_in_the_form_in_the_other_language(site, visit, city, language, is_sent):
    page = visit(site, language=language, user=city.requester)
    page.goto(f"{site.url}/requests/new/PRESCHOOL-44/")
    page.locator("[name=name_1]").fill("欧阳测试")
    if is_sent:
        page.locator("button[name=action][value=continue]").click()
        page.wait_for_load_state()
    page.locator("[name=reason]").fill(TYPED)

    page.locator("form[data-language] button").click()

    other = "zh-hans" if language == "en" else "en"
    expect(page.locator("html")).to_have_attribute("lang", other)
    expect(page.locator("[name=reason]")).to_have_value(TYPED)
    expect(page.locator("[name=name_1]")).to_have_value("欧阳测试")
    # Nothing of it is in the address, and it is not lost without a warning afterwards either.
    assert page.url.endswith("/requests/new/PRESCHOOL-44/")
    page.locator("form[data-language] button").click()
    expect(page.locator("html")).to_have_attribute("lang", language.lower())
    expect(page.locator("[name=reason]")).to_have_value(TYPED)


def test_the_reason_of_a_vote_goes_along_too(site, visit, city, language):
    request = factories.submitted(city)
    page = visit(site, language=language, user=city.supervisor)
    page.goto(f"{site.url}/queue/{request.pk}/")
    page.locator("[name=outcome][value=refuse]").check()
    page.locator("[name=reason]").fill(TYPED)

    page.locator("form[data-language] button").click()

    expect(page.locator("html")).to_have_attribute("lang", "zh-hans" if language == "en" else "en")
    expect(page.locator("[name=reason]")).to_have_value(TYPED)
    expect(page.locator("[name=outcome][value=refuse]")).to_be_checked()
