"""The main job, end to end, as people do it: entered, sealed, asked for, approved, opened, and proved."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.core import mail
from django.core.signing import BadSignature, loads
from django.test import RequestFactory
from django.utils import translation
from django.utils.translation import gettext
from playwright.sync_api import Page, expect
from psycopg import sql

from records.models import Offence
from tests import factories, signing
from tests.browsing import LANGUAGES, Site, Visit, clicking

pytestmark = [pytest.mark.browser, pytest.mark.django_db]

ASSAULT = "PSAPL2025-051-p1-i1"
NUMBER = factories.id_number(serial=719)
WRONG = NUMBER[:17] + ("0" if NUMBER[17] != "0" else "1")
RETURNED = "金丝雀补正：告知笔录缺页 canary-remark-5f1c"
# One canary for each field that is sealed: none of them may ever lie anywhere in clear.
PERSON = {"name": "丝雀鸣谷", "number": NUMBER, "address": "金丝雀巷七十一号三单元 canary-address-7c1f"}
TOLD = {
    "facts": "金丝雀案情：在候车厅推搡他人 canary-facts-91ab",
    "evidence": "金丝雀证据：监控录像一份 canary-evidence-2d40",
    "case_number": "A3101019993812026017391",
    "decision_number": "测公（治）行罚决字〔2026〕739163号",
}
ASKED = {
    "reason": "金丝雀理由：拟聘用为保育员 canary-reason-88e2",
    "scope_of_use": "金丝雀用途：仅供园长 canary-scope-40d9",
}
COURT_NUMBER = "（2026）沪0101刑初739163号"
LETTER_NAME, LETTER = "金丝雀公函.pdf", b"%PDF-1.4\n% canary-letter-63b7\n%%EOF\n"
CANARIES = [
    *[*PERSON.values(), *TOLD.values(), *ASKED.values(), RETURNED, COURT_NUMBER],
    *["canary-remark-5f1c", "canary-address-7c1f", "canary-facts-91ab", "canary-evidence-2d40", "canary-reason-88e2"],
    *["canary-scope-40d9", "canary-letter-63b7", LETTER_NAME, "739163"],
]


@dataclass
class Journey:
    """Who takes part, each in a browser of their own, and where they are told to look."""

    site: Site
    visit: Visit
    language: str
    pages: dict[str, Page] = field(default_factory=dict)

    def as_(self, username: str) -> Page:
        """Return this person's browser, signed in through the form the first time."""
        if username not in self.pages:
            page = self.pages[username] = self.visit(self.site, language=self.language)
            page.goto(self.site.at("desk"))
            page.fill("[name=login]", username)
            page.fill("[name=password]", factories.PASSWORD)
            page.click("main button.primary")
            self.heads(page, "Desk")
        return self.pages[username]

    def words(self, msgid: str, **values: object) -> str:
        """Return a sentence of the product in the language of this journey; Chinese is complete."""
        with translation.override(self.language):
            text = gettext(msgid)
        assert self.language == "en" or text != msgid, f"not translated: {msgid}"
        return text % values

    def heads(self, page: Page, msgid: str, **values: object) -> None:
        expect(page.locator("h1")).to_contain_text(self.words(msgid, **values))

    def says(self, page: Page, msgid: str, **values: object) -> None:
        """The message after an act."""
        expect(page.locator(".messages[role=status]")).to_contain_text(self.words(msgid, **values))


def tampered(owner: psycopg.Connection, kind: str) -> str:
    """Alter the newest event of this kind as only the owner of the tables can, and return its id."""
    owner.execute("alter table audit_event disable trigger all")
    row = owner.execute(
        "update audit_event set canonical = convert_to(replace(convert_from(canonical, 'utf8'), 'PRESENCE', 'ABSTRACT'), 'utf8')"
        " where id = (select id from audit_event where kind = %s and convert_from(canonical, 'utf8') like '%%PRESENCE%%'"
        " order by at desc limit 1) returning id",
        [kind],
    ).fetchone()
    owner.execute("alter table audit_event enable trigger all")
    assert row is not None
    return str(row[0])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_journey(language: str, site: Site, visit: Visit, owner: psycopg.Connection, capfd: pytest.CaptureFixture):
    city = factories.City()
    journey = Journey(site, visit, language)

    record = enter(journey)
    correct_and_confirm(journey, record)
    record_is_sealed(journey, record)
    number = ask_as_kindergarten(journey)
    approve_narrower(journey, city, number)
    open_as_kindergarten(journey, city)
    ask_and_open_as_court(journey, city)
    prove(journey, city, owner)
    nothing_lies_in_clear(journey, owner, capfd)


