"""The pictures of the docs: taken from the product itself when PICTURES=1 (`make pictures`), and never out of date."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from access.models import AccessRequest, Grant, User
from access.models.requests import Status as RequestStatus
from records.models import Status, Violation
from tests import factories
from tests.browsing import Site, Visit, clicking

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"
LANGUAGES = {"zh": "zh-hans", "en": "en"}


def desk(page: Page, site: Site) -> None:
    page.goto(site.at("desk"))
    expect(page.locator("main table tbody tr").first).to_be_visible()


def entry(page: Page, site: Site) -> None:
    """A returned record as its officer corrects it."""
    handled = Violation.objects.handled_by(User.objects.get(username="officer"))
    returned = handled.filter(status=Status.RETURNED).latest("created_at")
    page.goto(site.at("records:edit", returned.pk))
    expect(page.locator("[name=number]")).not_to_have_value("")


def review(page: Page, site: Site) -> None:
    """A request as its decider reads it."""
    waiting = AccessRequest.objects.filter(status=RequestStatus.SUBMITTED, basis__code="PRESCHOOL-44").latest(
        "created_at"
    )
    page.goto(site.at("access:review", waiting.pk))
    expect(page.locator("[name=outcome]").first).to_be_attached()


def answer(page: Page, site: Site) -> None:
    """An answer as it is open, by the way that leads to it."""
    grant = Grant.objects.filter(access_request__requester__username="court").latest("starts_at")
    page.goto(site.at("records:grant", grant.pk))
    if page.locator("[name=signed_name]").count():
        page.fill("[name=signed_name]", grant.access_request.requester.full_name)
        clicking(page, "form[action$='/undertaking/'] button")
    clicking(page, "main a[href*='/answers/'].primary")
    clicking(page, ".interruption .button")
    page.fill("[name=password]", factories.PASSWORD)
    clicking(page, "main button.primary")
    clicking(page, ".interruption button")
    expect(page.locator("[data-sealed]")).to_be_visible()


def trail(page: Page, site: Site) -> None:
    page.goto(site.at("audit:events"))
    expect(page.locator("main table .tag-green").first).to_be_visible()


SHOWN = {"desk": "supervisor", "entry": "officer", "review": "supervisor", "answer": "court", "trail": "auditor"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SHOWN)
def test_picture(name: str, language: str, city_site: Site, visit: Visit):
    user = User.objects.get(username=SHOWN[name])
    page = visit(city_site, user=user, language=LANGUAGES[language])
    globals()[name](page, city_site)
    if os.environ.get("PICTURES") != "1":
        return
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}-{language}.png", animations="disabled")
    if (name, language) == ("review", "zh"):
        page.emulate_media(color_scheme="dark")
        page.screenshot(path=PICTURES / "review-dark-zh.png", animations="disabled")


def test_every_picture_that_the_docs_show_exists():
    missing = [
        f"{path.relative_to(ROOT)} shows {link}"
        for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
        for link in re.findall(r"!\[[^]]*\]\(([^)]+)\)", path.read_text())
        if not link.startswith("http") and not (path.parent / link).is_file()
    ]
    assert not missing, missing
