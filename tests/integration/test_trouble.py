"""When something is missing - the trail, the database, the login, the token - nothing is shown and nothing is lost."""

from __future__ import annotations

import json
import re
import socket
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import connection, connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access import kinds as access_kinds
from access import typed
from access.actions import opening as access_opening
from access.actions import requests
from access.models import AccessRequest, Grant, Opening, Session
from access.models.requests import Status as RequestStatus
from audit import kinds as audit_kinds
from audit.models import Event
from records.models import Status, Violation
from tests import factories, worlds

pytestmark = pytest.mark.django_db

TYPED = "这句话打了很久，不能丢。"


def signed_in(user, **options) -> Client:
    return worlds.client_of(worlds.sign_in(user), **options)


def events(kind: str) -> list[dict]:
    return [json.loads(bytes(event.canonical)) for event in Event.objects.filter(kind=kind).order_by("at")]


def fields(page: str, action: str) -> dict[str, str]:
    """Return the hidden fields of the form of a page that is sent to `action`."""
    form = page[page.index(f'action="{action}"') :]
    form = form[: form.index("</form>")]
    found = {}
    for tag in re.findall(r"<input[^>]*>|<textarea.*?</textarea>", form, re.DOTALL):
        name = re.search(r'name="([^"]*)"', tag)
        value = re.search(r'value="([^"]*)"', tag) or re.search(r">([^<]*)</textarea>", tag)
        if name:
            found[name[1]] = value[1] if value else ""
    return found


# A denial leaves one event


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_denial_leaves_one_committed_event_although_the_view_raised(city, owner, method):
    record = factories.violation_at(Status.SUBMITTED, city)
    name = {"get": "records:edit", "post": "records:discard"}[method]
    response = getattr(signed_in(city.reviewer), method)(reverse(name, args=[record.pk]))

    assert response.status_code == 403
    (denied,) = events(audit_kinds.DENIED)
    assert denied["actor"] == {"id": str(city.reviewer.pk), "unit": city.reviewer.unit_code}
    assert denied["target"] == {"type": "url", "id": str(record.pk)}
    assert denied["detail"] == {"view": name, "method": method.upper()}
    # Another connection sees it: it is committed.
    assert owner.execute("select count(*) from audit_event where kind = 'DENIED'").fetchone() == (1,)
    assert Violation.objects.get(pk=record.pk).status == Status.SUBMITTED


def test_a_denial_in_the_middle_of_an_act_undoes_the_act_and_is_kept(city, monkeypatch):
    draft = factories.request_draft(city)

    def denied(*args, **values):
        raise PermissionDenied

    # Only the act's own sight of the trail: the refusal is still recorded.
    monkeypatch.setattr("access.actions.requests.trail", SimpleNamespace(write=denied))
    response = signed_in(city.requester).post(
        reverse("access:request_withdraw", args=[draft.pk]), {"version": draft.version}
    )

    assert response.status_code == 403
    assert AccessRequest.objects.get().status == RequestStatus.DRAFT
    assert [event["target"]["id"] for event in events(audit_kinds.DENIED)] == [str(draft.pk)]


# Without a trail nothing is shown


@pytest.fixture
def opening(city):
    """A court's grant with everything done but the opening, and the browser that may open it."""
    subject = factories.person("欧阳不见")
    recent = timezone.localdate() - timedelta(days=60)
    factories.sealed(
        city,
        subject,
        offence_code="PSAPL2025-058-p1-i1",
        penalty=factories.Penalty(detention_days=6),
        day=recent,
        texts={"facts": "密封的事实。"},
    )
    client = signed_in(city.judge)
    session_key = client.cookies[settings.SESSION_COOKIE_NAME].value
    grant = factories.ready(factories.approved(city, subject, by=city.judge, code="PSAPL-136-CASE"), session_key)
    url = reverse("records:open", args=[grant.pk, factories.subject_of(grant).pk])
    return client, url


def test_the_answer_is_shown_when_nothing_is_the_matter(opening):
    client, url = opening
    response = client.post(url, {"token": factories.token()})
    assert response.status_code == 200
    assert "密封的事实。" in response.content.decode()


def revoked(owner) -> None:
    owner.execute("revoke insert on audit_event from seal_owner")


