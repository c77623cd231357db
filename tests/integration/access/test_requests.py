"""Asking, page by page: allowed, refused, invisible; and nothing that was typed is lost."""

from __future__ import annotations

import io
import uuid
import zipfile
from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from access.actions import people, requests
from access.models import AccessRequest, Letter
from access.models.duty import Duty
from access.models.people import OrganisationKind
from access.models.requests import Status
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]

PDF = b"%PDF-1.4\n% invented\n%%EOF\n"


def sign_in(client: Client, user) -> None:
    client.force_login(user)


def ofd() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("OFD.xml", "<OFD/>")
    return archive.getvalue()


def typed(**values) -> dict[str, object]:
    """What a kindergarten types into the form, complete unless said otherwise."""
    return {
        "rows": "1",
        "token": str(uuid.uuid4()),
        "name_1": "张三丰",
        "document_type_1": "resident_id",
        "number_1": factories.id_number(),
        "reason": "拟聘用为保育员。",
        "scope_of_use": "仅供园长决定是否聘用。",
        "asked_rung": "PRESENCE",
        "action": "save",
        **values,
    }


def begin_url(code: str = "PRESCHOOL-44") -> str:
    return reverse("access:request_begin", args=[code])


def page(response) -> str:
    return response.content.decode()


# The list


def test_the_list_shows_numbers_and_never_a_name(client, city):
    access_request = factories.submitted(city, factories.person(name="欧阳不见"))
    sign_in(client, city.requester)

    response = client.get(reverse("access:requests"))

    assert access_request.number in page(response)
    assert "欧阳不见" not in page(response)


def test_the_list_shows_own_requests_only(client, city):
    access_request = factories.submitted(city)
    sign_in(client, city.judge)
    assert access_request.number not in page(client.get(reverse("access:requests")))


def test_the_tabs_part_open_decided_and_withdrawn_and_say_nothing_twice(client, city):
    draft, approved = factories.request_draft(city), factories.request_at(Status.APPROVED, city)
    withdrawn = factories.request_at(Status.WITHDRAWN, city)
    sign_in(client, city.requester)

    def shown(tab: str) -> list[bool]:
        text = page(client.get(reverse("access:requests"), {"tab": tab}))
        return [access_request.number in text for access_request in (draft, approved, withdrawn)]

    assert shown("open") == [True, False, False]
    assert shown("decided") == [False, True, False]
    assert shown("ended") == [False, False, True]


def test_the_queries_of_the_list_do_not_grow_with_its_rows(client, city):
    sign_in(client, city.requester)
    counts = []
    for more in (2, 8):
        for _row in range(more):
            factories.request_draft(city)
            factories.submitted(city)
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("access:requests"))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_lapsed_agreement_is_said_and_ends_filing(client, city):
    people.change_agreement(
        city.kindergarten,
        by=factories.administrator_of(city.kindergarten),
        ends_on=timezone.localdate() - timedelta(days=1),
    )
    sign_in(client, city.requester)

    assert "agreement with your unit has ended" in page(client.get(reverse("access:requests")))
    assert client.get(reverse("access:request_new")).status_code == 403
    assert client.post(begin_url(), typed()).status_code == 403


# The legal basis


def test_only_bases_that_apply_can_be_chosen(client, city):
    sign_in(client, city.requester)
    response = client.get(reverse("access:request_new"))

    assert 'value="PRESCHOOL-44"' in page(response)
    assert 'value="PSAPL-136-CASE"' not in page(response)
    assert AccessRequest.objects.count() == 0


def test_choosing_a_basis_leads_to_its_form_and_saves_nothing(client, city):
    sign_in(client, city.requester)
    response = client.post(reverse("access:request_new"), {"basis": "PRESCHOOL-44"})

    assert response["Location"] == begin_url()
    assert client.get(begin_url()).status_code == 200
    assert AccessRequest.objects.count() == 0


@pytest.mark.parametrize("code", ["PSAPL-136-CASE", "UAV-16"])
def test_asking_under_a_basis_that_does_not_apply_is_refused_with_its_citation(client, city, code):
    sign_in(client, city.requester)
    citation = factories.basis(code).citation_en

    chosen = client.post(reverse("access:request_new"), {"basis": code})
    begun = client.get(begin_url(code))
    written = client.post(begin_url(code), typed())

    for response in (chosen, begun, written):
        assert response.status_code == 200
        assert citation in page(response)
        assert "is only for state organs that handle a case, and your unit is none" in page(response)
    assert AccessRequest.objects.count() == 0