def enter(journey: Journey) -> str:
    """1. The officer enters a violation, is told of the wrong number, saves a draft, comes back, submits it."""
    page = journey.as_("officer")
    page.goto(journey.site.at("records:violations"))
    clicking(page, "[data-key=n]")
    journey.heads(page, "Enter a record")
    for name, text in {**PERSON, "number": WRONG, **TOLD}.items():
        page.fill(f"[name={name}]", text)
    # The offence by its code, out of the whole catalogue, with the keyboard.
    page.fill("#id_offence", ASSAULT)
    expect(page.locator("#id_offence_list li:visible")).to_have_count(1)
    page.press("#id_offence", "Enter")
    offence = Offence.objects.get(code=ASSAULT)
    expect(page.locator("select[name=offence]")).to_have_value(str(offence.pk))
    page.fill("[name=acted_on]", "2026-01-15")
    page.fill("[name=decided_on]", "2026-01-16")
    page.fill("[name=detention_days]", "5")
    page.fill("[name=fine_yuan]", "500")
    clicking(page, "button[name=continue]")

    # The wrong check digit is named beside the field and in the summary; everything typed is still there.
    sentence = journey.words("The 18th digit should be {digit}; check the number.").format(digit=NUMBER[17])
    assert page.title().startswith(journey.words("Error:"))
    expect(page.locator("#id_number_error")).to_contain_text(sentence)
    expect(page.locator(".error-summary a[href='#id_number']")).to_contain_text(sentence)
    expect(page.locator(".error-summary li")).to_have_count(1)
    expect(page.locator("[name=number]")).to_have_value(WRONG)
    for name in ("name", "address", "facts", "evidence", "case_number", "decision_number"):
        expect(page.locator(f"[name={name}]")).to_have_value({**PERSON, **TOLD}[name])
    expect(page.locator("[name=detention_days]")).to_have_value("5")

    # Put right, saved as a draft with the key for it, and left.
    page.fill("[name=number]", NUMBER)
    with page.expect_navigation():
        page.keyboard.press("Alt+s")
    journey.says(page, "The draft is saved.")
    expect(page.locator(".error-summary")).to_have_count(0)
    page.goto(journey.site.at("desk"))
    expect(page.locator("main")).not_to_contain_text(PERSON["name"])

    # Back from the list, which names nobody; checked once more and submitted.
    page.goto(journey.site.at("records:violations"))
    expect(page.locator("main")).not_to_contain_text(PERSON["name"])
    clicking(page, "table tbody a")
    record = re.search(r"/violations/([0-9a-f-]{36})/edit/", page.url)[1]
    expect(page.locator("[name=number]")).to_have_value(NUMBER)
    clicking(page, "button[name=continue]")
    expect(page.locator("main")).to_contain_text(TOLD["facts"])
    expect(page.locator("main .statute").first).to_contain_text(
        offence.citation_en if journey.language == "en" else offence.citation_zh
    )
    clicking(page, "form[action$='/submit/'] button")
    journey.heads(page, "Violation records")
    return record


def correct_and_confirm(journey: Journey, record: str) -> None:
    """2. The reviewer returns it with a remark, the officer corrects it, the reviewer confirms it."""
    site, reviewer, officer = journey.site, journey.as_("reviewer"), journey.as_("officer")
    reviewer.goto(site.at("records:review_queue"))
    journey.heads(reviewer, "Records to review")
    clicking(reviewer, "table tbody a")
    expect(reviewer.locator("main")).to_contain_text(PERSON["name"])
    # A return without a remark says so beside the field.
    clicking(reviewer, "#return form button")
    expect(reviewer.locator("#id_remark_error")).to_be_visible()
    reviewer.fill("[name=remark]", RETURNED)
    clicking(reviewer, "#return form button")
    journey.heads(reviewer, "Records to review")

    officer.goto(site.at("records:violations"))
    clicking(officer, "table tbody a")
    expect(officer.locator("main > .notice-amber")).to_contain_text(RETURNED)
    officer.fill("[name=evidence]", TOLD["evidence"] + "，告知笔录一份")
    clicking(officer, "button[name=continue]")
    clicking(officer, "form[action$='/submit/'] button")

    reviewer.goto(site.at("records:review", record))
    expect(reviewer.locator("main")).to_contain_text("告知笔录一份")
    reviewer.click("[data-opens-dialog=confirm]")
    expect(reviewer.locator("dialog#confirm")).to_be_visible()
    clicking(reviewer, "dialog#confirm button[name=version]")