def too_slow(owner) -> None:
    """The owner plants a trigger that takes longer than the application waits for a statement."""
    owner.execute("""
        create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(5); return new; end $$;
        create trigger slow before insert on audit_event for each row execute function slow();
    """)
    with connection.cursor() as cursor:
        cursor.execute("set statement_timeout = '50ms'")


def broken(owner) -> None:
    owner.execute("""
        create function broken() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
        create trigger broken before insert on audit_event for each row execute function broken();
    """)


@pytest.mark.parametrize("trouble", [revoked, too_slow, broken])
def test_without_its_event_an_opening_answers_503_and_shows_and_counts_nothing(opening, owner, trouble):
    client, url = opening
    trouble(owner)
    response = client.post(url, {"token": factories.token()})

    assert response.status_code == 503
    for secret in ("密封的事实", "欧阳不见", "PSAPL2025"):
        assert secret not in response.content.decode()
    assert response["Retry-After"] and "no-store" in response["Cache-Control"]
    assert Opening.objects.count() == 0
    assert Grant.objects.get().openings_used == 0
    assert events(access_kinds.OPENING) == events(access_kinds.ANSWER_SHOWN) == []


@pytest.mark.parametrize("trouble", [revoked, broken])
def test_without_its_second_event_an_opening_answers_503_and_shows_nothing(opening, owner, trouble, monkeypatch):
    """The opening is counted and in the trail; that it was not shown follows as soon as the trail can be written again."""
    client, url = opening
    step = access_opening.open_grant

    def trouble_right_after(*arguments, **values):
        counted = step(*arguments, **values)
        trouble(owner)
        return counted

    monkeypatch.setattr(access_opening, "open_grant", trouble_right_after)
    response = client.post(url, {"token": factories.token()})

    assert response.status_code == 503
    for secret in ("密封的事实", "欧阳不见", "PSAPL2025"):
        assert secret not in response.content.decode()
    assert len(events(access_kinds.OPENING)) == 1
    assert events(access_kinds.ANSWER_SHOWN) == []
    assert owner.execute("select count(*) from sealed.shown").fetchone() == (0,)


@pytest.mark.parametrize("trouble", [revoked, too_slow, broken])
def test_without_its_event_nothing_else_is_done_either(city, owner, trouble):
    draft = factories.violation_at(Status.DRAFT, city)
    client = signed_in(city.officer)
    trouble(owner)
    response = client.post(reverse("records:submit", args=[draft.pk]), {"version": draft.version})

    assert response.status_code == 503
    assert Violation.objects.get().status == Status.DRAFT


def test_without_a_trail_a_denial_is_not_answered_either(city, owner):
    client = signed_in(city.officer)
    revoked(owner)
    assert client.get(reverse("access:queue")).status_code == 503


def test_without_a_trail_nobody_signs_in(city, owner):
    revoked(owner)
    client = Client(raise_request_exception=False)
    response = client.post(reverse("account_login"), {"login": "officer", "password": factories.PASSWORD})

    assert response.status_code == 503
    assert factories.PASSWORD not in response.content.decode()
    assert client.get(reverse("desk")).status_code == 302


# Without a database nothing is lost


