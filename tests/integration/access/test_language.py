"""The language button works from every page and keeps what was typed."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from access.models import AccessRequest, Decision
from tests import factories
from tests.clients import signed_in
from tests.permission_table import patterns

pytestmark = pytest.mark.django_db
TYPED = "拟聘用为保育员：只有我写的理由"
NEXT = re.compile(r'<form method="post" action="/language/".*?</form>', re.S)


@pytest.fixture
def city():
    return factories.City()


def text_of(response):
    return response.content.decode()


def language_form(page):
    """What the language button of a page sends."""
    form = NEXT.search(page)[0]
    return {**dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)), "language": "zh-hans"}


def pressed(client, values):
    """Press it, and go where a browser goes: by the same method, with the same body."""
    response = client.post(reverse("set_language"), values)
    assert response.status_code == (307 if "show" in values else 302)
    again = client.post(response.url, values) if response.status_code == 307 else client.get(response.url)
    assert again.status_code == 200
    assert '<html lang="zh-hans">' in text_of(again)
    return text_of(again)


@pytest.mark.parametrize("sent", [{"action": "continue"}, {"action": "add_row"}])
def test_a_form_that_was_answered_with_errors_keeps_what_was_typed(city, sent):
    client = signed_in(city.requester)
    url = reverse("access:request_begin", args=["PRESCHOOL-44"])
    written = {"typed_by": writer_of(client, url), "rows": "2", "reason": TYPED, "name_2": "欧阳测试", **sent}

    page = text_of(client.post(url, written))
    shown = pressed(client, language_form(page))

    assert TYPED in shown and 'value="欧阳测试"' in shown
    assert 'data-guard="dirty"' in shown and "data-typed" in shown
    assert not AccessRequest.objects.exists()


def test_a_vote_with_an_error_keeps_the_reason_the_points_and_the_outcome(city):
    request = factories.submitted(city)
    client = signed_in(city.supervisor)
    review = reverse("access:review", args=[request.pk])
    fields = dict(re.findall(r'name="(version)" value="(\d+)"', text_of(client.get(review))))
    written = {
        "typed_by": writer_of(client, review),
        **fields,
        "reason": TYPED,
        "outcome": "refuse",
        "basis_applies": "no",
    }

    page = text_of(client.post(reverse("access:decide", args=[request.pk]), written))
    form = language_form(page)
    shown = pressed(client, form)

    assert form["next"] == review
    assert TYPED in shown
    assert re.search(
        r'name="outcome"[^>]*value="refuse"[^>]*checked|value="refuse"[^>]*name="outcome"[^>]*checked', shown
    )
    assert not Decision.objects.exists()


def test_what_a_page_was_asked_to_show_is_not_done(city):
    """Whatever the address would do with the form: with `show` it is only looked at."""
    draft = factories.request_draft(city)
    client = signed_in(city.requester)
    check = reverse("access:request_check", args=[draft.pk])
    values = {"typed_by": writer_of(client, check), "version": str(draft.version), "declares": "on", "show": "1"}

    assert client.post(reverse("access:request_submit", args=[draft.pk]), values).status_code == 405
    assert client.post(check, values).status_code == 200
    draft.refresh_from_db()
    assert draft.status == "DRAFT"


def test_nobody_sees_what_somebody_else_typed(city):
    colleague = factories.user_with(factories.Duty.FILE_REQUESTS, organisation=city.kindergarten)
    url = reverse("access:request_begin", args=["PRESCHOOL-44"])
    client = signed_in(city.requester)
    written = {"typed_by": writer_of(client, url), "rows": "1", "reason": TYPED, "action": "continue"}
    form = language_form(text_of(client.post(url, written)))

    for values in (form, {**written, "show": "1"}):
        assert TYPED not in text_of(signed_in(colleague).post(url, values))


def test_a_session_that_ended_meanwhile_keeps_it_too_and_nothing_is_done_after_the_sign_in(city):
    client = signed_in(city.requester)
    url = reverse("access:request_begin", args=["PRESCHOOL-44"])
    written = {"typed_by": writer_of(client, url), "rows": "1", "reason": TYPED, "show": "1"}
    factories.end_sessions()

    resumed = text_of(client.post(url, written))
    kept = re.search(r'<main.*?name="kept" value="([^"]+)"', resumed, re.S)[1]
    shown = text_of(signed_in(city.requester).post(url, {"kept": kept}))

    assert TYPED in shown and "data-typed" in shown
    assert not AccessRequest.objects.exists()


def test_an_answer_that_was_open_is_led_back_to_with_the_same_opening(city):
    grant = factories.approved(city, factories.person())
    client = signed_in(city.requester)
    factories.ready(grant, session_key=client.session.session_key)
    url = reverse("records:open", args=[grant.pk, factories.subject_of(grant).pk])
    token = re.search(r'name="token" value="([^"]+)"', text_of(client.get(url)))[1]

    form = language_form(text_of(client.post(url, {"token": token, "typed_by": writer_of(client, url)})))
    shown = pressed(client, form)

    assert f'name="token" value="{token}"' in shown
    assert grant.counted_openings.count() == 1


def test_every_view_that_only_takes_a_form_and_shows_its_page_says_which_page_that_is():
    """Found in the source: a view that does not answer GET and renders something knows the page it renders."""
    rendering = {
        *("access:request_submit", "access:decide", "access:proposal_enact", "access:proposal_turn_down"),
        *("access:duty_give", "records:return", "records:undertaking"),
    }
    marked = {name for name, pattern in patterns() if getattr(pattern.callback, "page_at", None)}
    assert marked == rendering
    for name, pattern in patterns():
        if name in marked:
            assert reverse(pattern.callback.page_at, args=[factories.token()])


def writer_of(client, url):
    return re.search(r'name="typed_by" value="(\w{64})"', text_of(client.get(url)))[1]