def test_an_ordinary_employer_reads_why_no_basis_applies(client, city):
    sign_in(client, city.hr)
    response = client.get(reverse("access:request_new"))
    assert "No legal basis lets your unit ask" in page(response)
    assert factories.basis("ORD-EMPLOYER").citation_en in page(response)


def test_an_unknown_basis_does_not_exist(client, city):
    sign_in(client, city.requester)
    assert client.get(begin_url("NO-SUCH-BASIS")).status_code == 404


def test_who_does_not_file_cannot_begin(client, city):
    sign_in(client, city.officer)
    assert client.get(reverse("access:request_new")).status_code == 403
    assert client.get(begin_url()).status_code == 403


# Writing


def test_a_draft_may_be_incomplete(client, city):
    sign_in(client, city.requester)
    response = client.post(begin_url(), typed(name_1="", number_1="", reason="", scope_of_use=""))

    access_request = AccessRequest.objects.get()
    assert response["Location"] == reverse("access:request_edit", args=[access_request.pk])
    assert access_request.status == Status.DRAFT
    assert requests.read_particulars(access_request).people == []


def test_continuing_asks_for_every_missing_part_and_saves_nothing(client, city):
    sign_in(client, city.requester)
    response = client.post(begin_url(), typed(action="continue", name_1="", number_1="", reason="", scope_of_use=""))

    for sentence in (
        "Name at least one person.",
        "Give the reason for the query.",
        "Say how the answer will be used, and by whom.",
        "Attach the official letter.",
    ):
        assert sentence in page(response)
    assert AccessRequest.objects.count() == 0


def test_a_complete_request_is_saved_with_its_letter_and_checked(client, city):
    sign_in(client, city.requester)
    letter = SimpleUploadedFile("公函.pdf", PDF, "text/html")
    response = client.post(begin_url(), typed(action="continue", letter=letter))

    access_request = AccessRequest.objects.get()
    assert response["Location"] == reverse("access:request_check", args=[access_request.pk])
    kept = access_request.current_letters.get()
    assert kept.media_type == "application/pdf"
    assert requests.read_letter(kept) == ("公函.pdf", PDF)


def test_a_row_is_added_without_losing_or_saving_anything(client, city):
    sign_in(client, city.requester)
    response = client.post(begin_url(), typed(action="add_row", number_1="1", asked_from="2026-99-99"))

    assert 'name="name_2"' in page(response)
    assert "张三丰" in page(response) and "拟聘用为保育员。" in page(response) and "2026-99-99" in page(response)
    assert "error-summary" not in page(response)
    assert AccessRequest.objects.count() == 0


