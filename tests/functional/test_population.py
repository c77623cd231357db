"""A clerk mistypes a name: told beside the person, corrected, approved, and the answer shows whom it is about in full."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from access.actions.requests import Person
from access.identifiers import DocumentType
from access.models import AccessRequest, Grant, UndertakingText
from access.models.requests import Status
from tests import factories, residents
from tests.browsing import Site, Visit, clicking, words

pytestmark = [pytest.mark.browser, pytest.mark.django_db]

RIGHT = factories.person("宋知远", factories.id_number())
FOREIGN = Person("Marta Oliveira", DocumentType.PASSPORT.value, "ZX0341402")


@pytest.mark.parametrize("width", [1280, 360])
def test_a_name_that_does_not_belong_to_its_number(city, language, site: Site, visit: Visit, settings, width):
    settings.POPULATION_REGISTER = residents.PATH
    residents.live(RIGHT)
    factories.sealed(city, RIGHT)
    draft = factories.request_draft(city, FOREIGN, factories.person("宋知圆", RIGHT.number))

    # The page before submitting says who will be asked; then it says beside whom the name is another one.
    page = visit(site, user=city.requester, language=language, width=width)
    page.goto(site.at("access:request_check", draft.pk))
    asked = "When you submit it, the population register is asked whether each name and number belong together. It tells nothing of records, and the question is recorded."
    expect(page.locator("main")).to_contain_text(words(language, asked))
    page.check("[name=declared]")
    clicking(page, "form[action$='/submit/'] button.primary")
    told = "In the population register another name belongs to a number below; the people are marked. Compare name and number with the document and correct what was mistyped. If the document says what you typed, confirm that below."
    expect(page.locator(".error-summary")).to_contain_text(words(language, told))
    marked = page.locator("tbody tr", has_text=words(language, "Another name in the population register"))
    expect(marked).to_have_count(1)
    expect(marked).to_contain_text("宋知圆")
    expect(page.locator("[name=declared]")).to_be_checked()
    expect(page.locator("[name=insists]")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width

    # The link leads to the field; what was typed is still there.
    clicking(page, marked.locator("a"))
    expect(page.locator("[name=name_2]")).to_have_value("宋知圆")
    page.fill("[name=name_2]", "宋知远")
    clicking(page, ".action-bar button.primary")
    page.check("[name=declared]")
    clicking(page, "form[action$='/submit/'] button.primary")
    access_request = AccessRequest.objects.get(pk=draft.pk)
    assert access_request.status == Status.SUBMITTED

    # Who decides compares the one whom the register does not know, and nobody else.
    decider = visit(site, user=city.supervisor, language=language, width=width)
    decider.goto(site.at("access:review", access_request.pk))
    expect(decider.locator("main")).to_contain_text(words(language, "Belong together, by the population register"))
    expect(decider.locator("main")).to_contain_text(words(language, "Not in the population register"))
    point = words(language, "Name and number of %(name)s belong together, as the document shows")
    expect(decider.locator("#id_point_person_1")).to_contain_text(point % {"name": FOREIGN.name})
    expect(decider.locator("[name=point_person_2]")).to_have_count(0)
    assert decider.evaluate("document.documentElement.scrollWidth") <= width
    for yes in decider.locator("input[name^=point_][value=yes]").all():
        yes.check()
    decider.check("[name=outcome][value=approve]")
    decider.fill("[name=reason]", "同意。")
    clicking(decider, "main .action-bar button.primary")
    decider.fill("[name=password]", factories.PASSWORD)
    clicking(decider, "main button.primary")

    # A passport says no birth date, so its holder may be a minor, and a second unit decides too.
    access_request = AccessRequest.objects.get(pk=draft.pk)
    second = {"review": factories.review(), "scope": factories.scope_for(access_request)}
    factories.approve(access_request, by=city.supervisor2, version=access_request.version, **second)

    # The answer shows name and number in full, as they were asked, and how they were matched.
    grant = Grant.objects.get()
    factories.opening.sign_undertaking(
        grant,
        by=city.requester,
        signed_name=city.requester.full_name,
        text=UndertakingText.objects.to_sign(city.requester),
    )
    for position, person in ((1, FOREIGN), (2, RIGHT)):
        page.goto(site.at("records:open", grant.pk, factories.subject_of(grant, position).pk))
        if position == 1:  # the confirmation is for the whole grant
            clicking(page, ".interruption .button")
            page.fill("[name=password]", factories.PASSWORD)
            clicking(page, "main button.primary")
        clicking(page, ".interruption button")
        answer = page.locator("[data-sealed]")
        number = person.number if position == 1 else f"{person.number[:6]} {person.number[6:14]} {person.number[14:]}"
        for said in (person.name, number):
            expect(answer).to_contain_text(said)
        matched = "The number of the document alone: a former or misspelt name hides nothing."
        expect(answer).to_contain_text(words(language, matched))
        nothing = "Compare name and number below with the document: this answer is about this number and no other."
        expect(answer.get_by_text(words(language, nothing))).to_have_count(1 if position == 1 else 0)
        by = "Belong together, by the document, which the deciding organ saw"
        register = "Belong together, by the population register"
        expect(answer).to_contain_text(words(language, by if position == 1 else register))
