"""A session ends, as it does at a shared desk: with a warning, with what was typed, and never for somebody else."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from access.actions import requests
from access.models import AccessRequest, Decision, IdentityConfirmation, Session
from tests import factories
from tests.browsing import Site, Visit, clicking, words

pytestmark = [pytest.mark.browser, pytest.mark.django_db]
TYPED = "拟聘用为保育员：只有我写的理由"


def sign_in(page: Page, site: Site, username: str) -> None:
    page.goto(site.at("account_login"))
    page.fill("[name=login]", username)
    page.fill("[name=password]", factories.PASSWORD)
    clicking(page, "main button.primary")


def sign_out(page: Page) -> None:
    clicking(page, ".top-end form:last-child button")


def test_a_lost_session_with_somebody_else_signing_in(language: str, site: Site, visit: Visit):
    city = factories.City()
    factories.user_with(factories.Duty.FILE_REQUESTS, organisation=city.kindergarten, username="colleague")
    page = visit(site, language=language)
    sign_in(page, site, "kindergarten")
    page.goto(site.at("access:request_begin", "PRESCHOOL-44"))
    page.fill("[name=reason]", TYPED)
    factories.end_sessions()

    # The form is sent after the session has ended: nothing is saved, and nothing is lost.
    clicking(page, "[data-save]")
    expect(page.locator("h1")).to_have_text(words(language, "Not sent yet"))
    assert TYPED not in page.content()

    # A colleague signs in in the tab that was offered, and presses Continue in the other one.
    with page.expect_popup() as opened:
        page.click("main a[target=_blank]")
    other = opened.value
    sign_in(other, site, "colleague")
    for _again in range(2):
        page.bring_to_front()
        clicking(page, "main button.primary")
        foreign = words(
            language,
            "Somebody else typed this, so it was neither saved nor shown. It waits in this page until they have signed in again.",
        )
        expect(page.locator("main")).to_contain_text(foreign)
        assert TYPED not in page.content()
    assert not AccessRequest.objects.exists()

    # Whoever typed it signs in again, and goes on.
    other.bring_to_front()
    sign_out(other)
    sign_in(other, site, "kindergarten")
    page.bring_to_front()
    clicking(page, "main button.primary")
    if page.locator("[name=kept]").count():  # the token of the page went stale with the sign-in
        clicking(page, "main button.primary")
    saved = AccessRequest.objects.get()
    assert saved.requester == city.requester
    assert requests.read_particulars(saved).reason == TYPED


def test_the_warning_and_staying(language: str, site: Site, visit: Visit, settings: Any):
    city = factories.City()
    settings.SESSION_IDLE_SECONDS, settings.SESSION_WARNING_SECONDS = 30, 27
    page = visit(site, language=language)
    sign_in(page, site, "officer")
    page.goto(site.at("records:new"))
    page.fill("[name=facts]", TYPED)
    dialog = page.locator("#session")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text(words(language, "Your session ends soon"))
    settings.SESSION_IDLE_SECONDS = 900
    # Whoever looks at the keyboard presses nothing by writing on.
    for key in ("Space", "Enter", "Escape", "a"):
        page.keyboard.press(key)
    page.wait_for_timeout(500)
    expect(dialog.locator("[data-before]")).to_be_visible()
    dialog.get_by_role("button", name=words(language, "Stay signed in")).click()
    expect(dialog).to_be_hidden()
    assert page.input_value("[name=facts]") == TYPED
    assert Session.objects.live().filter(user=city.officer).count() == 1


def test_whoever_writes_is_not_warned_and_a_script_is_nobody(site: Site, visit: Visit, settings: Any):
    city = factories.City()
    settings.SESSION_IDLE_SECONDS, settings.SESSION_WARNING_SECONDS = 36, 30
    page = visit(site, language="en")
    sign_in(page, site, "officer")
    page.goto(site.at("records:new"))
    told: list[str] = []
    page.on("request", lambda request: told.append(request.method) if request.url.endswith("/session/") else None)
    settings.SESSION_IDLE_SECONDS = 900
    before = Session.objects.live().get(user=city.officer).last_seen_at

    page.evaluate("document.querySelector('[name=facts]').dispatchEvent(new InputEvent('input', { bubbles: true }))")
    page.wait_for_timeout(500)
    assert told == []

    page.click("[name=facts]")
    page.keyboard.type("I write and write.", delay=50)
    page.wait_for_timeout(7000)
    expect(page.locator("#session")).to_be_hidden()
    assert told == ["POST"]
    assert Session.objects.live().get(user=city.officer).last_seen_at > before
    assert page.input_value("[name=facts]") == "I write and write."


def test_the_warning_and_leaving(language: str, site: Site, visit: Visit, settings: Any):
    factories.City()
    settings.SESSION_IDLE_SECONDS, settings.SESSION_WARNING_SECONDS = 12, 5
    page = visit(site, language=language)
    sign_in(page, site, "officer")
    page.goto(site.at("records:new"))
    page.fill("[name=facts]", TYPED)
    dialog = page.locator("#session")
    expect(dialog.locator("[data-after]")).to_be_visible(timeout=20_000)
    expect(dialog).to_contain_text(words(language, "Your session has ended"))
    expect(page.locator("main")).to_have_css("visibility", "hidden")
    settings.SESSION_IDLE_SECONDS, settings.SESSION_WARNING_SECONDS = 900, 120
    factories.end_sessions()

    # A colleague signs in in a new tab: this page stays out of sight.
    with page.expect_popup() as opened:
        dialog.locator("[data-after] a").click()
    other = opened.value
    sign_in(other, site, "officer2")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(1000)
    expect(page.locator("main")).to_have_css("visibility", "hidden")
    foreign = "Somebody else is signed in here now. What you typed stays in this page, out of sight: let them sign out, sign in again in a new tab, then come back to this one."
    expect(dialog.locator("[data-another]")).to_have_text(words(language, foreign))
    expect(dialog.locator("[data-another]")).to_be_visible()
    expect(dialog.locator("[data-nobody]")).to_be_hidden()
    # Its writer signs in again, comes back, and finds everything as it was.
    sign_out(other)
    sign_in(other, site, "officer")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(dialog).to_be_hidden()
    expect(page.locator("main")).to_have_css("visibility", "visible")
    assert page.input_value("[name=facts]") == TYPED


def test_a_security_key_is_added_and_asked_for(language: str, site: Site, visit: Visit):
    """In a real browser with a key of software; WebAuthn wants a name instead of an address."""
    city = factories.City()
    named = Site(site.url.replace("127.0.0.1", "localhost"))
    page = visit(named, language=language, width=360)
    control = page.context.new_cdp_session(page)
    control.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "usb", "hasUserVerification": True, "isUserVerified": True}
    control.send("WebAuthn.addVirtualAuthenticator", {"options": {**options, "automaticPresenceSimulation": True}})
    sign_in(page, named, "supervisor")
    page.goto(named.at("access:security"))
    clicking(page, "a[href='/security/keys/']")
    page.fill("[name=password]", factories.PASSWORD)
    clicking(page, "main button.primary")
    page.fill("[name=name]", "我的密钥")
    clicking(page, "#add_key")
    expect(page.locator("ul.codes li")).to_have_count(10)
    page.goto(named.at("access:security"))
    expect(page.locator("main")).to_contain_text("我的密钥")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 360, f"{width} px wide"

    # From now on a decision is confirmed with it.
    access_request = factories.submitted(city)
    page.goto(named.at("access:review", access_request.pk))
    for point in ("organisation", "purpose", "scope", "documents", "interest", "person_1"):
        page.check(f"[name=point_{point}][value=yes]")
    page.check("[name=outcome][value=approve]")
    page.fill("[name=reason]", TYPED)
    clicking(page, ".action-bar button.primary")
    page.fill("[name=password]", factories.PASSWORD)
    clicking(page, "#use_key")
    assert Decision.objects.get().decider == city.supervisor
    assert IdentityConfirmation.objects.get(kind="VOTE").factor == "webauthn"