def test_no_more_than_a_hundred_people_fit(client, city):
    sign_in(client, city.requester)
    response = client.post(begin_url(), typed(action="add_row", rows="100"))
    assert 'name="name_100"' in page(response) and 'name="name_101"' not in page(response)
    response = client.post(begin_url(), typed(rows="99999999999999999999"))
    assert response.status_code in (200, 302)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"number_1": "31010119900101001"}, "The number has 18 characters, not 17"),
        ({"number_1": "310101199013010010"}, "Digits 7 to 14 are not a possible date of birth"),
        ({"number_1": "990000199001010010"}, "The region code 990000 is not known"),
        ({"name_1": "张\u202e三"}, "change the direction of writing"),
        ({"name_1": "12345"}, "A name has at least one letter or Chinese character"),
        ({"reason": "a\0b"}, "The text holds a NUL character"),
        ({"reason": "长" * 2001}, "The text has 2001 characters and may have 2000"),
        ({"asked_from": (timezone.localdate() + timedelta(days=1)).isoformat()}, "This day is in the future"),
        ({"asked_from": "2026-02-30"}, "Enter the day as year, month and day"),
        ({"asked_rung": "FULL"}, "cannot be chosen here"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field_and_everything_typed_stays(client, city, wrong, sentence):
    sign_in(client, city.requester)
    response = client.post(begin_url(), typed(**wrong, scope_of_use="这句话要留下。"))

    assert sentence in page(response)
    assert "error-summary" in page(response)
    assert "这句话要留下。" in page(response)
    assert AccessRequest.objects.count() == 0


def test_a_wrong_check_digit_names_the_right_one(client, city):
    sign_in(client, city.requester)
    number = factories.id_number()
    wrong = number[:-1] + ("1" if number[-1] != "1" else "2")
    response = client.post(begin_url(), typed(number_1=wrong))
    assert f"The 18th digit should be {number[-1]}" in page(response)
    assert wrong in page(response)


def test_one_person_twice_is_refused(client, city):
    sign_in(client, city.requester)
    number = factories.id_number()
    second = {"rows": "2", "name_2": "张三", "document_type_2": "resident_id", "number_2": number.lower()}
    response = client.post(begin_url(), typed(number_1=number, **second))
    assert "Person 1 has the same number" in page(response)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("letter.pdf", b"MZ not a letter", "The content of the file is not what its name says"),
        ("letter.ofd", b"PK\x03\x04 no zip", "The content of the file is not what its name says"),
        ("letter.jpg", PDF, "The content of the file is not what its name says"),
        ("letter.docx", b"PK\x03\x04", "The letter must be a PDF, JPEG or OFD file."),
        ("letter.pdf", b"", "The file is empty"),
        ("letter.pdf", PDF + b"0" * (30 * 1024 * 1024), "The file has 31 MB and may have 20 MB"),
    ],
)
def test_a_file_that_is_no_letter_is_refused_and_everything_typed_stays(client, city, name, content, sentence):
    sign_in(client, city.requester)
    response = client.post(begin_url(), typed(letter=SimpleUploadedFile(name, content)))

    assert sentence in page(response)
    assert "拟聘用为保育员。" in page(response) and "张三丰" in page(response)
    assert AccessRequest.objects.count() == 0 and Letter.objects.count() == 0


@pytest.mark.parametrize(
    ("name", "content"), [("a.JPG", b"\xff\xd8\xff\xe0"), ("a.jpeg", b"\xff\xd8\xff"), ("a.ofd", ofd())]
)
def test_jpeg_and_ofd_letters_are_taken(client, city, name, content):
    sign_in(client, city.requester)
    assert client.post(begin_url(), typed(letter=SimpleUploadedFile(name, content))).status_code == 302
    assert Letter.objects.count() == 1


def test_a_good_letter_beside_an_error_is_asked_for_again(client, city):
    sign_in(client, city.requester)
    response = client.post(begin_url(), typed(number_1="1", letter=SimpleUploadedFile("a.pdf", PDF)))
    assert "choose the letter again" in page(response)


@pytest.mark.parametrize(
    ("number", "sentence"),
    [("2026-12", "Enter the case number with its year in brackets"), ("（2026）沪0101刑初12号", None)],
)
def test_a_court_gives_a_court_case_number(client, city, number, sentence):
    sign_in(client, city.judge)
    response = client.post(begin_url("PSAPL-136-CASE"), typed(case_number=number, case_purpose="CRIM-THEFT"))
    if sentence:
        assert sentence in page(response)
    else:
        assert AccessRequest.objects.get().case_purpose.code == "CRIM-THEFT"


def test_the_least_answer_is_chosen_beforehand_and_purposes_are_those_of_the_organ(client, city):
    sign_in(client, city.judge)
    shown = page(client.get(begin_url("PSAPL-136-CASE")))
    chosen = shown[shown.index('value="PRESENCE"') :].split(">", 1)[0]
    assert "checked" in chosen
    assert 'value="FULL"' in shown
    assert 'value="CRIM-THEFT"' in shown and 'value="SUPERVISE-18"' not in shown
    refused = client.post(begin_url("PSAPL-136-CASE"), typed(case_purpose="SUPERVISE-18"))
    assert "cannot be chosen here" in page(refused)


def letter() -> SimpleUploadedFile:
    return SimpleUploadedFile("公函.pdf", PDF, "application/pdf")


def case_form(**values) -> dict[str, object]:
    return typed(case_number="（2026）沪0101刑初12号", asked_rung="ABSTRACT", action="continue", **values)


def test_a_purpose_with_a_period_asks_for_the_day_of_the_new_act_and_keeps_it(client, city):
    sign_in(client, city.judge)
    refused = client.post(begin_url("PSAPL-136-CASE"), case_form(case_purpose="CRIM-THEFT", letter=letter()))
    assert "Give the day of the new act." in page(refused)
    future = client.post(begin_url("PSAPL-136-CASE"), case_form(case_purpose="CRIM-THEFT", act_on="2999-01-01"))
    assert "This day is in the future" in page(future)

    client.post(begin_url("PSAPL-136-CASE"), case_form(case_purpose="CRIM-THEFT", act_on="2026-06-10", letter=letter()))

    assert AccessRequest.objects.get().act_on == date(2026, 6, 10)


