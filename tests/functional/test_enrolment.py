"""An account from the first code to the first sign-in, and a lost factor, as people do it: on paper, by two, by the holder."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.utils import translation
from django.utils.translation import gettext
from playwright.sync_api import Page, expect

from access import duties
from access.models import User
from access.models.duty import Duty
from tests import factories
from tests.browsing import LANGUAGES, Site, Visit, clicking

pytestmark = [pytest.mark.browser, pytest.mark.django_db]
PASSWORD = "chosen by its holder alone"


@pytest.fixture(autouse=True)
def language_given_back() -> Iterator[None]:
    yield
    translation.deactivate()


def code_on(page: Page) -> str:
    code = page.locator("[data-code]").inner_text().strip()
    assert re.fullmatch(r"[2-9A-Z]{4}(-[2-9A-Z]{4}){2}", code)
    return code


def enrol(page: Page, site: Site, username: str, code: str, password: str = PASSWORD) -> None:
    page.goto(site.at("access:enrol"))
    for name, text in {"username": username, "code": code, "password": password, "password_again": password}.items():
        page.fill(f"[name={name}]", text)
    clicking(page, "main button.primary")


def sign_in(page: Page, site: Site, username: str, password: str = PASSWORD) -> None:
    page.goto(site.at("account_login"))
    page.fill("[name=login]", username)
    page.fill("[name=password]", password)
    clicking(page, "main button.primary")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_supervisor_is_enrolled_and_appointed_by_two_and_two(language: str, site: Site, visit: Visit):
    city = factories.City()
    translation.activate(language)

    # 1. Who administers people enters somebody and gets the first half; it is on no page afterwards.
    one = visit(site, user=city.people_admin, language=language)
    one.goto(site.at("access:person_new"))
    for name, text in {"username": "newcomer", "full_name": "新同事", "badge_number": "341599"}.items():
        one.fill(f"[name={name}]", text)
    one.select_option("[name=organisation]", str(city.branch.pk))
    one.check("[name=by_two]")
    clicking(one, "main form button.primary")
    first = code_on(one)
    one.goto(site.at("access:people"))
    assert first not in one.content()

    # 2. A second administrator finds the number in the navigation, and makes the other half.
    two = visit(site, user=city.people_admin2, language=language, width=360)
    two.goto(site.at("desk"))
    expect(two.locator("nav.side .badge")).to_have_text("1")
    two.goto(site.at("access:proposals"))
    clicking(two, "table tbody a")
    two.fill("[name=password]", factories.PASSWORD)
    clicking(two, "form[action$='/enact/'] button.primary")
    second = code_on(two)

    # 3. The holder alone chooses the password; half a code is none.
    holder = visit(site, language=language)
    enrol(holder, site, "newcomer", first)
    wrong = "User name and code do not fit" if language == "en" else "用户名与登记码不符"
    expect(holder.locator(".error-summary")).to_contain_text(wrong)
    expect(holder.locator("[name=password]")).to_have_value("")
    enrol(holder, site, "newcomer", f"{first} {second}".lower())
    assert "/accounts/login/" in holder.url
    sign_in(holder, site, "newcomer")
    expect(holder.locator("h1")).to_contain_text(gettext("Desk"))

    # 4. One who assigns duties proposes, another reads the difference and puts it in force.
    person = User.objects.get(username="newcomer")
    three = visit(site, user=city.security_admin, language=language)
    three.goto(site.at("access:person_duties", person.pk))
    three.check(f"[name=duty][value={Duty.DECIDE_REQUESTS.value}]")
    three.select_option("[name=organisation]", str(city.branch.pk))
    clicking(three, "form[action$='/give/'] button")
    expect(three.locator("#id_reason_error")).to_be_visible()
    three.fill("[name=reason]", "经研究决定任命。")
    clicking(three, "form[action$='/give/'] button")
    four = visit(site, user=city.security_admin2, language=language)
    four.goto(site.at("access:proposals"))
    clicking(four, "table tbody a")
    expect(four.locator("main ins")).to_contain_text(gettext("Decide access requests"))
    four.fill("[name=password]", factories.PASSWORD)
    clicking(four, "form[action$='/enact/'] button.primary")
    assert duties.has(person, Duty.DECIDE_REQUESTS, city.branch)
    holder.goto(site.at("access:queue"))
    expect(holder.locator("h1")).to_contain_text(gettext("Approval queue"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_lost_factor_is_a_new_code_told_on_the_desk(language: str, site: Site, visit: Visit):
    city = factories.City()
    translation.activate(language)
    TOTP.activate(city.officer, generate_totp_secret())

    # 1. Nobody passes with the password alone; the session that is still open is told of the new code.
    lost = visit(site, language=language)
    sign_in(lost, site, "officer", factories.PASSWORD)
    assert "/2fa/authenticate/" in lost.url
    admin = visit(site, user=city.people_admin, language=language)
    admin.goto(site.at("access:person_code", city.officer.pk))
    admin.fill("[name=reason]", "手机遗失。")
    clicking(admin, "main form button.primary")
    code = code_on(admin)
    open_still = visit(site, user=city.officer, language=language)
    open_still.goto(site.at("desk"))
    expect(open_still.locator(".notice-seal")).to_contain_text(city.people_admin.full_name)

    # 2. The code is used: the old factor is gone, what was open has ended, the password is the new one.
    enrol(lost, site, "officer", code)
    assert not Authenticator.objects.filter(user=city.officer).exists()
    open_still.goto(site.at("desk"))
    assert "/accounts/login/" in open_still.url
    sign_in(lost, site, "officer")
    expect(lost.locator("h1")).to_contain_text(gettext("Desk"))
    expect(lost.locator(".notice-seal")).to_contain_text(city.people_admin.full_name)
