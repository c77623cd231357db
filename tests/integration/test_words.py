"""What pages say, where somebody once stumbled over it: each sentence in the language and in the place where it is read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import translation

from access import identifiers, shell
from access.identifiers import DocumentType, IdentifierError
from access.models.requests import Status
from access.templatetags.html import left_from
from audit import sentences, trail
from audit.kinds import TRAIL_ALARM
from audit.models import Event
from config import stock
from tests import factories
from tests.clients import signed_in

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)  # a Friday
LABEL = "Unofficial English"


@pytest.fixture
def city(db: None) -> factories.City:
    return factories.City()


def chinese(user) -> Client:
    client = Client(headers={"accept-language": "zh-hans"})
    client.force_login(user)
    return client


def text_of(client: Client, name: str, *args) -> str:
    response = client.get(reverse(name, args=args))
    assert response.status_code == 200
    return response.content.decode()


# Stock sentences ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("sentence", [*stock.SENTENCES, *stock.COUNTED], ids=str)
def test_no_sentence_of_django_is_left_as_it_came(sentence, language):
    with translation.override(None):
        came = str(sentence % {"limit_value": 2, "show_value": 1, "value": "x"})
    with translation.override(language):
        said = translation.gettext(sentence) if isinstance(sentence, str) else sentence
        said = str(said % {"limit_value": 2, "show_value": 1, "value": "x"})
    assert said != came


@pytest.mark.parametrize(
    ("field", "value", "english", "chinese_"),
    [
        (forms.CharField(), "", "Complete this item.", "请填写或者选择此项。"),
        (forms.IntegerField(min_value=1), "0", "The least that can be entered is 1.", "不得小于 1。"),
        (forms.IntegerField(max_value=3), "4", "The most that can be entered is 3.", "不得大于 3。"),
        (forms.IntegerField(), "x", "Enter a whole number, in digits.", "请用数字填写整数。"),
        (
            forms.ChoiceField(choices=[("a", "A")]),
            "BOGUS",
            "“BOGUS” cannot be chosen here. Choose from the list.",
            "此处不能选择“BOGUS”，请从所列选项中选择。",
        ),
        (
            forms.CharField(max_length=2),
            "abc",
            "Write at most 2 characters; there are 3.",
            "不得超过 2 个字，现有 3 个字。",
        ),
    ],
)
def test_a_field_says_what_to_do(field, value, english, chinese_):
    for language, said in (("en", english), ("zh-hans", chinese_)):
        with translation.override(language), pytest.raises(ValidationError) as refused:
            field.clean(value)
        with translation.override(language):
            assert refused.value.messages == [said]


def test_who_signs_in_is_greeted_by_name_and_not_by_user_name():
    user = factories.UserFactory(full_name="林小满")
    for language, said in (("en", "林小满, you are signed in."), ("zh-hans", "林小满，您已登录系统。")):
        with translation.override(language):
            assert (
                render_to_string("account/messages/logged_in.txt", {"user": user, "name": user.username}).strip()
                == said
            )
    with translation.override("zh-hans"):
        assert render_to_string("account/messages/logged_out.txt", {}).strip() == "您已退出系统。"


# Time -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "label", "tone", "chinese_"),
    [
        (timedelta(days=3, hours=2), "3 days left", "green", "剩 3 天"),  # over a weekend
        (timedelta(hours=23), "23 hours left", "amber", "剩 23 小时"),
        (timedelta(), "ended", "grey", "已结束"),
    ],
)
def test_a_grant_ends_by_the_clock_and_not_by_working_days(left, label, tone, chinese_):
    with translation.override("en"):
        assert shell.ends(NOW + left, NOW) == shell.Due(tone, label, NOW + left)
    with translation.override("zh-hans"):
        assert shell.ends(NOW + left, NOW).label == chinese_


def test_the_desk_says_in_days_when_an_answer_closes(city):
    factories.approved(city)
    assert "2 days left" in text_of(signed_in(city.requester), "desk")


@pytest.mark.parametrize(
    ("left", "english", "chinese_"),
    [
        (timedelta(days=2, hours=23, minutes=59), "2 days 23 hours", "2 天 23 小时"),
        (timedelta(days=1), "1 day", "1 天"),
        (timedelta(hours=5, minutes=1), "5 hours 1 minute", "5 小时 1 分钟"),
        (timedelta(minutes=7), "7 minutes", "7 分钟"),
    ],
)
def test_time_that_is_left_reads_as_one(left, english, chinese_):
    with translation.override("en"):
        assert left_from(NOW + left, NOW) == english
    with translation.override("zh-hans"):
        assert left_from(NOW + left, NOW) == chinese_


# Forms and papers -----------------------------------------------------------------------------------------------------


def test_impossible_first_digits_are_named_and_the_kind_of_document_is_not_blamed():
    with pytest.raises(IdentifierError) as refused, translation.override("en"):
        identifiers.parse_id_number("999999199001010013", NOW.date(), DocumentType.RESIDENT_ID)
    assert refused.value.code == "unknown_region"
    assert "999999" in str(refused.value)


def test_a_receipt_names_the_organ_that_decides(city):
    access_request = factories.submitted(city)
    assert "<dt>审批机关</dt>" in text_of(chinese(city.requester), "access:receipt", access_request.pk)


def test_a_draft_is_discarded_and_what_was_submitted_is_withdrawn(city):
    draft, sent = factories.request_at(Status.DRAFT, city), factories.request_at(Status.SUBMITTED, city)
    there, sent_page = (text_of(chinese(city.requester), "access:request", one.pk) for one in (draft, sent))
    assert "放弃草稿" in there and "是否放弃该草稿？" in there and "新建草稿" in there
    assert "是否撤回该申请？" not in there
    assert "放弃草稿" not in sent_page and "是否撤回该申请？" in sent_page


def test_what_is_filled_in_and_needed_is_not_called_optional(city):
    access_request = factories.submitted(city)
    page = text_of(signed_in(city.supervisor), "access:review", access_request.pk)
    assert "Hours the answer may be opened for" in page
    start = page.index("Hours the answer may be opened for")
    assert "(optional)" not in page[start : page.index("</label>", start)]


def test_the_title_of_a_page_with_errors_has_no_gap_in_chinese(city):
    client = chinese(city.requester)
    page = client.post(reverse("access:request_begin", args=["PRESCHOOL-44"]), {"action": "continue", "rows": "1"})
    assert "<title>错误：新建申请 –" in page.content.decode()


def test_pages_of_a_list_are_pages():
    with translation.override("zh-hans"):
        drawn = render_to_string("components/pagination.html", {"page": _SecondOfThree()})
    assert "上一页" in drawn and "下一页" in drawn


class _SecondOfThree:
    has_other_pages = has_previous = has_next = True
    number, previous_page_number, next_page_number = 2, 1, 3
    paginator = type("Paginator", (), {"num_pages": 3})


# Law ------------------------------------------------------------------------------------------------------------------


def test_law_in_english_is_called_unofficial_and_law_in_chinese_is_not(city):
    draft, sent = factories.request_at(Status.DRAFT, city), factories.request_at(Status.SUBMITTED, city)
    grant = factories.approved(city)
    pages = [
        (city.requester, "access:request_new"),
        (city.requester, "access:request_begin", "PRESCHOOL-44"),
        (city.requester, "access:request_edit", draft.pk),
        (city.requester, "access:request_check", draft.pk),
        (city.requester, "access:request", sent.pk),
        (city.requester, "access:receipt", sent.pk),
        (city.requester, "records:grant", grant.pk),
        (city.supervisor, "access:review", sent.pk),
    ]
    for who, name, *args in pages:
        assert text_of(signed_in(who), name, *args).count(LABEL) == 1, name
        assert LABEL not in text_of(chinese(who), name, *args), name


# The trail ------------------------------------------------------------------------------------------------------------


def test_the_row_of_an_alarm_says_its_reason_in_words(city):
    with transaction.atomic():
        trail.write(TRAIL_ALARM, by=None, on=None, reason="NEVER_VERIFIED")
    with translation.override("en"):
        line = sentences.describe(Event.objects.filter(kind=TRAIL_ALARM))[0]
    assert line.details == [("Reason", "The trail was never verified.")]


def test_rows_name_units_without_a_word_before_them_and_the_last_column_is_about_the_log(city):
    factories.submitted(city)
    page = text_of(chinese(city.auditor), "audit:events")
    assert "日志状态" in page and "入账" not in page
    assert f"{city.requester.organisation}的{city.requester.full_name}" in page
    assert f"单位 {city.requester.organisation}" not in page


def test_who_confirmed_their_identity_for_a_request_stands_in_its_list(city):
    grant, other = factories.approved(city), factories.approved(city)
    factories.confirm_identity(by=city.requester, grant=grant)
    factories.confirm_identity(by=city.requester, grant=grant, proved=False)
    number = grant.access_request.number
    response = signed_in(city.auditor).get(reverse("audit:events"), {"q": number})
    shown = [row["line"] for row in response.context["rows"]]
    kinds = [line.event.kind for line in shown]
    assert kinds.count("IDENTITY_NOT_CONFIRMED") == 1
    # Whoever voted confirmed it too.
    assert kinds.count("IDENTITY_CONFIRMED") == 2
    assert {line.number for line in shown} == {number}
    assert other.access_request.number not in response.content.decode()


def test_the_page_of_an_event_says_which_clock_is_which(city):
    event = Event.objects.latest("at")
    page = text_of(signed_in(city.auditor), "audit:event", event.pk)
    assert "Beijing time" in page
    assert f"{event.at:%Y-%m-%d %H:%M:%S}</span> UTC" in page