def test_a_period_that_begins_after_the_new_act_is_told_at_its_field_already_in_a_draft(client, city):
    sign_in(client, city.judge)
    upside_down = case_form(case_purpose="CRIM-THEFT", act_on="2026-01-10", asked_from="2026-06-10")
    response = page(client.post(begin_url("PSAPL-136-CASE"), {**upside_down, "action": "save"}))

    assert "The period may not begin after the new act of 2026-01-10" in response
    assert AccessRequest.objects.count() == 0


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"act_on": "1949-09-30"}, "The day of the new act is before 1949-10-01; check its year."),
        ({"act_on": "1985-06-10"}, "The day of the new act is before the birth of person 1; check both."),
        (
            {"act_on": "2026-01-10", "case_number": "（2099）沪0101刑初12号"},
            "The year 2099 in the number is still to come",
        ),
    ],
)
def test_a_day_or_a_number_that_cannot_be_is_told_at_its_field(client, city, wrong, sentence):
    sign_in(client, city.judge)
    person = {"number_1": factories.id_number(date(1990, 1, 1))}
    form = {**case_form(case_purpose="CRIM-THEFT"), **person, **wrong, "action": "save"}

    assert sentence in page(client.post(begin_url("PSAPL-136-CASE"), form))
    assert AccessRequest.objects.count() == 0


def test_a_decision_number_of_another_year_than_its_date_is_told_and_not_refused(client, city):
    sign_in(client, city.judge)
    decision = {"decision_number": "京公海行罚决字〔2025〕50316号", "decision_on": "2026-01-02"}
    form = {**case_form(case_purpose="REVIEW", letter=letter(), **decision), "asked_rung": "FULL"}
    response = client.post(begin_url("PSAPL-136-CASE"), form, follow=True)

    assert "The number names another year than the date." in page(response)
    assert AccessRequest.objects.get().decision_on == date(2026, 1, 2)


def test_a_draft_without_a_purpose_keeps_the_day_that_was_typed(client, city):
    sign_in(client, city.judge)
    client.post(begin_url("PSAPL-136-CASE"), {**case_form(case_purpose="", act_on="2026-06-10"), "action": "save"})

    assert AccessRequest.objects.get().act_on == date(2026, 6, 10)


def test_a_review_asks_for_the_decision_and_drops_the_day_of_an_act(client, city):
    sign_in(client, city.judge)
    refused = page(client.post(begin_url("PSAPL-136-CASE"), case_form(case_purpose="REVIEW", letter=letter())))
    assert "the answer would be about every decision of that day" in refused
    assert "Give the number of the decision under review." in refused
    assert "Give the date of the decision under review." in refused
    decision = {"decision_number": "京公海行罚决字〔2026〕50316号", "decision_on": "2026-06-10", "act_on": "2026-01-01"}
    decision["asked_rung"] = "FULL"

    client.post(begin_url("PSAPL-136-CASE"), {**case_form(case_purpose="REVIEW", letter=letter()), **decision})

    draft = AccessRequest.objects.get()
    assert (draft.decision_on, draft.act_on) == (date(2026, 6, 10), None)
    assert requests.read_particulars(draft).decision_number == decision["decision_number"]


def test_acts_of_the_same_kind_need_the_kind(client, city):
    procuratorate = factories.organisation(OrganisationKind.PROCURATORATE)
    sign_in(client, factories.user_with(Duty.FILE_REQUESTS, organisation=procuratorate))
    act = {"case_purpose": "CRIM-ARREST", "act_on": "2026-06-10"}
    refused = client.post(begin_url("PSAPL-136-CASE"), case_form(**act, letter=letter()))
    assert "Choose the kind of the new act." in page(refused)
    # A whole section of the law is no kind.
    assert 'value="SOCIAL_ADMIN"' not in page(refused) and 'value="SWINDLE"' in page(refused)
    section = client.post(begin_url("PSAPL-136-CASE"), case_form(**act, act_kind="SOCIAL_ADMIN", letter=letter()))
    assert "“SOCIAL_ADMIN” cannot be chosen here." in page(section)

    client.post(begin_url("PSAPL-136-CASE"), case_form(**act, act_kind="THEFT", letter=letter()))

    assert AccessRequest.objects.get().act_kind == "THEFT"


