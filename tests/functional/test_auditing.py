"""The auditor at work: one request followed by its number, and an alarm that stays red until it is closed."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from access.actions import decisions
from audit import alarms, verification
from tests import factories, signing
from tests.browsing import Site, Visit, clicking, words
from tests.tampering import tamper

pytestmark = [pytest.mark.browser, pytest.mark.django_db]
TOO_WIDE = "document.scrollingElement.scrollWidth > document.scrollingElement.clientWidth"


def test_the_auditor_follows_one_request_by_its_number(city, language: str, site: Site, visit: Visit):
    factories.approved(city)  # another one, which stays out
    grant = factories.ready(factories.approved(city))
    factories.counted(grant)
    decisions.revoke(grant, by=city.supervisor, reason="不再需要。")
    number = grant.access_request.number

    # Whatever was copied from a paper is typed into the one box.
    page = visit(site, user=city.auditor, language=language)
    page.goto(site.at("audit:events"))
    page.fill("[name=q]", f" {number.lower()} ")
    clicking(page, "main form .primary")
    rows = page.locator("main tbody tr")
    # Who asked and who decided each proved who they are for it.
    expect(rows).to_have_count(11)
    for row in rows.all():
        expect(row).to_contain_text(number)
    unit = city.kindergarten.name_en if language == "en" else city.kindergarten.name
    expect(
        rows.filter(
            has_text=words(
                language, "Opening %(place)s of %(granted)s, person %(person)s", place=1, granted=3, person=1
            )
        )
    ).to_contain_text(unit)
    expect(page.locator("main")).not_to_contain_text(city.kindergarten.code)

    # Filters combine with it, stand there as chips, and go one by one.
    page.click("main details summary")
    page.select_option("[name=kind]", "OPENING")
    clicking(page, "main details button")
    expect(rows).to_have_count(1)
    expect(page.locator(".chips li")).to_have_count(3)
    clicking(page, page.locator(".chips a").nth(1))
    # Who asked and who decided each proved who they are for it.
    expect(rows).to_have_count(11)
    page.set_viewport_size({"width": 360, "height": 800})
    assert not page.evaluate(TOO_WIDE)

    # The same list is taken home, and the trail says by whom.
    with page.expect_download() as taken:
        page.click("main form[method=post] button")
    assert taken.value.suggested_filename.endswith(".csv")
    page.goto(site.at("audit:events"))
    expect(rows.first).to_contain_text(words(language, "%(who)s saved events as a table.", who="").strip())

    # The id of the grant, from wherever, is the same request.
    page.fill("[name=q]", str(grant.pk))
    clicking(page, "main form .primary")
    # Who asked and who decided each proved who they are for it.
    expect(rows).to_have_count(11)


def test_an_alarm_is_red_until_somebody_closes_it(city, language: str, site: Site, visit: Visit, signer, owner):
    signing.sign()
    signing.confirm()
    tamper(owner, "UPDATE audit_event SET canonical = canonical || ' ' WHERE kind = 'CATALOGUE_LOADED'")
    assert not verification.verify_and_record(by=None).holds

    # Both desks say what is the matter and what to do.
    auditor = visit(site, user=city.auditor, language=language)
    page = visit(site, user=city.security_admin, language=language, width=360)
    for desk in (auditor, page):
        desk.goto(site.at("desk"))
        expect(desk.locator(".stat-seal").first).to_contain_text("1")
        expect(desk.locator(".notice-seal").first).to_contain_text(
            words(
                language,
                "Keep the database as it is, export the log, tell the oversight body, and find out who had access.",
            )
        )

    # The security administrator closes it with what was found.
    clicking(page, ".stat-seal[href*=alarms]")
    assert not page.evaluate(TOO_WIDE)
    clicking(page, ".notice-seal a.button")
    page.fill("[name=finding]", "目录加载事件被改动，已取证并上报。")
    clicking(page, "main form button.primary")
    expect(page.locator("main")).to_contain_text("目录加载事件被改动，已取证并上报。")
    expect(page.locator("main")).to_contain_text(words(language, "None is open"))

    # Nothing is red any more, for as long as it does not happen again.
    auditor.reload()
    expect(auditor.locator(".stat-green[href*=alarms]")).to_contain_text("0")
    verification.verify_and_record(by=None)
    assert len(alarms.open_alarms()) == 1
    auditor.reload()
    expect(auditor.locator(".stat-seal[href*=alarms]")).to_contain_text("1")
