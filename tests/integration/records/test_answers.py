"""The pages on which an answer is opened: the grant, the undertaking, the pause, the answer."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from access import database
from access import kinds as access_kinds
from access.actions import decisions, opening, people
from access.actions.requests import key_of, read_person
from access.exceptions import WrongState
from access.models import CasePurpose, Grant, Opening, Organisation, Session, Undertaking, UndertakingText
from access.models.duty import Duty
from access.models.people import OrganisationKind
from audit.models import Event
from records.penalties import Penalty
from tests import databases, factories
from tests.clients import signed_in
from tests.tampering import tamper

pytestmark = pytest.mark.django_db
THEFT = {"offence_code": "PSAPL2025-058-p1-i1", "penalty": Penalty(detention_days=7)}


def page(name, *args):
    return reverse(f"records:{name}", args=args)


def open_page(grant, position=1):
    return page("open", grant.pk, factories.subject_of(grant, position).pk)


def ready(client, grant):
    """Sign and confirm in this client's own session."""
    return factories.ready(grant, session_key=client.session.session_key)


def token_of(response):
    return re.search(r'name="token" value="([^"]+)"', response.content.decode())[1]


def opened(client, grant, position=1):
    """Go through the pause, as a browser does."""
    token = token_of(client.get(open_page(grant, position)))
    return client.post(open_page(grant, position), {"token": token})


def text_of(response):
    return response.content.decode()


def signature(by, **changed):
    """What the form of the undertaking sends when this person signs what they have read."""
    return {"signed_name": by.full_name, "text": UndertakingText.objects.to_sign(by).pk, **changed}


def kinds():
    return list(Event.objects.order_by("at").values_list("kind", flat=True))


# The list


def test_the_list_shows_my_grants_live_ones_first_and_names_nobody(city, owner):
    ended = factories.approved(city, factories.person(name="欧阳测试"))
    live = factories.approved(city, factories.person())
    owner.execute("alter table access_grant disable trigger user")
    owner.execute(
        "update access_grant set starts_at = starts_at - interval '9 days', ends_at = starts_at - interval '1 day'"
        " where id = %s",
        [ended.pk],
    )

    shown = text_of(signed_in(city.requester).get(page("answers")))

    assert shown.index(live.access_request.number) < shown.index(ended.access_request.number)
    assert "Ended" in shown
    assert "May be opened" in shown
    assert "欧阳" not in shown


@pytest.mark.parametrize("who", ["supervisor", "court", "officer", "auditor"])
def test_a_grant_is_nobody_elses(city, who):
    grant = factories.approved(city, factories.person())
    client = signed_in(city.people()[who])

    assert grant.access_request.number not in text_of(client.get(page("answers")))
    assert client.get(page("grant", grant.pk)).status_code == 404
    assert client.get(open_page(grant)).status_code == 404
    assert client.post(open_page(grant), {"token": str(uuid.uuid4())}).status_code == 404
    assert client.post(page("undertaking", grant.pk), {"signed_name": "x"}).status_code == 404
    assert not Undertaking.objects.exists()


def test_whoever_moved_to_another_unit_left_the_grant_behind(city, owner):
    grant = factories.approved(city, factories.person())
    client = signed_in(city.requester)
    owner.execute("alter table access_user disable trigger user")
    owner.execute("update access_user set organisation_id = %s where id = %s", [city.court.pk, city.requester.pk])

    assert client.get(page("grant", grant.pk)).status_code == 404


def test_the_queries_of_the_list_do_not_grow(city):
    client = signed_in(city.requester)
    counts = []
    for _each in range(2):
        factories.approved(city, factories.person())
        with CaptureQueriesContext(connection) as captured:
            client.get(page("answers"))
        counts.append(len(captured))

    assert counts[0] == counts[1]


# The grant and the undertaking