def test_what_a_purpose_does_not_carry_is_said_beside_its_field(client, city):
    branch = factories.organisation(OrganisationKind.PUBLIC_SECURITY_BRANCH)
    station = factories.organisation(parent=branch)
    sign_in(client, factories.user_with(Duty.FILE_REQUESTS, organisation=station))
    values = case_form(case_purpose="CASE-DET-23", act_on="2025-12-20", letter=letter())
    values["case_number"] = "A3101010000002026010001"

    shown = page(client.post(begin_url("PSAPL-136-CASE"), values))
    assert 'value="FULL"' not in shown  # none of their purposes needs it
    for field, sentence in (
        ("act_on", "is the law of acts since 2026-01-01; this act was earlier"),
        ("number_1", "is about people who were 14 to 15, or 70 and over on the day of the new act"),
    ):
        error = shown.split(f'id="id_{field}_error"', 1)[1].split("</div></div>", 1)[0]
        assert sentence in error
    values |= {"act_on": "2026-06-10", "document_type_1": "passport", "number_1": "E12345678", "letter": letter()}
    assert "does not say when the person was born" in page(client.post(begin_url("PSAPL-136-CASE"), values))
    values |= {"document_type_1": "resident_id", "number_1": factories.id_number(date(2011, 6, 1)), "letter": letter()}
    assert client.post(begin_url("PSAPL-136-CASE"), values).status_code == 302

    sign_in(client, city.judge)
    shown = page(
        client.post(begin_url("PSAPL-136-CASE"), {**case_form(case_purpose="CRIM-THEFT"), "asked_rung": "FULL"})
    )
    assert "the answer says at most “Category, dates, unit and penalty”" in shown


def test_a_court_is_told_which_purposes_wait_or_ended_and_a_kindergarten_is_asked_for_none(client, city):
    sign_in(client, city.judge)
    shown = page(client.get(begin_url("PSAPL-136-CASE")))
    assert "一年内曾因盗窃受过行政处罚的" in shown
    assert "no longer in force" in shown
    assert 'value="CRIM-RECEIVE"' not in shown
    sign_in(client, city.requester)
    assert 'name="act_on"' not in page(client.get(begin_url()))


def test_sending_one_form_twice_makes_one_draft(client, city):
    sign_in(client, city.requester)
    values = typed()
    first, second = client.post(begin_url(), values), client.post(begin_url(), {**values, "reason": "改过的理由。"})

    assert first["Location"] == second["Location"]
    assert requests.read_particulars(AccessRequest.objects.get()).reason == "改过的理由。"


def test_a_stale_form_changes_nothing_and_keeps_what_was_typed(client, city):
    draft = factories.request_draft(city)
    sign_in(client, city.requester)
    url = reverse("access:request_edit", args=[draft.pk])
    client.post(url, typed(version=draft.version, reason="先保存的。"))
    response = client.post(url, typed(version=draft.version, reason="后保存的。"))

    assert "saved elsewhere since you opened it" in page(response)
    assert "后保存的。" in page(response)
    assert requests.read_particulars(AccessRequest.objects.get()).reason == "先保存的。"


def test_a_request_that_moved_on_is_not_changed_by_an_old_form(client, city):
    access_request = factories.submitted(city)
    sign_in(client, city.requester)
    url = reverse("access:request_edit", args=[access_request.pk])
    assert client.get(url)["Location"] == reverse("access:request", args=[access_request.pk])
    response = client.post(url, typed(version=access_request.version, reason="迟到的。"))
    assert "This request has moved on" in page(response) and "迟到的。" in page(response)


def test_editing_is_for_the_writer_alone(client, city):
    access_request = factories.submitted(city)
    url = reverse("access:request_edit", args=[access_request.pk])
    sign_in(client, city.supervisor)
    assert client.get(url).status_code == 403
    assert client.post(url, typed()).status_code == 403
    sign_in(client, city.judge)
    assert client.get(url).status_code == 404


# Checking and submitting