def record_is_sealed(journey: Journey, record: str) -> None:
    """2. The service is recorded and the record seals itself: a stub for its unit, nothing at all for the others."""
    site, reviewer, officer = journey.site, journey.as_("reviewer"), journey.as_("officer")
    expect(reviewer.locator("[name=served_on]")).to_be_visible()
    clicking(reviewer, "form[action$='/service/'] button")
    journey.heads(reviewer, "Records to review")
    journey.says(reviewer, "The service is recorded, and record %(number)s is sealed.", number=record[:8].upper())

    officer.goto(site.at("records:violation", record))
    expect(officer.locator("main .notice-seal")).to_contain_text(journey.words("This record is sealed"))
    expect(officer.locator("main .tag-green")).to_contain_text(journey.words("Intact: the content is what was sealed"))
    stub = officer.content()
    assert not [canary for canary in CANARIES if canary in stub]
    officer.goto(site.at("records:violations") + "?tab=sealed")
    expect(officer.locator("table tbody tr")).to_have_count(1)

    # For everybody else it is the page of a record that does not exist, word for word.
    missing = factories.token()
    for username in ("reviewer", "supervisor", "kindergarten", "court", "auditor"):
        page = journey.as_(username)
        seen = []
        for pk in (record, missing):
            answer = page.goto(site.at("records:violation", pk))
            seen.append((answer.status, page.title(), page.locator("main").inner_html()))
        assert seen[0] == seen[1]
        assert seen[0][0] == 404
        journey.heads(page, "There is nothing to show here")


def ask(page: Page, **extra: str) -> None:
    """Fill in a request about the person and submit it."""
    page.fill("[name=name_1]", PERSON["name"])
    page.fill("[name=number_1]", NUMBER)
    for name, text in {**ASKED, **extra}.items():
        page.fill(f"[name={name}]", text)
    page.set_input_files("[name=letter]", {"name": LETTER_NAME, "mimeType": "application/pdf", "buffer": LETTER})
    clicking(page, ".action-bar button[value=continue]")
    expect(page.locator("main")).to_contain_text(ASKED["reason"])
    page.check("[name=declared]")
    clicking(page, "form[action$='/submit/'] button")


def number_on(page: Page) -> str:
    return page.locator("main dd.number").first.inner_text().strip()


def ask_as_kindergarten(journey: Journey) -> str:
    """3. The kindergarten chooses a basis (not that of others), names the person, says why, attaches the letter."""
    page = journey.as_("kindergarten")
    # The basis of state organs is refused, with its citation, and nothing is written.
    page.goto(journey.site.at("access:request_begin", "PSAPL-136-CASE"))
    basis = factories.basis("PSAPL-136-CASE")
    citation = basis.citation_en if journey.language == "en" else basis.citation_zh
    expect(page.locator(".error-summary")).to_contain_text(citation)
    expect(page.locator(".field .error")).to_contain_text(citation)
    expect(page.locator("[name=basis][value=PSAPL-136-CASE]")).to_have_count(0)

    page.goto(journey.site.at("access:requests"))
    clicking(page, "[data-key=n]")
    journey.heads(page, "New request: the legal basis")
    page.check("[name=basis][value=PRESCHOOL-44]")
    clicking(page, "main form[action$='/new/'] button.primary")
    journey.heads(page, "New request")
    expect(page.locator("[name=asked_rung]")).to_have_count(1)
    page.check("[name=asked_rung][value=PRESENCE]")
    ask(page)
    return number_on(page)


def decide(page: Page, outcome: str, **scope: str) -> None:
    """Answer the points and vote."""
    for point in ("organisation", "purpose", "scope", "documents", "interest", "person_1"):
        page.check(f"[name=point_{point}][value=yes]")
    page.check(f"[name=outcome][value={outcome}]")
    for name, text in scope.items():
        page.fill(f"[name={name}]", text)
    page.fill("[name=reason]", "依据与用途相符，范围最小必要。")
    clicking(page, ".action-bar button.primary")
    # Deciding asks who is there, as opening does; what was typed comes along.
    page.fill("[name=password]", factories.PASSWORD)
    clicking(page, "main button.primary")