@pytest.fixture
def no_database(db):
    """Let the next connection meet a port where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        dead = connections["default"]
        before = dict(dead.settings_dict)

        def pull() -> None:
            dead.close()
            dead.settings_dict.update(HOST="127.0.0.1", PORT=taken.getsockname()[1])

        yield pull
        dead.close()
        dead.settings_dict.update(before)


def test_with_the_database_down_a_plain_page_keeps_what_was_typed(city, no_database):
    client = signed_in(city.requester)
    no_database()
    url = reverse("access:request_begin", args=["PRESCHOOL-44"])
    response = client.post(url, {"reason": TYPED, "password": "never kept"})

    assert response.status_code == 503
    page = response.content.decode()
    assert TYPED in page and "never kept" not in page
    assert fields(page, url)["reason"] == TYPED
    assert response["Retry-After"]
    assert "no-store" in response["Cache-Control"]
    for word in ("Traceback", "psycopg", "127.0.0.1", city.requester.full_name):
        assert word not in page


@pytest.mark.parametrize("method", ["get", "post"])
def test_with_the_database_down_every_page_says_so(city, no_database, method):
    client = signed_in(city.officer)
    no_database()
    for name in ("desk", "account_login", "records:violations", "access:requests"):
        assert getattr(client, method)(reverse(name)).status_code == 503, name


def test_what_was_typed_can_be_sent_again_when_the_database_is_back(city, no_database):
    client = signed_in(city.requester)
    before = dict(connections["default"].settings_dict)
    no_database()
    url = reverse("access:request_begin", args=["PRESCHOOL-44"])
    page = client.post(
        url, {"reason": TYPED, "rows": "1", "token": factories.token(), "action": "save"}
    ).content.decode()
    connections["default"].close()
    connections["default"].settings_dict.update(before)

    response = client.post(url, fields(page, url))
    assert response.status_code == 302
    assert requests.read_particulars(AccessRequest.objects.get()).reason == TYPED


# An expired login in mid-form


def test_a_login_that_expired_in_mid_form_keeps_what_was_typed_and_goes_on_after_signing_in(city):
    client = Client(enforce_csrf_checks=True)
    client.force_login(city.requester)
    url = reverse("access:request_begin", args=["PRESCHOOL-44"])
    form = _form_of(client.get(url).content.decode())
    typed = {**form, "reason": TYPED, "action": "save"}
    factories.end_sessions()

    response = client.post(url, typed)
    page = response.content.decode()
    assert response.status_code == 409
    assert TYPED not in page  # it is kept there, but readable for its writer only
    assert AccessRequest.objects.count() == 0
    assert "no-store" in response["Cache-Control"]
    assert not Session.objects.live().exists()

    # In the other tab: the same browser signs in, and the token of the first page goes stale with it.
    login = client.get(reverse("account_login")).content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', login)[1]
    values = {"login": "kindergarten", "password": factories.PASSWORD, "csrfmiddlewaretoken": token}
    assert client.post(reverse("account_login"), values).status_code == 302

    again = fields(page, url)
    origin = {"headers": {"origin": "http://testserver"}}
    resumed = client.post(url, again, **origin)
    assert resumed.status_code == 409  # the token changed with the login: once more, and nothing is lost
    final = client.post(url, fields(resumed.content.decode(), url), **origin)
    assert final.status_code == 302
    assert requests.read_particulars(AccessRequest.objects.get()).reason == TYPED


def _form_of(page: str) -> dict[str, str]:
    """Return the fields of the main form of a page."""
    main = page[page.index("<main") :]
    start = re.search(r'<form[^>]*method="post"', main)
    form = main[start.start() :]
    form = form[: form.index("</form>")]
    found = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and 'type="file"' not in tag and (not re.search(r'type="(radio|checkbox)"', tag) or " checked" in tag):
            found[name[1]] = value[1] if value else ""
    return found


@pytest.mark.parametrize("name", ["records:confirm", "records:discard", "access:decide", "access:grant_revoke"])
def test_an_act_sent_without_a_login_does_nothing(city, name):
    objects = {
        "records:confirm": lambda: factories.violation_at(Status.SUBMITTED, city),
        "records:discard": lambda: factories.violation_at(Status.DRAFT, city),
        "access:decide": lambda: factories.submitted(city),
        "access:grant_revoke": lambda: factories.approved(city),
    }
    row = objects[name]()
    before = Event.objects.count()
    who = city.supervisor
    values = {"version": 1, "reason": TYPED, "typed_by": typed.writer(who)}
    response = Client().post(reverse(name, args=[row.pk]), values)
    assert response.status_code == 409
    page = response.content.decode()
    assert TYPED not in page
    kept = fields(page, reverse(name, args=[row.pk]))["kept"]
    assert typed.unseal(kept, who)["reason"] == TYPED
    assert typed.unseal(kept, city.officer) is None
    assert Event.objects.count() == before


# A stale token


def stale(client: Client, url: str, origin: str | None):
    headers = {"origin": origin} if origin else {}
    writer = fields(client.get(url).content.decode(), url).get("typed_by", "")
    return client.post(url, {"csrfmiddlewaretoken": "a" * 64, "typed_by": writer, "reason": TYPED}, headers=headers)


def test_a_stale_token_from_our_own_page_keeps_what_was_typed(city):
    client = Client(enforce_csrf_checks=True)
    client.force_login(city.requester)
    url = reverse("access:request_begin", args=["PRESCHOOL-44"])
    client.get(url)
    response = stale(client, url, "http://testserver")

    assert response.status_code == 409
    page = response.content.decode()
    carried = fields(page, url)
    assert TYPED not in page and carried["kept"]
    assert AccessRequest.objects.count() == 0
    # The carried page has a token that works.
    assert client.post(
        url, {**carried, "rows": "1", "action": "save"}, headers={"origin": "http://testserver"}
    ).status_code in (200, 302)


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "http://testserver.example", "null", None])
def test_a_stale_token_from_elsewhere_is_refused_and_echoes_nothing(city, origin):
    client = Client(enforce_csrf_checks=True)
    client.force_login(city.requester)
    url = reverse("access:request_begin", args=["PRESCHOOL-44"])
    client.get(url)
    response = stale(client, url, origin)

    assert response.status_code == 403
    assert TYPED not in response.content.decode()
    assert AccessRequest.objects.count() == 0


@pytest.mark.parametrize(
    ("language", "lang", "words"), [("en", "en", "Nothing was done"), ("zh-hans", "zh-hans", "没有执行")]
)
@pytest.mark.parametrize("is_signed_in", [True, False])
def test_a_form_from_elsewhere_is_answered_by_our_own_page_in_the_readers_language(
    city, language, lang, words, is_signed_in
):
    client = Client(enforce_csrf_checks=True, headers={"accept-language": language})
    if is_signed_in:
        client.force_login(city.requester)
    page = client.post(reverse("account_login"), {"login": "x"}, headers={"origin": "https://elsewhere.example"})

    assert page.status_code == 403
    text = page.content.decode()
    assert f'<html lang="{lang}">' in text and words in text
    assert "style=" not in text and "<style" not in text


# Nothing stays behind in browsers and sessions


def test_sealed_and_answer_pages_are_never_stored(city, opening):
    client, url = opening
    grant = Grant.objects.get()
    pages = [client.get(reverse("records:answers")), client.get(reverse("records:grant", args=[grant.pk]))]
    pages += [client.get(url), client.post(url, {"token": factories.token()})]
    stub = reverse("records:violation", args=[factories.sealed(city, factories.person()).pk])
    pages.append(signed_in(city.officer).get(stub))
    pages.append(signed_in(city.reviewer).get(stub))
    assert [page.status_code for page in pages] == [200, 200, 200, 200, 200, 404]
    for page in pages:
        assert "no-store" in page["Cache-Control"] and "private" in page["Cache-Control"]
        assert "ETag" not in page.headers and "Last-Modified" not in page.headers
        assert "Content-Encoding" not in page.headers


def test_sessions_and_cookies_hold_nothing_but_ids(city, opening):
    """After everything that a person may do here, the session says who and since when, and no more."""
    client, url = opening
    client.post(url, {"token": factories.token()})
    officer, requester = signed_in(city.officer), signed_in(city.requester)
    officer.post(reverse("records:new"), {"name": "欧阳不见", "number": factories.id_number(), "facts": TYPED})
    requester.post(reverse("access:request_new"), {"basis": "PRESCHOOL-44"})
    requester.post(reverse("access:request_begin", args=["PRESCHOOL-44"]), {"name_1": "欧阳不见", "reason": TYPED})
    browser = Client()
    browser.post(reverse("account_login"), {"login": "supervisor", "password": factories.PASSWORD})

    known = {"_auth_user_id", "_auth_user_backend", "_auth_user_hash", "_session_expiry"}
    known |= {"account_authentication_methods", "account_authentication_methods_user"}
    for browser_of in (client, officer, requester, browser):
        held = dict(browser_of.session.items())
        assert set(held) <= known, held
        for method in held.get("account_authentication_methods", []):
            assert set(method) <= {"method", "at", "username"}
    for one in (client, officer, requester, browser):
        for name, cookie in one.cookies.items():
            assert name in {"sessionid", "csrftoken", "messages", "django_language"}
            assert "欧阳" not in cookie.value and TYPED not in cookie.value