def test_the_check_page_links_each_missing_part(client, city):
    sign_in(client, city.judge)
    blank = {"name_1": "李四", "number_1": "", "reason": "", "scope_of_use": "", "case_number": "", "case_purpose": ""}
    client.post(begin_url("PSAPL-136-CASE"), typed(**blank))
    access_request = AccessRequest.objects.get()
    edit = reverse("access:request_edit", args=[access_request.pk])

    shown = page(client.get(reverse("access:request_check", args=[access_request.pk])))

    for field in ("reason", "scope_of_use", "case_purpose", "case_number", "letter", "number_1"):
        assert f"{edit}#id_{field}" in shown
    assert "Submit the request" not in shown


def test_a_request_that_lacks_a_number_is_not_submitted(client, city):
    sign_in(client, city.requester)
    client.post(begin_url(), typed(number_1="", letter=SimpleUploadedFile("a.pdf", PDF)))
    access_request = AccessRequest.objects.get()
    response = client.post(
        reverse("access:request_submit", args=[access_request.pk]),
        {"declared": "on", "version": access_request.version},
    )
    assert "Give name and number of person 1" in page(response)
    access_request.refresh_from_db()
    assert access_request.status == Status.DRAFT


def test_submitting_needs_the_declaration(client, city):
    draft = factories.request_draft(city)
    sign_in(client, city.requester)
    response = client.post(reverse("access:request_submit", args=[draft.pk]), {"version": draft.version})
    assert "Confirm the declaration" in page(response)
    draft.refresh_from_db()
    assert draft.status == Status.DRAFT


def test_submitting_leads_to_a_receipt_that_says_nothing_of_records(client, city):
    subject = factories.person()
    draft = factories.request_draft(city, subject)
    sign_in(client, city.requester)
    values = {"version": draft.version, "declared": "on"}
    response = client.post(reverse("access:request_submit", args=[draft.pk]), values, follow=True)

    draft.refresh_from_db()
    assert draft.status == Status.SUBMITTED
    assert response.redirect_chain[-1][0] == reverse("access:receipt", args=[draft.pk])
    assert draft.number in page(response)
    assert timezone.localtime(draft.due_at).strftime("%Y-%m-%d %H:%M") in page(response)
    assert subject.name not in page(response)


def test_submitting_twice_changes_nothing(client, city):
    draft = factories.request_draft(city)
    sign_in(client, city.requester)
    url, values = reverse("access:request_submit", args=[draft.pk]), {"version": draft.version, "declared": "on"}
    client.post(url, values)
    again = client.post(url, values, follow=True)

    draft.refresh_from_db()
    assert draft.round == 1
    assert "was submitted before" in page(again)


def test_submitting_what_was_saved_elsewhere_shows_it_again_first(client, city):
    draft = factories.request_draft(city)
    sign_in(client, city.requester)
    values = {"version": draft.version - 1, "declared": "on"}
    response = client.post(reverse("access:request_submit", args=[draft.pk]), values, follow=True)
    assert "Read it again before you submit it" in page(response)
    draft.refresh_from_db()
    assert draft.status == Status.DRAFT


def test_checking_submitting_and_the_receipt_are_for_the_writer_alone(client, city):
    access_request = factories.submitted(city)
    sign_in(client, city.supervisor)
    assert client.get(reverse("access:request_check", args=[access_request.pk])).status_code == 403
    assert client.post(reverse("access:request_submit", args=[access_request.pk])).status_code == 403
    assert client.post(reverse("access:request_withdraw", args=[access_request.pk])).status_code == 403
    assert client.get(reverse("access:receipt", args=[access_request.pk])).status_code == 404
    sign_in(client, city.hr)
    for name in ("request", "request_check", "request_letter", "receipt"):
        assert client.get(reverse(f"access:{name}", args=[access_request.pk])).status_code == 404
    for name in ("request_submit", "request_withdraw"):
        assert client.post(reverse(f"access:{name}", args=[access_request.pk])).status_code == 404


# One request


@pytest.mark.parametrize("status", [status for status in Status if status != Status.LAPSED])
def test_the_page_of_a_request_shows_what_fits_its_state(client, city, status):
    access_request = factories.request_at(status, city, factories.person(name="欧阳不见"))
    sign_in(client, city.requester)
    shown = page(client.get(reverse("access:request", args=[access_request.pk])))

    assert access_request.number in shown and "欧阳不见" in shown
    editable = status in (Status.DRAFT, Status.RETURNED)
    assert (reverse("access:request_edit", args=[access_request.pk]) in shown) == editable
    withdrawable = status in (Status.DRAFT, Status.SUBMITTED, Status.RETURNED)
    assert (reverse("access:request_withdraw", args=[access_request.pk]) in shown) == withdrawable
    assert ("不符合最小必要。" in shown) == (status == Status.REFUSED)
    assert ("公函缺章。" in shown) == (status == Status.RETURNED)