def test_the_grant_says_what_may_be_seen_and_asks_for_the_undertaking_first(city):
    person = factories.person(name="欧阳测试")
    grant = factories.approved(city, person)

    shown = text_of(signed_in(city.requester).get(page("grant", grant.pk)))

    for said in [
        grant.access_request.number,
        grant.basis.title_en,
        "gambling",
        "欧阳测试",
        "第一百三十六条",
        "Sign the undertaking",
    ]:
        assert said in shown
    assert person.number not in shown
    assert open_page(grant) not in shown


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_what_a_teacher_signs_quotes_what_binds_a_teacher(city, language):
    """Finding S13: Article 139 begins with "police officers" and binds nobody else."""
    grant = factories.approved(city, factories.person())
    client = signed_in(city.requester)
    client.cookies["django_language"] = language

    shown = text_of(client.get(page("grant", grant.pk)))

    for words in ["第一百三十六条", "第五十六条第一款", "《个人信息保护法》第十条", "第二百五十三条之一"]:
        assert words in shown
    for words in ["第一百三十九条", "人民警察办理治安案件", "Art. 139", "Police officers"]:
        assert words not in shown


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_what_a_police_officer_signs_quotes_articles_138_and_139(city, language):
    officer = factories.user_with(Duty.FILE_REQUESTS, organisation=city.station)
    purpose = CasePurpose.objects.get(code="CASE-AGG-22")
    grant = factories.approved(city, by=officer, code="PSAPL-136-CASE", case_purpose=purpose)
    client = signed_in(officer)
    client.cookies["django_language"] = language

    shown = text_of(client.get(page("grant", grant.pk)))

    for words in ["第一百三十六条", "第一百三十八条", "人民警察办理治安案件，有下列行为之一的"]:
        assert words in shown
    assert ("Police officers who" in shown) == (language == "en")
    assert "第五十六条第一款" not in shown


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_what_is_signed_is_kept(city, owner, language):
    grant = factories.ready(factories.approved(city, factories.person()))
    signed = Undertaking.objects.get(grant=grant).text
    new_version(owner, signed)
    client = signed_in(city.requester)
    client.cookies["django_language"] = language

    shown = text_of(client.get(page("grant", grant.pk)))

    for promise in (signed.promises_en if language == "en" else signed.promises_zh).splitlines():
        assert promise.replace("{number}", grant.access_request.number) in shown
    assert "The new text." not in shown
    texts = [signed.promises_zh, signed.quotations_zh, signed.promises_en, signed.summary_en]
    detail = json.loads(bytes(Event.objects.get(kind="UNDERTAKING_SIGNED").canonical))["detail"]
    assert detail == {
        "digest": hashlib.sha256("\n\n".join(texts).encode()).hexdigest(),
        "text": "OTHERS",
        "text_version": 1,
    }


def new_version(owner, text: UndertakingText) -> UndertakingText:
    """Load a version that is in force from today, as the owner does."""
    newer = UndertakingText.objects.get(pk=text.pk)
    newer.pk, newer.version, newer.valid_from = uuid.uuid4(), text.version + 1, timezone.localdate()
    newer.promises_zh = newer.promises_en = "The new text."
    databases.insert(owner, newer)
    return newer


def test_a_court_may_put_the_answer_into_the_file_as_procedure_requires(city):
    grant = factories.approved(city, by=city.judge, code="PSAPL-136-CASE")

    assert "Except where the law of procedure requires it" in text_of(
        signed_in(city.judge).get(page("grant", grant.pk))
    )
    factories.ready(grant)
    assert Undertaking.objects.get().text.code == "JUDICIAL"


def test_python_and_the_database_agree_on_who_signs_what(owner):
    for kind in OrganisationKind:
        [said] = owner.execute("select public.access_audience(%s)", [kind]).fetchone()
        assert said == Organisation(kind=kind).audience, kind