def approve_narrower(journey: Journey, city: factories.City, number: str) -> None:
    """4. The supervisor finds it in the queue, which is in the order of the deadlines, and approves it narrower."""
    # Another request waits too.
    factories.submitted(city, factories.person("旁人甲"))
    page = journey.as_("supervisor")
    page.goto(journey.site.at("access:queue"))
    journey.heads(page, "Approval queue")
    expect(page.locator("table tbody tr")).to_have_count(2)
    due = page.locator("table tbody time").evaluate_all("times => times.map((time) => time.dateTime)")
    assert due == sorted(due)
    expect(page.locator("main")).not_to_contain_text(PERSON["name"])
    clicking(page, page.get_by_role("link", name=number))
    expect(page.locator("h1")).to_contain_text(number)
    for text in (PERSON["name"], ASKED["reason"], ASKED["scope_of_use"]):
        expect(page.locator("main")).to_contain_text(text)
    # The letter is what was attached.
    with page.expect_download() as letter:
        page.click("a[href$='/letter/']")
    assert Path(letter.value.path()).read_bytes() == LETTER
    # A reason is needed, and what was chosen stays.
    page.check("[name=outcome][value=narrower]")
    clicking(page, ".action-bar button.primary")
    expect(page.locator("#id_reason_error")).to_be_visible()
    expect(page.locator("[name=outcome][value=narrower]")).to_be_checked()
    decide(page, "narrower", hours="24", openings="1")
    said = "%(number)s is approved in part; the requester may open the narrower answer now."
    journey.says(page, said, number=number)


def open_answer(journey: Journey, page: Page, full_name: str) -> Page:
    """Sign the undertaking, confirm who one is, and open the answer."""
    page.goto(journey.site.at("records:answers"))
    journey.heads(page, "Answers")
    clicking(page, "table tbody a")
    # Not under somebody else's name.
    page.fill("[name=signed_name]", "别人")
    clicking(page, "form[action$='/undertaking/'] button")
    expect(page.locator("#id_signed_name_error")).to_be_visible()
    page.fill("[name=signed_name]", full_name)
    clicking(page, "form[action$='/undertaking/'] button")
    journey.says(page, "You have signed the undertaking. You may open the answer now.")
    clicking(page, "main a[href*='/answers/'].primary")
    journey.heads(page, "You are about to look at sealed records")
    clicking(page, ".interruption .button")
    journey.heads(page, "Confirm that it is you")
    page.fill("[name=password]", "not my password")
    clicking(page, "main button.primary")
    expect(page.locator(".error-summary")).to_be_visible()
    page.fill("[name=password]", factories.PASSWORD)
    clicking(page, "main button.primary")
    journey.says(page, "Your identity is confirmed.")
    clicking(page, ".interruption button")
    return page


def open_as_kindergarten(journey: Journey, city: factories.City) -> None:
    """5. The kindergarten opens the answer: one word, under a watermark, for a limited time."""
    page = open_answer(journey, journey.as_("kindergarten"), city.requester.full_name)
    answer = page.locator("[data-sealed]")
    expect(answer).to_contain_text(journey.words("There is a record of the categories asked about."))
    shown = answer.inner_text()
    assert not [canary for canary in [*TOLD.values(), PERSON["address"], NUMBER] if canary in shown]
    expect(page.locator(".watermark text").first).to_contain_text(city.requester.full_name)
    expect(page.locator(".watermark text").first).to_contain_text("127.0.0.1")
    expect(page.locator("[role=timer]")).to_have_text(re.compile(r"^0?9:\d\d$"))
    assert page.request.get(page.url).headers["cache-control"] == "no-store, private"
    clicking(page, ".page-title a.button")
    expect(page.locator("main")).to_contain_text(journey.words("The answer is closed"))
    expect(page.locator(".identity .tag")).to_contain_text(journey.words("All openings used"))


