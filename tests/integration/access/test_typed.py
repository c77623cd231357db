"""What was typed outlives the session and belongs to who typed it (officers.md S3)."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from access.actions import requests
from access.models import AccessRequest
from tests import factories
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
TYPED = "拟聘用为保育员：只有我写的理由"
ORIGIN = {"origin": "http://testserver"}


@pytest.fixture
def city() -> factories.City:
    city = factories.City()
    city.colleague = factories.user_with(
        factories.Duty.FILE_REQUESTS, organisation=city.kindergarten, username="colleague"
    )
    return city


def fields(page: str) -> dict[str, str]:
    main = page[page.index("<main") :]
    form = main[main.index('method="post"') :]
    form = form[: form.index("</form>")]
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))


def sign_in(client: Client, username: str) -> None:
    login = client.get(reverse("account_login")).content.decode()
    values = {**fields(login), "login": username, "password": PASSWORD}
    assert client.post(reverse("account_login"), values).status_code == 302


@pytest.fixture
def shared(city) -> tuple[Client, str, dict[str, str]]:
    """A desk at shift change: one browser, a form half written, and the session has ended."""
    client = Client(enforce_csrf_checks=True, headers={"accept-language": "en", **ORIGIN})
    sign_in(client, "kindergarten")
    url = reverse("access:request_begin", args=["PRESCHOOL-44"])
    typed = {**fields(client.get(url).content.decode()), "rows": "1", "reason": TYPED, "action": "save"}
    factories.end_sessions()
    return client, url, typed


def test_it_is_kept_for_who_typed_it_and_nothing_is_stored(shared):
    client, url, typed = shared
    response = client.post(url, typed)
    page = response.content.decode()
    assert response.status_code == 409
    assert "Your session had ended" in page and fields(page)["kept"]
    assert TYPED not in page  # nor can anybody read it in the page's source

    sign_in(client, "kindergarten")
    again = client.post(url, fields(page))  # its token went stale with the sign-in
    assert again.status_code == 409
    assert client.post(url, fields(again.content.decode())).status_code == 302
    assert requests.read_particulars(AccessRequest.objects.get()).reason == TYPED


def test_somebody_else_neither_sees_nor_saves_it_and_its_writer_still_may(shared, city):
    client, url, typed = shared
    kept = client.post(url, typed).content.decode()
    sign_in(client, "colleague")
    for _again in range(2):
        response = client.post(url, fields(kept))
        kept = response.content.decode()
        assert response.status_code == 409
        assert TYPED not in kept
    assert "Somebody else typed this" in kept
    assert not AccessRequest.objects.exists()

    client.post(reverse("account_logout"), {"csrfmiddlewaretoken": fields(kept)["csrfmiddlewaretoken"]})
    sign_in(client, "kindergarten")
    page = client.post(url, fields(kept)).content.decode()
    assert client.post(url, fields(page)).status_code == 302
    saved = AccessRequest.objects.get()
    assert saved.requester == city.requester and requests.read_particulars(saved).reason == TYPED


def test_a_page_that_stayed_open_over_a_change_of_people_saves_nothing(shared):
    """Even with a token that is right: the form says who typed in it."""
    client, url, typed = shared
    sign_in(client, "colleague")
    fresh = fields(client.get(url).content.decode())
    assert fresh["typed_by"] != typed["typed_by"]
    response = client.post(url, {**typed, "csrfmiddlewaretoken": fresh["csrfmiddlewaretoken"]})
    assert response.status_code == 409
    assert "Somebody else typed this" in response.content.decode()
    assert TYPED not in response.content.decode()
    assert not AccessRequest.objects.exists()


@pytest.mark.parametrize("kept", ["", "x", "a.b.c", "00000000-0000-0000-0000-000000000000.AAAA.AAAA", "é.é.é"])
def test_what_is_not_ours_is_kept_for_nobody(shared, kept):
    client, url, _typed = shared
    sign_in(client, "kindergarten")
    fresh = fields(client.get(url).content.decode())
    response = client.post(url, {**fresh, "kept": kept, "reason": TYPED, "rows": "1", "action": "save"})
    assert response.status_code == (409 if kept else 302)


def test_secrets_are_never_carried(city):
    client = Client(headers={"accept-language": "en"})
    client.force_login(city.supervisor)
    access_request = factories.submitted(city)
    url = reverse("access:decide", args=[access_request.pk])
    typed_by = fields(client.get(reverse("access:review", args=[access_request.pk])).content.decode())["typed_by"]
    factories.end_sessions()
    page = client.post(url, {"typed_by": typed_by, "password": "my secret", "code": "123456"}).content.decode()
    from access import typed

    assert list(typed.unseal(fields(page)["kept"], city.supervisor)) == []