def test_a_text_that_changed_while_it_was_read_is_read_again(city, owner):
    grant = factories.approved(city, factories.person())
    client = signed_in(city.requester)
    read = UndertakingText.objects.to_sign(city.requester)
    newer = new_version(owner, read)

    refused = client.post(page("undertaking", grant.pk), signature(city.requester, text=read.pk))
    wrong = client.post(page("undertaking", grant.pk), signature(city.requester, text="x"))

    for response in (refused, wrong):
        said = text_of(response)
        assert "The text of the undertaking has changed meanwhile." in said and "The new text." in said
        assert city.requester.full_name in response.context["form"]["signed_name"].value()
    assert not Undertaking.objects.exists()
    client.post(page("undertaking", grant.pk), signature(city.requester))
    assert Undertaking.objects.get().text == newer


def test_the_database_takes_no_other_text_than_the_one_in_force(city, owner):
    grant = factories.approved(city, factories.person())
    read = UndertakingText.objects.to_sign(city.requester)
    new_version(owner, read)
    for text in (read, UndertakingText.objects.get(code="POLICE", version=1)):
        with pytest.raises(WrongState), transaction.atomic():
            database.sign(grant, by=city.requester, name=city.requester.full_name, text=text)
    assert not Undertaking.objects.exists()


def test_without_a_text_in_force_the_page_says_whom_to_ask(city, owner):
    grant = factories.approved(city, factories.person())
    tamper(owner, "update access_undertakingtext set valid_until = '2026-01-01'", tables=("access_undertakingtext",))

    shown = signed_in(city.requester).get(page("grant", grant.pk))

    assert shown.status_code == 503


def test_signing_needs_the_own_name_and_keeps_what_was_typed(city):
    grant = factories.approved(city, factories.person())
    client = signed_in(city.requester)

    wrong = client.post(page("undertaking", grant.pk), signature(city.requester, signed_name="李四"))
    empty = client.post(page("undertaking", grant.pk), signature(city.requester, signed_name=""))

    assert "Type your own full name" in wrong.context["form"].errors["signed_name"][0]
    assert "李四" in text_of(wrong)
    assert empty.context["form"].errors["signed_name"]
    assert not Undertaking.objects.exists()


def test_a_signed_undertaking_is_kept_once_and_lets_open(city):
    grant = factories.approved(city, factories.person())
    client = signed_in(city.requester)

    for _twice in range(2):
        response = client.post(page("undertaking", grant.pk), signature(city.requester), follow=True)

    assert Undertaking.objects.count() == 1
    assert kinds().count(access_kinds.UNDERTAKING_SIGNED) == 1
    assert open_page(grant) in text_of(response)


def test_a_revoked_grant_says_when_by_whom_and_why_and_nothing_else(city):
    person = factories.person(name="欧阳测试")
    grant = factories.approved(city, person)
    client = signed_in(city.requester)
    ready(client, grant)
    decisions.revoke(grant, by=city.supervisor, reason="误批。")

    shown = client.get(page("grant", grant.pk))

    text = text_of(shown)
    assert "This permission was revoked" in text and "误批。" in text
    assert f"by {city.branch.name_en or city.branch.name}." in text
    for hidden in ["欧阳", person.number, grant.access_request.number, grant.basis.title_en]:
        assert hidden not in text_of(shown)
    assert client.get(open_page(grant)).url == page("grant", grant.pk)
    assert client.post(open_page(grant), {"token": str(uuid.uuid4())}).status_code == 404
    assert client.post(page("undertaking", grant.pk), signature(city.requester)).status_code == 302


# The pause


def test_looking_at_the_pause_changes_nothing(city):
    grant = factories.approved(city, factories.person())
    client = signed_in(city.requester)
    ready(client, grant)
    before = kinds()

    response = client.get(open_page(grant))

    assert "You are about to look at sealed records" in text_of(response)
    assert kinds() == before
    assert not Opening.objects.exists()