def test_a_decider_reads_the_request_as_it_was_submitted(client, city):
    access_request = factories.request_at(Status.RETURNED, city)
    sign_in(client, city.requester)
    client.post(
        reverse("access:request_edit", args=[access_request.pk]),
        typed(version=access_request.version, reason="还没有提交的修改。", name_1="尚未提交"),
    )
    sign_in(client, city.supervisor)
    shown = page(client.get(reverse("access:request", args=[access_request.pk])))

    assert "拟聘用为保育员，依法查询。" in shown and "张三丰" in shown
    assert "还没有提交的修改。" not in shown and "尚未提交" not in shown


def test_an_open_vote_of_another_is_on_no_page(client, city):
    access_request = factories.submitted(city, by=city.judge, code="PSAPL-136-CASE")
    factories.refuse(
        access_request, by=city.supervisor, version=access_request.version, review=factories.review("这是秘密的一票。")
    )
    for user in (city.judge, city.supervisor2):
        sign_in(client, user)
        shown = page(client.get(reverse("access:request", args=[access_request.pk])))
        assert "这是秘密的一票。" not in shown and city.supervisor.full_name not in shown


def test_withdrawing_keeps_the_request_on_file_and_cannot_be_done_twice(client, city):
    access_request = factories.submitted(city)
    sign_in(client, city.requester)
    url = reverse("access:request_withdraw", args=[access_request.pk])
    version = {"version": access_request.version}
    shown = page(client.get(reverse("access:request", args=[access_request.pk])))
    assert f'name="version" value="{access_request.version}"' in shown
    assert "The request is withdrawn" in page(client.post(url, version, follow=True))
    assert "This request has moved on" in page(client.post(url, version, follow=True))
    access_request.refresh_from_db()
    assert access_request.status == Status.WITHDRAWN


@pytest.mark.parametrize("status", [Status.DRAFT, Status.SUBMITTED, Status.RETURNED])
@pytest.mark.parametrize("version", [None, "", "x", "-1", "9" * 30, "stale"])
def test_a_withdrawal_from_another_page_than_the_present_one_withdraws_nothing(client, city, status, version):
    access_request = factories.request_at(status, city)
    sign_in(client, city.requester)
    values = {} if version is None else {"version": access_request.version - 1 if version == "stale" else version}
    response = client.post(reverse("access:request_withdraw", args=[access_request.pk]), values, follow=True)

    assert response.status_code == 200
    assert "has changed since you opened it" in page(response) or "nothing was withdrawn" in page(response)
    access_request.refresh_from_db()
    assert access_request.status == status


def test_a_letter_sent_from_a_stale_page_replaces_nothing(client, city):
    draft = factories.request_draft(city)
    sign_in(client, city.requester)
    url = reverse("access:request_edit", args=[draft.pk])
    requests.attach_letter(
        draft,
        version=draft.version,
        by=city.requester,
        name="新.pdf",
        media_type="application/pdf",
        content=PDF + b"new",
    )

    response = client.post(
        url, typed(version=draft.version, reason="迟到的理由。", letter=SimpleUploadedFile("旧.pdf", PDF))
    )

    assert "saved elsewhere since you opened it" in page(response) and "迟到的理由。" in page(response)
    [letter] = draft.current_letters
    assert requests.read_letter(letter) == ("新.pdf", PDF + b"new")


def test_the_letter_is_handed_over_as_a_file(client, city):
    access_request = factories.submitted(city)
    for user in (city.requester, city.supervisor):
        sign_in(client, user)
        response = client.get(reverse("access:request_letter", args=[access_request.pk]))
        assert response["Content-Type"] == "application/pdf"
        assert response["Content-Disposition"].startswith("attachment;")
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response.content.startswith(b"%PDF-")


def test_a_request_without_a_letter_has_nothing_to_download(client, city):
    sign_in(client, city.requester)
    client.post(begin_url(), typed())
    assert client.get(reverse("access:request_letter", args=[AccessRequest.objects.get().pk])).status_code == 404