def ask_and_open_as_court(journey: Journey, city: factories.City) -> None:
    """6. The court asks for a case; two people of two units approve; the particulars are shown."""
    site, page = journey.site, journey.as_("court")
    page.goto(site.at("access:request_new"))
    page.check("[name=basis][value=PSAPL-136-CASE]")
    clicking(page, "main form[action$='/new/'] button.primary")
    page.select_option("[name=case_purpose]", "REVIEW")
    page.check("[name=asked_rung][value=FULL]")
    ask(page, case_number=COURT_NUMBER, decision_number=TOLD["decision_number"], decision_on="2026-01-16")
    number = number_on(page)
    for username, said in {
        "supervisor": "You have voted on %(number)s; a second person from another unit decides.",
        "supervisor2": "%(number)s is approved; the requester may open the answer now.",
    }.items():
        page.goto(site.at("records:answers"))
        expect(page.locator("table")).to_have_count(0)
        decider = journey.as_(username)
        decider.goto(site.at("access:queue"))
        clicking(decider, decider.get_by_role("link", name=number))
        decide(decider, "approve")
        journey.says(decider, said, number=number)

    page = open_answer(journey, page, city.judge.full_name)
    answer = page.locator("[data-sealed]")
    for text in [PERSON["name"], PERSON["address"], *TOLD.values()]:
        expect(answer).to_contain_text(text)
    assert NUMBER in re.sub(r"\s", "", answer.inner_text())
    clicking(page, ".page-title a.button")


def lines_of(page: Page) -> str:
    """Return the text of the whole trail, page after page."""
    text = page.locator("main table").inner_text()
    while page.locator("a[rel=next]").count():
        clicking(page, "a[rel=next]")
        text += page.locator("main table").inner_text()
    return text


def prove(journey: Journey, city: factories.City, owner: psycopg.Connection) -> None:
    """7. The auditor reads each act as a line, verifies the trail, and is told which event somebody altered."""
    page, site = journey.as_("auditor"), journey.site
    page.goto(site.at("audit:events"))
    journey.heads(page, "Audit trail")
    text = lines_of(page)
    for who, sentence in [
        (city.officer, "%(who)s began to enter %(target)s."),
        (city.officer, "%(who)s changed the draft of %(target)s."),
        (city.officer, "%(who)s submitted %(target)s for review."),
        (city.reviewer, "%(who)s returned %(target)s with a remark."),
        (city.reviewer, "%(who)s confirmed %(target)s."),
        (city.reviewer, "%(who)s recorded that the decision on %(target)s was served."),
        (city.requester, "%(who)s began %(target)s."),
        (city.requester, "%(who)s submitted %(target)s."),
        (city.supervisor, "%(who)s voted to approve %(target)s in part."),
        (city.supervisor, "%(who)s approved %(target)s in part."),
        (city.supervisor2, "With the vote of %(who)s, %(target)s was approved: no vote is missing."),
        (city.requester, "%(who)s signed the confidentiality undertaking for %(target)s."),
        (city.requester, "%(who)s could not confirm their identity for an act."),
        (city.requester, "%(who)s confirmed their identity again, for one act."),
        (city.requester, "%(who)s opened the answer under %(target)s: it was counted and may be shown."),
        (city.judge, "%(who)s opened the answer under %(target)s: it was counted and may be shown."),
    ]:
        words = re.escape(journey.words(sentence, who=f"\0{who.full_name}\0", target="\1"))
        pattern = words.replace("\\\x00", "\0").replace("\0", ".{0,40}?").replace("\\\x01", "\1").replace("\1", ".+")
        assert re.search(pattern, text), words
    assert not [canary for canary in CANARIES if canary in text]

    # What the worker does each second and each minute.
    signing.begin()
    signing.sequence()
    assert signing.checkpoint() is not None
    page.goto(site.at("audit:verification"))
    clicking(page, "main form button.primary")
    expect(page.locator(".page-title .tag-green")).to_contain_text(journey.words("Holds"))

    event = tampered(owner, "OPENING")
    clicking(page, "main form button.primary")
    expect(page.locator(".page-title .tag-seal")).to_contain_text(journey.words("Does not hold"))
    expect(page.locator("main [role=alert]")).to_contain_text(event)
    clicking(page, page.locator(f"main table a:has-text('{event}')").first)
    expect(page.locator(".page-title .tag-seal")).to_contain_text(journey.words("Altered"))


# Nothing in clear ---------------------------------------------------------------------------------------------------