def test_without_an_undertaking_the_pause_leads_back(city):
    grant = factories.approved(city, factories.person())
    client = signed_in(city.requester)

    assert client.get(open_page(grant)).url == page("grant", grant.pk)
    factories.confirm_identity(by=city.requester, session_key=client.session.session_key, grant=grant, proved=True)
    refused = client.post(open_page(grant), {"token": str(uuid.uuid4())}, follow=True)
    assert "Sign the confidentiality undertaking first." in text_of(refused)
    assert not Opening.objects.exists()


def test_an_old_identity_leads_to_the_confirmation_and_opens_nothing(city):
    grant = factories.approved(city, factories.person())
    client = signed_in(city.requester)
    opening.sign_undertaking(
        grant,
        by=city.requester,
        signed_name=city.requester.full_name,
        text=UndertakingText.objects.to_sign(city.requester),
    )

    response = client.get(open_page(grant))
    refused = client.post(open_page(grant), {"token": str(uuid.uuid4())}, follow=True)

    assert f"{reverse('access:identity', args=[grant.pk])}?next={open_page(grant)}" in text_of(response)
    assert 'name="token"' not in text_of(response)
    assert "Confirm your identity again" in text_of(refused)
    assert not Opening.objects.exists()


def test_a_confirmation_in_another_session_does_not_count(city):
    grant = factories.approved(city, factories.person())
    ready(signed_in(city.requester), grant)

    response = signed_in(city.requester).post(open_page(grant), {"token": str(uuid.uuid4())}, follow=True)

    assert "Confirm your identity again" in text_of(response)


def test_a_form_without_a_token_opens_nothing(city):
    grant = factories.approved(city, factories.person())
    client = signed_in(city.requester)
    ready(client, grant)

    for data in [{}, {"token": "x"}]:
        assert "You are about to look" in text_of(client.post(open_page(grant), data))
    assert not Opening.objects.exists()


# The answer


def test_a_kindergarten_is_told_that_there_is_a_record_and_no_more(city):
    person = factories.person(name="欧阳测试")
    sealed = factories.sealed(city, person)
    grant = factories.approved(city, person)
    client = signed_in(city.requester)
    ready(client, grant)

    response = opened(client, grant)

    shown = text_of(response)
    assert "There is a record of the categories asked about." in shown
    assert "no-store" in response["Cache-Control"]
    assert response.templates[0].name == "records/answer.html"
    for said in [
        city.requester.full_name,
        city.requester.badge_number,
        "127.0.0.1",
        grant.access_request.number,
        "watermark",
        # Whom it is about, in full as they were asked: a part of a number cannot be compared with a document.
        person.name,
        f"{person.number[:6]} {person.number[6:14]} {person.number[14:]}",
        "The number of the document alone: a former or misspelt name hides nothing.",
        "Belong together, by the document, which the deciding organ saw",
    ]:
        assert said in shown
    for hidden in [sealed.offence.name_en, str(sealed.pk), sealed.short_id, "测试路1号", "detention"]:
        assert hidden not in shown
    assert kinds()[-2:] == [access_kinds.OPENING, access_kinds.ANSWER_SHOWN]


def test_the_watermark_names_the_client_and_never_a_proxy(city, settings):
    settings.TRUSTED_PROXIES = 1
    person = factories.person()
    grant = factories.approved(city, person)
    client = signed_in(city.requester)
    ready(client, grant)
    forwarded = {"headers": {"x-forwarded-for": "192.0.2.66, 203.0.113.7"}, "REMOTE_ADDR": "10.9.8.7"}
    token = token_of(client.get(open_page(grant), **forwarded))
    shown = text_of(client.post(open_page(grant), {"token": token}, **forwarded))
    assert "watermark" in shown and "203.0.113.7" in shown
    assert "10.9.8.7" not in shown and "192.0.2.66" not in shown


