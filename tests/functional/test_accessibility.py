"""Every main page, as who works on it: WCAG 2 A and AA by axe in both colour schemes, no sideways scrolling, the keyboard."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from access import kinds
from access.actions import people
from access.models import AccessRequest, Grant, Proposal, User
from access.models.duty import Duty
from access.models.proposals import ProposalKind, ProposalState
from access.models.requests import Status as RequestStatus
from audit.models import Event
from records.models import SealedRecord, Status, Violation
from tests import factories
from tests.browsing import LANGUAGES, Site, Troubles, Visit, clicking

pytestmark = pytest.mark.browser
WIDTHS = (360, 1280)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
# What sticks out of the page and may not be scrolled inside a box of its own.
TOO_WIDE = "document.scrollingElement.scrollWidth > document.scrollingElement.clientWidth"
WIDEST = """[...document.querySelectorAll('body *')].filter((element) => !element.closest('.table-scroll *, pre *'))
  .map((element) => [element.getBoundingClientRect().right, element.outerHTML.slice(0, 90)])
  .sort((one, other) => other[0] - one[0]).slice(0, 3)"""
Addresses = Callable[[Site], Iterator[str]]


def faults(page: Page, where: str, schemes: Iterable[Any] = ("light", "dark")) -> list[str]:
    """Return what is wrong with the page as it is now."""
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        if page.evaluate(TOO_WIDE):
            found.append(f"{where} is wider than {width}: {page.evaluate(WIDEST)}")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        found += [
            f"{where} ({scheme}) {one['id']}: {node['html'][:120]} {node['failureSummary'][:200]}"
            for one in Axe().run(page, options=RULES).response["violations"]
            for node in one["nodes"][:3]
        ]
    return found


def violation(status: Status, username: str = "officer") -> Violation:
    handled = Violation.objects.handled_by(User.objects.get(username=username))
    return handled.filter(status=status).latest("created_at")


def access_request(status: RequestStatus, username: str) -> AccessRequest:
    return AccessRequest.objects.filter(status=status, requester__username=username).latest("created_at")


def of_anybody(site: Site) -> Iterator[str]:
    yield from (site.at("account_login"), site.at("access:enrol"))


def of_officer(site: Site) -> Iterator[str]:
    yield from (site.at("access:security"), site.at("access:identity_change", "password"))
    yield from (site.at("desk"), site.at("components"))
    yield from (site.at("records:violations"), site.at("records:violations") + "?tab=sealed")
    draft = violation(Status.RETURNED)
    yield from (site.at("records:new"), site.at("records:edit", draft.pk) + "?problems=1")
    yield from (site.at("records:check", draft.pk), site.at("records:violation", draft.pk))
    yield site.at("records:service", violation(Status.CONFIRMED).pk)
    yield site.at("records:violation", SealedRecord.objects.latest("sealed_at").pk)
    yield site.at("records:violation", factories.token())  # nothing to show


def of_reviewer(site: Site) -> Iterator[str]:
    yield from (site.at("desk"), site.at("records:review_queue"))
    for status in (Status.SUBMITTED, Status.CONFIRMED):
        yield site.at("records:review", violation(status).pk)


def of_kindergarten(site: Site) -> Iterator[str]:
    yield from (site.at("desk"), site.at("access:requests"), site.at("access:request_new"))
    yield from (site.at("access:request_begin", "PRESCHOOL-44"), site.at("access:request_begin", "ORD-EMPLOYER"))
    draft = access_request(RequestStatus.DRAFT, "kindergarten")
    yield from (site.at("access:request_edit", draft.pk), site.at("access:request_check", draft.pk))
    sent = access_request(RequestStatus.SUBMITTED, "kindergarten")
    yield from (site.at("access:request", sent.pk), site.at("access:receipt", sent.pk))
    yield site.at("access:request", access_request(RequestStatus.APPROVED, "kindergarten").pk)
    grant = Grant.objects.filter(access_request__requester__username="kindergarten").latest("starts_at")
    signed = Grant.objects.filter(access_request__requester__username="kindergarten").earliest("starts_at")
    yield from (site.at("records:answers"), site.at("records:grant", grant.pk), site.at("records:grant", signed.pk))
    yield site.at("records:open", signed.pk, factories.subject_of(signed).pk)
    yield site.at("access:identity", signed.pk)


def of_supervisor(site: Site) -> Iterator[str]:
    waiting = AccessRequest.objects.decidable_by(User.objects.get(username="supervisor")).earliest("due_at")
    yield from (site.at("desk"), site.at("access:queue"), site.at("access:queue") + "?tab=decided")
    yield site.at("access:review", waiting.pk)


def of_auditor(site: Site) -> Iterator[str]:
    yield from (site.at("desk"), site.at("audit:events"), site.at("audit:verification"), site.at("audit:alarms"))
    number = AccessRequest.objects.filter(status=RequestStatus.APPROVED).latest("created_at").number
    yield site.at("audit:events") + f"?q={number}&group=BUSINESS&time_from=25:00"
    yield site.at("audit:events") + f"?q={number}&group=BUSINESS"
    yield site.at("audit:event", Event.objects.filter(kind=kinds.OPENING).latest("at").pk)


def of_people_admin(site: Site) -> Iterator[str]:
    yield from (site.at("desk"), site.at("access:people"), site.at("access:person_new"), site.at("access:units"))
    yield site.at("access:person_code", User.objects.get(username="officer").pk)
    yield from (site.at("access:proposals"), site.at("access:proposals") + "?tab=other")
    yield site.at("access:proposal", Proposal.objects.filter(kind=ProposalKind.ENROLMENT).earliest("proposed_at").pk)


def of_security_admin(site: Site) -> Iterator[str]:
    yield from (site.at("access:duties"), site.at("access:person_duties", User.objects.get(username="supervisor").pk))
    waiting = Proposal.objects.filter(kind=ProposalKind.DUTY, state=ProposalState.PROPOSED).first()
    if waiting is None:
        second, auditor = (User.objects.get(username=name) for name in ("security-admin2", "supervisor3"))
        waiting = people.give_duty(auditor, Duty.MAINTAIN_LAW, auditor.organisation, by=second, reason="熟悉法制工作。")
    yield from (site.at("access:proposals"), site.at("access:proposal", waiting.pk))


@pytest.mark.parametrize(
    ("username", "addresses"),
    [
        ("", of_anybody),
        ("officer", of_officer),
        ("reviewer", of_reviewer),
        ("kindergarten", of_kindergarten),
        ("supervisor", of_supervisor),
        ("auditor", of_auditor),
        ("people-admin", of_people_admin),
        ("security-admin", of_security_admin),
    ],
)
def test_pages_are_accessible_and_fit(username: str, addresses: Addresses, city_site: Site, visit: Visit):
    found = []
    user = User.objects.get(username=username or "officer")
    for language in LANGUAGES:
        page = visit(city_site, user=user, language=language)
        if not username:
            page.context.clear_cookies()
        for address in addresses(city_site):
            page.goto(address)
            where = f"{language} {address.removeprefix(city_site.url)}"
            assert page.url == address, where
            found += faults(page, where, schemes=("light", "dark") if language == LANGUAGES[0] else ())
        page.context.close()
    assert not found, "\n".join(found)


def test_what_follows_a_form_is_accessible(city_site: Site, visit: Visit):
    """Pages that only a POST leads to: fields with errors, and the answer."""
    found = []
    waiting = AccessRequest.objects.decidable_by(User.objects.get(username="supervisor")).earliest("due_at")
    page = as_user(visit, city_site, "supervisor")
    page.goto(city_site.at("access:review", waiting.pk))
    clicking(page, ".action-bar button.primary")
    expect(page.locator(".error-summary")).to_be_visible()
    found += faults(page, "a decision without anything")

    page = as_user(visit, city_site, "officer")
    page.goto(city_site.at("records:new"))
    clicking(page, "[name=continue]")
    expect(page.locator(".error-summary")).to_be_visible()
    found += faults(page, "an empty entry")

    grant = Grant.objects.filter(access_request__requester__username="kindergarten").earliest("starts_at")
    page = as_user(visit, city_site, "kindergarten")
    page.goto(city_site.at("records:open", grant.pk, factories.subject_of(grant).pk))
    clicking(page, ".interruption .button")
    page.fill("[name=password]", factories.PASSWORD)
    clicking(page, "main button.primary")
    clicking(page, ".interruption button")
    expect(page.locator("[data-sealed]")).to_be_visible()
    found += faults(page, "an answer")
    # On paper nothing of it is left.
    page.emulate_media(media="print")
    expect(page.locator("[data-sealed]")).to_be_hidden()
    assert not found, "\n".join(found)


def test_the_check_finds_faults(city_site: Site, visit: Visit):
    """That nothing is found proves something only if it would be found."""
    page = visit(city_site)
    page.goto(city_site.at("account_login"))
    assert not faults(page, "login")
    page.evaluate("document.querySelector('form label').remove()")
    page.evaluate("document.querySelector('h1').style.width = '2000px'")
    assert {"label", "wide"} <= {kind for fault in faults(page, "login") for kind in ("label", "wide") if kind in fault}


def test_troubles_of_a_page_are_noticed(city_site: Site, chromium: Browser):
    """Every page of these tests is watched: for what the policy blocks, for errors of scripts, for what is not found."""
    troubles, context = Troubles(), chromium.new_context()
    troubles.watch(context)
    page = context.new_page()
    page.goto(city_site.at("account_login"))
    assert not troubles
    page.evaluate("document.body.setAttribute('style', 'color: red')")
    page.evaluate("setTimeout(() => { throw new Error('planted'); })")
    page.evaluate("fetch('/static/missing.css')")
    page.wait_for_timeout(200)
    assert [sum(kind in trouble for trouble in troubles) for kind in ("Content Security", "planted", "404")] == [
        1,
        1,
        1,
    ]
    context.close()


# The keyboard -------------------------------------------------------------------------------------------------------


def focused(page: Page) -> str:
    """Return what has the focus: its id, its name or its words."""
    return page.evaluate("(({ id, name, textContent }) => id || name || textContent.trim())(document.activeElement)")


def as_user(visit: Visit, site: Site, username: str) -> Page:
    return visit(site, user=User.objects.get(username=username))


def test_the_skip_link_leads_to_the_content(city_site: Site, visit: Visit):
    page = as_user(visit, city_site, "officer")
    page.goto(city_site.at("records:violations"))
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


@pytest.mark.parametrize(
    ("username", "name", "args", "submit"),
    [
        ("officer", "records:new", [], "main [name=continue]"),
        ("kindergarten", "access:request_begin", ["PRESCHOOL-44"], ".action-bar [value=continue]"),
        ("supervisor", "access:review", ["first"], ".action-bar button.primary"),
    ],
)
def test_tab_reaches_every_field_in_order_and_then_the_button(
    username: str, name: str, args: list[str], submit: str, city_site: Site, visit: Visit
):
    user = User.objects.get(username=username)
    if args == ["first"]:
        args = [AccessRequest.objects.decidable_by(user).earliest("due_at").pk]
    page = visit(city_site, user=user)
    page.goto(city_site.at(name, *args))
    page.locator("main").focus()
    # Of a group of radio buttons Tab reaches one; what is hidden or out of the order is not a stop.
    wanted = page.evaluate(
        """() => [...new Set([...document.querySelectorAll('main form input, main form select, main form textarea')]
          .filter((field) => field.type !== 'hidden' && field.tabIndex >= 0 && field.offsetParent)
          .map((field) => field.name || field.id))]"""
    )
    reached: list[str] = []
    for _step in range(80):
        page.keyboard.press("Tab")
        stop = page.evaluate("(({ name, id }) => name || id)(document.activeElement)")
        if stop in wanted and stop not in reached:
            reached.append(stop)
        if page.locator(submit).evaluate("(button) => button === document.activeElement"):
            break
    else:
        pytest.fail(f"Tab never reached {submit}; it came to {focused(page)}")
    assert reached == wanted
    # What has the focus is not covered by the bar that sticks to the bottom.
    expect(page.locator(submit)).to_be_in_viewport()


def test_question_mark_opens_the_keys_and_escape_closes_them(city_site: Site, visit: Visit):
    page = as_user(visit, city_site, "supervisor")
    page.goto(city_site.at("access:queue"))
    page.keyboard.press("Shift+Slash")
    expect(page.locator("dialog#shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog#shortcuts")).to_be_hidden()
    # j and o walk the list; a key chooses an outcome and decides nothing.
    page.keyboard.press("j")
    with page.expect_navigation():
        page.keyboard.press("o")
    expect(page.locator("[name=outcome]").first).to_be_visible()
    page.keyboard.press("p")
    expect(page.locator("[name=outcome][value=narrower]")).to_be_checked()
    # In a field a key is a letter.
    page.locator("[name=reason]").focus()
    page.keyboard.type("?d")
    expect(page.locator("[name=reason]")).to_have_value("?d")
    expect(page.locator("[name=outcome][value=narrower]")).to_be_checked()


def test_a_dialog_closes_with_escape_and_gives_the_focus_back(city_site: Site, visit: Visit):
    page = as_user(visit, city_site, "reviewer")
    page.goto(city_site.at("records:review", violation(Status.SUBMITTED).pk))
    opener = page.locator("[data-opens-dialog=confirm]")
    opener.focus()
    page.keyboard.press("Enter")
    expect(page.locator("dialog#confirm")).to_be_visible()
    assert page.evaluate("document.querySelector('dialog#confirm').contains(document.activeElement)")
    page.keyboard.press("Escape")
    expect(page.locator("dialog#confirm")).to_be_hidden()
    expect(opener).to_be_focused()


def test_the_focus_goes_to_the_summary_of_errors(city_site: Site, visit: Visit):
    page = as_user(visit, city_site, "people-admin")
    page.goto(city_site.at("access:person_new"))
    clicking(page, "main form button.primary")
    expect(page.locator(".error-summary")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.closest('main form') !== null")