def forms_of(canary: str) -> dict[str, str]:
    """Return every way in which a text may lie somewhere in clear, each with its name."""
    found = {"plain": canary, "escaped": canary.encode("unicode_escape").decode()}
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        data = canary.encode(encoding)
        found[f"{encoding} hex"] = data.hex()
        for shift in range(3):
            # Whole groups of three bytes only: their four characters do not depend on what stands around them.
            inner = data[(3 - shift) % 3 :]
            whole = inner[: len(inner) // 3 * 3]
            if len(whole) >= 6:
                found[f"{encoding} base64 {shift}"] = base64.b64encode(whole).decode()
    return found


def rows_of(owner: psycopg.Connection) -> dict[str, str]:
    """Return every table of the database as text: all columns, bytes as hex."""
    names = owner.execute(
        "select table_schema, table_name from information_schema.tables where table_type = 'BASE TABLE'"
        " and table_schema not in ('pg_catalog', 'information_schema')"
    ).fetchall()
    assert len(names) > 30
    tables = {}
    for schema, name in names:
        query = sql.SQL("select t::text from {} as t").format(sql.Identifier(schema, name))
        tables[name] = "\n".join(row[0] for row in owner.execute(query))
    return tables


def unpacked(owner: psycopg.Connection) -> dict[str, str]:
    """Return what lies packed: sessions (signed and perhaps compressed). Nothing is pickled any more."""
    sessions = owner.execute("select digest, data from access_session").fetchall()
    return {"sessions": "\n".join(repr(loads(data, salt=f"access.sessions.{digest}")) for digest, data in sessions)}


def cookies_of(page: Page) -> str:
    """Return the cookies and stores of a browser, the messages among them unpacked."""
    texts = [
        repr(page.context.cookies()),
        page.evaluate("JSON.stringify([localStorage, sessionStorage, history.state])"),
    ]
    for cookie in page.context.cookies():
        if cookie["name"] == CookieStorage.cookie_name:
            storage = CookieStorage(RequestFactory().get("/"))
            try:
                texts.append(repr([str(message) for message in storage._decode(cookie["value"]) or []]))
            except BadSignature:
                texts.append("")
    return "\n".join(texts)


def nothing_lies_in_clear(journey: Journey, owner: psycopg.Connection, capfd: pytest.CaptureFixture) -> None:
    """In no table, history, session, cookie, cache, mail, header, address, log or file."""
    places = {f"table {name}": text for name, text in rows_of(owner).items()} | unpacked(owner)
    places |= {f"browser of {name}": cookies_of(page) for name, page in journey.pages.items()}
    places["headers and log"] = "\n".join(journey.site.said)
    places["output"] = "".join(capfd.readouterr())
    places["mail"] = "\n".join(str(message.message()) for message in mail.outbox)
    places["database log"] = (settings.DATA_DIR / "postgres" / "log").read_text(errors="replace")
    places["static files"] = "".join(path.name for path in settings.STATIC_ROOT.rglob("*"))
    places["witness"] = settings.AUDIT_WITNESS_FILE.read_text()
    # The places are looked at indeed: each of these is known to lie in one of them.
    assert "supervisor2" in places["table access_user"]
    assert "_auth_user_id" in places["sessions"]
    assert "/audit/verification/" in places["headers and log"]
    found = [
        f"{canary!r} lies in {place} ({how})"
        for canary in CANARIES
        for how, form in forms_of(canary).items()
        for place, text in places.items()
        if form in text
    ]
    assert not found, "\n".join(found)


def test_the_search_for_canaries_finds_them(owner: psycopg.Connection):
    """A search that finds nothing proves something only if it would have found it."""
    text = PERSON["name"]
    owner.execute("create table planted (plain text, bytes bytea, other bytea, coded text)")
    for form in (
        [f"x{text}", b"", b"", ""],
        ["", b"\0" + text.encode(), b"", ""],
        ["", b"", text.encode("utf-16-le"), ""],
        ["", b"", b"", base64.b64encode(b"?" + text.encode() + b"!").decode()],
        ["", b"", b"", base64.b64encode(b"??" + text.encode() + b"!").decode()],
    ):
        owner.execute("delete from planted")
        owner.execute("insert into planted values (%s, %s, %s, %s)", form)
        planted = rows_of(owner)["planted"]
        assert any(found in planted for found in forms_of(text).values()), form