def normalised(response, grant, sent):
    """Take out what names the request, the event and the moment."""
    body = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"|data-left="\d+"', "OWN", text_of(response))
    subject = factories.subject_of(grant)
    person = read_person(key_of(grant.access_request), subject)
    for own in [str(grant.pk), str(subject.pk), grant.access_request.number, person.name, sent]:
        body = body.replace(own, "OWN")
    # The answer says whom it is about in full, as they were asked.
    body = re.sub(r"[0-9]{6} [0-9]{8} [0-9]{3}[0-9X]", "NUMBER", body)
    body = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "EVENT", body)
    body = re.sub(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?(\+08:00)?)?", "MOMENT", body)
    body = re.sub(r"until [0-9]{2}:[0-9]{2}|until NUMBER", "until MOMENT", body)
    headers = {name: value for name, value in response.headers.items() if name != "Expires"}
    headers["Refresh"] = re.sub(r"^[0-9]+", "LEFT", headers["Refresh"].replace(str(grant.pk), "OWN"))
    body = re.sub(r'http-equiv="refresh" content="[0-9]+', "LEFT", body)
    return response.status_code, headers, body.splitlines()


@pytest.mark.parametrize("code", ["PRESCHOOL-44", "PSAPL-136-CASE"])
def test_no_record_and_one_outside_the_scope_are_the_same_answer(city, code):
    by = city.requester if code == "PRESCHOOL-44" else city.judge
    nobody, outside, beside = factories.person(), factories.person(), factories.person()
    # Not in the categories of PRESCHOOL-44; for the court, before the window that is granted.
    factories.sealed(city, outside, **THEFT)
    # Of the same name, with another document.
    factories.sealed(city, factories.person(name=beside.name))
    window = {"window_from": timezone.localdate()} if code == "PSAPL-136-CASE" else {}
    client = signed_in(by)
    answers, queries = [], []
    grants = [factories.approved(city, one, by=by, code=code, scope=window) for one in [nobody, outside, beside]]
    for grant in grants:
        ready(client, grant)
        token = token_of(client.get(open_page(grant)))
        with CaptureQueriesContext(connection) as captured:
            response = client.post(open_page(grant), {"token": token})
        answers.append(normalised(response, grant, token))
        queries.append([re.sub(r"'[^']*'", "VALUE", query["sql"]) for query in captured.captured_queries])

    assert any("There is nothing to show." in line for line in answers[0][2])
    assert answers[0] == answers[1] == answers[2]
    assert queries[0] == queries[1] == queries[2]


def test_a_court_is_shown_the_particulars(city):
    person = factories.person(name="欧阳测试")
    factories.sealed(city, person, **THEFT)
    grant = factories.approved(city, person, by=city.judge, code="PSAPL-136-CASE")
    client = signed_in(city.judge)
    ready(client, grant)

    shown = text_of(opened(client, grant))

    assert grant.rung == "FULL"
    for said in ["欧阳测试", "测试路1号", "经查明的违法事实。", "7 days of detention", "data-sealed"]:
        assert said in shown


def test_an_abstract_says_category_dates_unit_and_penalty(city):
    person = factories.person(name="欧阳测试")
    factories.sealed(city, person, **THEFT)
    grant = factories.approved(city, person, by=city.judge, code="PSAPL-136-CASE", scope={"rung": "ABSTRACT"})
    client = signed_in(city.judge)
    ready(client, grant)

    shown = text_of(opened(client, grant))

    for said in [
        "theft",
        "Served on",
        "2026-01-16",
        "Entered by the unit",
        city.station.name_en,
        "7 days of detention",
    ]:
        assert said in shown
    # A station does not decide detention: what entered the record is not said to have decided it.
    for hidden in ["测试路1号", "经查明的违法事实。", "Case number", "Evidence", "Organ<"]:
        assert hidden not in shown


def test_sending_the_form_twice_is_one_opening_with_two_events(city):
    grant = factories.approved(city, factories.person())
    client = signed_in(city.requester)
    ready(client, grant)
    token = token_of(client.get(open_page(grant)))

    for _twice in range(2):
        assert client.post(open_page(grant), {"token": token}).status_code == 200

    assert Opening.objects.count() == 1
    assert kinds().count(access_kinds.OPENING) == kinds().count(access_kinds.ANSWER_SHOWN) == 2
    assert Grant.objects.get().openings_used == 1


def test_used_up_openings_are_said_on_the_page_of_the_grant(city):
    grant = factories.approved(city, factories.person(), scope={"openings": 1})
    client = signed_in(city.requester)
    ready(client, grant)
    opened(client, grant)

    assert client.get(open_page(grant)).url == page("grant", grant.pk)
    assert open_page(grant) not in text_of(client.get(page("grant", grant.pk)))
    response = client.post(open_page(grant), {"token": str(uuid.uuid4())}, follow=True)

    assert response.redirect_chain[-1][0] == page("grant", grant.pk)
    assert "Every opening that was granted has been used" in text_of(response)


def test_a_person_of_another_grant_is_not_opened(city):
    grant, other = factories.approved(city, factories.person()), factories.approved(city, factories.person())
    client = signed_in(city.requester)
    ready(client, grant)

    crossed = page("open", grant.pk, factories.subject_of(other).pk)

    assert client.get(crossed).status_code == 404
    assert client.post(crossed, {"token": str(uuid.uuid4())}).status_code == 404
    assert not Opening.objects.exists()


def test_a_lapsed_agreement_opens_nothing_and_says_why(city, owner):
    grant = factories.approved(city, factories.person())
    client = signed_in(city.requester)
    ready(client, grant)
    token = token_of(client.get(open_page(grant)))
    owner.execute("alter table access_organisation disable trigger user")
    owner.execute(
        "update access_organisation set agreement_ends_on = %s where id = %s",
        [timezone.localdate() - timedelta(days=1), city.kindergarten.pk],
    )

    assert "The agreement with your unit has ended" in text_of(client.get(page("grant", grant.pk)))
    refused = client.post(open_page(grant), {"token": token}, follow=True)
    assert "The agreement with your unit has ended" in text_of(refused)
    assert refused.redirect_chain[-1][0] == page("grant", grant.pk)
    assert not Opening.objects.exists()


def test_without_a_trail_nothing_is_shown(city, owner):
    person = factories.person()
    factories.sealed(city, person)
    grant = factories.approved(city, person)
    client = signed_in(city.requester)
    ready(client, grant)
    token = token_of(client.get(open_page(grant)))
    owner.execute("revoke insert on audit_event from seal_owner")

    response = client.post(open_page(grant), {"token": token})

    assert response.status_code == 503
    assert "There is a record" not in text_of(response)
    assert not Opening.objects.exists()


def test_paper_gets_the_notice_and_not_the_answer(city):
    grant = factories.approved(city, factories.person())
    client = signed_in(city.requester)
    ready(client, grant)

    shown = text_of(opened(client, grant))

    assert "Sealed records are not printed." in shown
    assert re.search(r'class="card" data-sealed', shown)


def test_the_navigation_counts_what_may_be_opened(city):
    from access import frame
    from records.shell import navigation

    factories.approved(city, factories.person())
    held = factories.user_with(
        Duty.ENTER_VIOLATIONS, Duty.CONFIRM_VIOLATIONS, Duty.FILE_REQUESTS, organisation=city.station
    )

    frame.read(held.pk)  # as signing in does
    with CaptureQueriesContext(connection) as captured:
        assert [item.badge for item in navigation(frame.of(held))] == [0, 0, 0]
    assert len(captured) == 1
    assert [(item.url, item.badge) for item in navigation(frame.of(city.requester))] == [(page("answers"), 1)]


# Open on a screen ---------------------------------------------------------------------------------------------------


def left_of(client, counted) -> int:
    response = client.get(reverse("records:standing", args=[counted.opening]), headers={"x-timer": "1"})
    assert response.status_code == 200 and "no-store" in response["Cache-Control"]
    return response.json()["left"]


def test_an_open_answer_may_stand_for_the_time_that_is_left_and_only_for_its_reader(client, city):
    counted = factories.counted(factories.ready(factories.approved(city)))
    client.force_login(city.requester)
    events = Event.objects.count()
    assert settings.VIEWING_SECONDS - 30 < left_of(client, counted) <= settings.VIEWING_SECONDS
    assert Event.objects.count() == events
    for other in (city.supervisor, city.auditor, city.officer):
        somebody = Client()
        somebody.force_login(other)
        assert left_of(somebody, counted) == 0
    assert left_of(Client(), counted) == 0


@pytest.mark.parametrize(
    "ended",
    ["revoked", "disabled", "withdrawn", "agreement", "signed out", "over"],
)
def test_it_may_not_stand_when_something_has_ended(client, city, owner, ended):
    grant = factories.ready(factories.approved(city))
    counted = factories.counted(grant)
    client.force_login(city.requester)
    assert left_of(client, counted) > 0
    if ended == "revoked":
        decisions.revoke(grant, by=city.supervisor, reason="不再需要。")
    elif ended == "disabled":
        people.disable_user(city.requester, by=factories.administrator_of(city.kindergarten))
    elif ended == "withdrawn":
        factories.withdraw(city.requester, Duty.FILE_REQUESTS, city.kindergarten)
    elif ended == "agreement":
        yesterday = timezone.localdate() - timedelta(days=1)
        people.change_agreement(city.kindergarten, by=factories.administrator_of(city.kindergarten), ends_on=yesterday)
    elif ended == "signed out":
        client.post(reverse("account_logout"))
    else:
        owner.execute("alter table access_opening disable trigger user")
        owner.execute("update access_opening set viewable_until = clock_timestamp()")
    assert left_of(client, counted) == 0


def test_asking_is_one_statement_beside_who_asks_and_prolongs_no_session(client, city):
    counted = factories.counted(factories.ready(factories.approved(city)))
    client.force_login(city.requester)
    Session.objects.filter(user=city.requester).update(last_seen_at=timezone.now() - timedelta(seconds=600))
    before = Session.objects.get(user=city.requester).last_seen_at
    with CaptureQueriesContext(connection) as queries:
        left_of(client, counted)
    # Whose session it is, who that is - as on every page - and whether it may stand.
    assert len(queries) == 3, [query["sql"][:40] for query in queries]
    assert Session.objects.get(user=city.requester).last_seen_at == before


def test_time_left_counts_to_the_end_reload_or_not(client, city, owner):
    client.force_login(city.requester)
    grant = ready(client, factories.approved(city))
    data = {"token": str(factories.token())}
    url = reverse("records:open", args=[grant.pk, factories.subject_of(grant).pk])
    first = client.post(url, data)
    owner.execute("alter table access_opening disable trigger user")
    owner.execute(
        "update access_opening set opened_at = opened_at - interval '100 s', viewable_until = viewable_until - interval '100 s'"
    )
    again = client.post(url, data)

    over = reverse("records:grant", args=[grant.pk]) + "?viewing=over"
    for response, most in ((first, settings.VIEWING_SECONDS), (again, settings.VIEWING_SECONDS - 100)):
        page = response.content.decode()
        # Without a script; a script leaves with the clock that it shows, which more time puts off.
        refresh = rf'<noscript>\s*<meta http-equiv="refresh" content="(\d+); url={re.escape(over)}"></noscript>'
        assert most - 20 < int(re.search(refresh, page)[1]) <= most
        left, _semicolon, target = response["Refresh"].partition("; url=")
        assert 0 < (grant.ends_at - timezone.now()).total_seconds() - int(left) + 20 < 40
        assert target == over
        ends, now = (re.search(rf'data-{name}="([^"]+)"', page)[1] for name in ("ends-at", "server-now"))
        seconds = (datetime.fromisoformat(ends) - datetime.fromisoformat(now)).total_seconds()
        assert most - 20 < seconds <= most
