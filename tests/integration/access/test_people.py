"""People, agreements and duties: allowed, refused, and invisible to everybody else."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from access import duties
from access.actions import people
from access.exceptions import WrongState
from access.models import Proposal, User
from access.models.duty import Duty
from access.models.people import OrganisationKind
from access.views import enrolment
from audit.models import Event
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


def new_person(city: factories.City, **values) -> dict[str, str]:
    return {
        "username": "newcomer",
        "full_name": "新来人",
        "badge_number": "341599",
        "organisation": str(city.station.pk),
        **values,
    }


PEOPLE_PAGES = ["access:people", "access:person_new", "access:units"]


@pytest.mark.parametrize("page", [*PEOPLE_PAGES, "access:duties"])
def test_the_pages_do_not_exist_for_who_does_not_keep_the_system(client, city, page):
    for user in (city.officer, city.supervisor, city.requester, city.auditor):
        client.force_login(user)
        assert client.get(reverse(page)).status_code == 404


def test_who_administers_people_has_no_page_of_duties_and_the_other_way_round(client, city):
    client.force_login(city.people_admin)
    assert client.get(reverse("access:duties")).status_code == 404
    client.force_login(city.security_admin)
    assert [client.get(reverse(page)).status_code for page in PEOPLE_PAGES] == [404] * 3


def test_the_list_shows_the_people_below_and_no_duties(client, city):
    client.force_login(city.people_admin)

    page = client.get(reverse("access:people")).content.decode()

    assert city.officer.full_name in page and city.supervisor2.full_name in page
    assert city.requester.full_name not in page
    assert "Decide access requests" not in page


def test_the_list_takes_as_many_queries_for_many_people(client, city):
    client.force_login(city.security_admin)
    counts = []
    for _more in range(2):
        for page in ("access:duties",):
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert client.get(reverse(page)).status_code == 200
            counts.append(len(queries))
        for _person in range(8):
            factories.user_with(Duty.ENTER_VIOLATIONS, organisation=city.station)
    assert counts[0] == counts[1]


def test_a_person_is_entered_and_holds_no_duty(client, city):
    client.force_login(city.people_admin)

    response = client.post(reverse("access:person_new"), new_person(city))

    user = User.objects.get(username="newcomer")
    assert not user.has_usable_password() and duties.held_by(user) == []
    assert code_on(response) and "/enrol/" in response.content.decode()


def code_on(response) -> str:
    """Return the code, or half of one, that a page shows."""
    [code] = re.findall(r"data-code><strong>([2-9A-Z-]{14})<", response.content.decode())
    return code


def test_two_administrators_hand_over_half_a_code_each(client, city):
    client.force_login(city.people_admin)
    first = code_on(client.post(reverse("access:person_new"), new_person(city, by_two="on")))
    proposal = Proposal.objects.get()
    own = client.get(reverse("access:proposal", args=[proposal.pk])).content.decode()
    assert "Withdraw the proposal" in own and "Make the second half" not in own

    client.force_login(city.people_admin2)
    listed = client.get(reverse("access:proposals")).content.decode()
    assert '<span class="badge">1</span>' in listed and "a one-time code for" in listed
    second = code_on(
        client.post(reverse("access:proposal_enact", args=[proposal.pk]), {"password": factories.PASSWORD})
    )

    chosen = {"username": "newcomer", "code": f"{first} {second}", "password": "chosen by its holder"}
    stranger = Client(headers={"accept-language": "en"})
    for wrong in ({"code": first}, {"username": "nobody-here"}, {"code": second + first}):
        page = stranger.post(reverse("access:enrol"), {**chosen, "password_again": chosen["password"], **wrong})
        assert "User name and code do not fit" in page.content.decode()
    response = stranger.post(reverse("access:enrol"), {**chosen, "password_again": chosen["password"]})
    assert response.status_code == 302 and response.url == reverse("account_login")
    assert User.objects.get(username="newcomer").check_password("chosen by its holder")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"password_again": "something else 1234"}, "are not the same"),
        ({"password": "short", "password_again": "short"}, "at least 12 characters"),
        ({"password": "", "password_again": ""}, "Choose a password."),
        ({"code": ""}, "Enter the code."),
        ({"username": "\x00"}, "characters that cannot be kept"),
    ],
)
def test_each_mistake_while_enrolling_has_its_sentence_and_uses_nothing_up(client, city, values, sentence):
    right = {
        "username": "officer",
        "code": "x",
        "password": "chosen by its holder",
        "password_again": "chosen by its holder",
    }
    page = client.post(reverse("access:enrol"), {**right, **values}).content.decode()
    assert sentence in page and "chosen by its holder" not in page
    assert not Event.objects.filter(kind="ENROLMENT_FAILED").exists()


def test_attempts_at_codes_are_limited_for_that_name_from_there(client, city):
    values = {"username": "officer", "code": "2222", "password": "chosen by its holder"}
    values["password_again"] = values["password"]
    answers = [client.post(reverse("access:enrol"), values) for _each in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert "Wait 15 minutes" in answers[-1].content.decode()
    assert client.post(reverse("access:enrol"), {**values, "username": "officer2"}).status_code == 200
    elsewhere = client.post(reverse("access:enrol"), values, REMOTE_ADDR="10.0.0.9")
    assert elsewhere.status_code == 200


def test_attempts_of_one_address_are_limited_for_all_names_together(client):
    """The attempts of a name alone would let one address try five times at every name that there is."""
    values = {"code": "2222", "password": "chosen by its holder", "password_again": "chosen by its holder"}

    def attempt(name: int, **extra: str) -> int:
        return client.post(reverse("access:enrol"), {**values, "username": f"name{name}"}, **extra).status_code

    answers = [attempt(name) for name in range(enrolment.MOST_OF_AN_ADDRESS + 1)]
    assert answers == [200] * enrolment.MOST_OF_AN_ADDRESS + [429]
    assert attempt(len(answers), REMOTE_ADDR="10.0.0.9") == 200


def test_a_code_ends_what_was_open_and_signs_out_whoever_was_signed_in_here(client, city):
    code = people.renew_code(city.officer, by=city.people_admin, reason="x").text
    theirs = Client()
    theirs.force_login(city.officer)
    client.force_login(city.officer2)
    values = {"username": "officer", "code": code, "password": "chosen by its holder"}

    client.post(reverse("access:enrol"), {**values, "password_again": values["password"]})

    assert theirs.get("/").status_code == 302
    assert client.get("/").status_code == 302


def test_the_desk_tells_of_a_code(client, city):
    client.force_login(city.officer)
    assert "one-time code" not in client.get("/").content.decode()
    people.renew_code(city.officer, by=city.people_admin, reason="x")
    assert "A new one-time code for your account was made" in client.get("/").content.decode()


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("username", "OFFICER", "This user name is taken"),
        ("username", "two words", "letters, digits, dots"),
        ("full_name", "\u202e倒", "direction"),
        ("badge_number", "12", "6 or 7 digits"),
        ("badge_number", "officer's", "has this badge number already"),
        ("organisation", "", "Choose the unit."),
    ],
)
def test_each_mistake_has_its_sentence_and_what_was_typed_stays(client, city, field, value, sentence):
    client.force_login(city.people_admin)

    value = city.officer.badge_number if value == "officer's" else value
    page = client.post(reverse("access:person_new"), new_person(city, **{field: value})).content.decode()

    assert sentence in page
    assert 'value="newcomer"' in page or field == "username"
    assert not User.objects.filter(username="newcomer").exists()


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        ("username", "This user name is taken"),
        ("badge_number", "has this badge number already"),
        (None, "Send it again"),
    ],
)
def test_what_somebody_else_took_meanwhile_is_named(client, city, monkeypatch, field, sentence):
    client.force_login(city.people_admin)
    values = new_person(city, badge_number="1234567")
    create = people.create_user

    def taken_meanwhile(**ours):
        if field is None:
            raise IntegrityError
        theirs = {"username": "other", "full_name": "别人", "badge_number": "", field: values[field]}
        create(by=city.people_admin, organisation=city.station, **theirs)
        return create(**ours)

    monkeypatch.setattr(people, "create_user", taken_meanwhile)
    page = client.post(reverse("access:person_new"), values).content.decode()
    assert sentence in page
    assert ("This user name is taken" in page) == (field == "username")


def test_what_changed_meanwhile_has_its_sentence(client, city, monkeypatch):
    def changed(*_args, **_values):
        raise WrongState("It has changed meanwhile.")

    for act in ("create_user", "renew_code", "disable_user", "withdraw_duty"):
        monkeypatch.setattr(people, act, changed)
    client.force_login(city.people_admin)
    officer = [city.officer.pk]
    duty = {"duty": Duty.ENTER_VIOLATIONS.value, "organisation": str(city.station.pk)}
    for page, args, values in (
        ("person_new", [], new_person(city)),
        ("person_code", officer, {"reason": "手机遗失。"}),
        ("person_disable", officer, {}),
    ):
        shown = client.post(reverse(f"access:{page}", args=args), values, follow=True)
        assert "It has changed meanwhile." in shown.content.decode(), page
    client.force_login(city.security_admin)
    shown = client.post(reverse("access:duty_withdraw", args=officer), duty, follow=True)
    assert "It has changed meanwhile." in shown.content.decode()


def test_a_unit_that_is_not_below_cannot_be_chosen(client, city):
    client.force_login(city.people_admin)

    page = client.post(reverse("access:person_new"), new_person(city, organisation=str(city.court.pk))).content.decode()

    assert "There is no such unit here" in page


def test_disabling_ends_the_session_and_enabling_lets_in_again(client, city):
    theirs = Client()
    theirs.force_login(city.officer)
    client.force_login(city.people_admin)

    client.post(reverse("access:person_disable", args=[city.officer.pk]))
    assert theirs.get("/").status_code == 302
    client.post(reverse("access:person_enable", args=[city.officer.pk]))

    city.officer.refresh_from_db()
    assert city.officer.is_active


def test_nobody_disables_themselves_or_somebody_elsewhere(client, city):
    client.force_login(city.people_admin)

    page = client.post(reverse("access:person_disable", args=[city.people_admin.pk]), follow=True).content.decode()

    assert "You cannot disable yourself." in page
    assert client.post(reverse("access:person_disable", args=[city.judge.pk])).status_code == 404
    assert User.objects.filter(is_active=False).count() == 0


def test_the_end_of_an_agreement_is_changed(client, city):
    school = factories.organisation(OrganisationKind.SCHOOL, parent=city.bureau)
    yesterday = timezone.localdate() - timedelta(days=1)
    client.force_login(city.people_admin)

    client.post(reverse("access:unit_agreement", args=[school.pk]), {"ends_on": yesterday.isoformat()})

    school.refresh_from_db()
    assert school.agreement_ends_on == yesterday
    assert "ended" in client.get(reverse("access:units")).content.decode()


def test_an_agreement_needs_a_day_and_a_unit_that_has_one(client, city):
    school = factories.organisation(OrganisationKind.SCHOOL, parent=city.bureau)
    client.force_login(city.people_admin)

    page = client.post(reverse("access:unit_agreement", args=[school.pk]), {"ends_on": "31.02.2026"}).content.decode()

    assert "Enter the day as year, month and day" in page and "31.02.2026" in page
    assert client.get(reverse("access:unit_agreement", args=[city.station.pk])).status_code == 404
    assert client.get(reverse("access:unit_agreement", args=[city.kindergarten.pk])).status_code == 404


def test_a_duty_is_given_and_withdrawn(client, city):
    client.force_login(city.security_admin)
    chosen = {"duty": Duty.CONFIRM_VIOLATIONS.value, "organisation": str(city.station.pk)}

    client.post(reverse("access:duty_give", args=[city.officer2.pk]), chosen)
    assert duties.has(city.officer2, Duty.CONFIRM_VIOLATIONS, city.station)
    assert "Confirm violations" in client.get(reverse("access:duties")).content.decode()

    client.post(reverse("access:duty_withdraw", args=[city.officer2.pk]), chosen)
    assert not duties.has(city.officer2, Duty.CONFIRM_VIOLATIONS, city.station)


def test_keeping_the_system_stays_with_three_people(client, city):
    client.force_login(city.security_admin)
    chosen = {"duty": Duty.ADMINISTER_PEOPLE.value, "organisation": str(city.bureau.pk), "reason": "任命。"}

    page = client.post(reverse("access:duty_give", args=[city.auditor.pk]), chosen).content.decode()

    assert "holds no other duty" in page
    assert not duties.holds(city.auditor, Duty.ADMINISTER_PEOPLE)


def test_nobody_changes_their_own_duties(client, city):
    client.force_login(city.security_admin)
    own = {"duty": Duty.ASSIGN_DUTIES.value, "organisation": str(city.bureau.pk)}

    client.post(reverse("access:duty_withdraw", args=[city.security_admin.pk]), own)
    page = client.post(
        reverse("access:duty_give", args=[city.security_admin.pk]), {**own, "duty": Duty.OVERSEE.value, "reason": "x"}
    ).content.decode()

    assert "cannot change your own duties" in page
    assert [duty for duty, _unit in duties.held_by(city.security_admin)] == [Duty.ASSIGN_DUTIES]


def test_duties_elsewhere_are_out_of_reach(client, city):
    client.force_login(city.security_admin)

    assert client.get(reverse("access:person_duties", args=[city.judge.pk])).status_code == 404
    page = client.post(
        reverse("access:duty_give", args=[city.officer.pk]),
        {"duty": Duty.FILE_REQUESTS.value, "organisation": str(city.court.pk)},
    ).content.decode()
    assert "There is no such unit here" in page


def test_a_dangerous_duty_is_proposed_and_put_in_force_by_somebody_else(client, city):
    client.force_login(city.security_admin)
    person = factories.UserFactory(organisation=city.station)
    chosen = {"duty": Duty.DECIDE_REQUESTS.value, "organisation": str(city.branch.pk)}
    page = client.post(reverse("access:duty_give", args=[person.pk]), chosen).content.decode()
    assert "This duty takes two people: give the reason" in page
    client.post(reverse("access:duty_give", args=[person.pk]), {**chosen, "reason": "任命为审批人。"})
    assert not duties.held_by(person)
    proposal = Proposal.objects.get()
    enact = reverse("access:proposal_enact", args=[proposal.pk])
    assert client.post(enact).status_code == 403

    client.force_login(city.security_admin2)
    page = client.get(reverse("access:proposal", args=[proposal.pk])).content.decode()
    assert "<ins>Decide access requests" in page and "任命为审批人。" in page
    for wrong in ("", "not my password"):
        page = client.post(enact, {"password": wrong}).content.decode()
        assert "error-summary" in page and not duties.held_by(person)
    assert client.post(enact, {"password": factories.PASSWORD}).status_code == 302

    assert duties.has(person, Duty.DECIDE_REQUESTS, city.station)
    page = client.get(reverse("access:person_duties", args=[person.pk])).content.decode()
    assert f"proposed by {city.security_admin}, put in force by {city.security_admin2}" in page


def test_a_proposal_is_turned_down_with_a_reason(client, city):
    proposal = factories.proposed_duty(city)
    url = reverse("access:proposal_turn_down", args=[proposal.pk])
    client.force_login(city.security_admin2)

    assert "Give the reason why it is turned down." in client.post(url, {"reason": ""}).content.decode()
    client.post(url, {"reason": "尚未完成培训。"})

    client.force_login(city.security_admin)
    other = client.get(reverse("access:proposals") + "?tab=other").content.decode()
    assert "Turned down" in other
    assert "尚未完成培训。" in client.get(reverse("access:proposal", args=[proposal.pk])).content.decode()


def test_a_proposal_on_changed_ground_says_so_and_has_no_button(client, city):
    proposal = factories.proposed_duty(city)
    factories.give(proposal.person, Duty.ENTER_VIOLATIONS, city.station)
    client.force_login(city.security_admin2)

    page = client.get(reverse("access:proposal", args=[proposal.pk])).content.decode()
    assert "has changed since it was proposed" in page and "Put in force" not in page
    page = client.post(reverse("access:proposal_enact", args=[proposal.pk]), follow=True).content.decode()
    assert "has changed since it was proposed" in page
    assert not duties.holds(proposal.person, Duty.DECIDE_REQUESTS)


def test_a_new_code_for_somebody_who_decides_is_half_a_code(client, city):
    client.force_login(city.people_admin)
    url = reverse("access:person_code", args=[city.supervisor.pk])
    page = client.get(url).content.decode()
    assert "This takes two" in page and 'name="by_two"' not in page
    assert "Give the reason for a new code." in client.post(url, {"reason": ""}).content.decode()
    assert "First half of the code" in client.post(url, {"reason": "手机遗失。"}).content.decode()
    assert (
        "One-time code"
        in client.post(reverse("access:person_code", args=[city.officer.pk]), {"reason": "手机遗失。"}).content.decode()
    )


def test_a_reload_of_the_page_with_the_code_says_what_happened(client, city):
    client.force_login(city.people_admin)
    values = new_person(city)
    code_on(client.post(reverse("access:person_new"), values))
    again = client.post(reverse("access:person_new"), values, follow=True).content.decode()
    assert "was entered already, and the code was shown once" in again
    assert "Has not enrolled yet" in again
    assert User.objects.filter(username="newcomer").count() == 1


@pytest.mark.parametrize("field", ["username", "full_name", "badge_number"])
def test_a_character_that_no_database_keeps_is_refused_beside_its_field(client, city, field):
    client.force_login(city.people_admin)
    response = client.post(reverse("access:person_new"), new_person(city) | {field: "a\0b"})
    assert response.status_code == 200
    assert field in response.context["form"].errors


def test_a_password_of_ones_own_words_is_refused_and_the_code_stays_good(client, city):
    code = people.renew_code(city.officer, by=city.people_admin).text
    city.officer.refresh_from_db()
    weak = f"{city.officer.badge_number}-Tulpe-9"
    values = {"username": "officer", "code": code, "password": weak, "password_again": weak}
    assert "your badge number" in client.post(reverse("access:enrol"), values).content.decode()
    good = {**values, "password": "chosen by its holder", "password_again": "chosen by its holder"}
    assert client.post(reverse("access:enrol"), good).status_code == 302


def test_the_desk_says_what_waits_for_a_second_person(client, city):
    proposal = factories.proposed_code(city)
    client.force_login(city.people_admin2)
    desk = client.get("/").content.decode()
    assert reverse("access:proposal", args=[proposal.pk]) in desk and "Waits for you as its second person" in desk
    client.force_login(city.people_admin)
    assert "Waits for you as its second person" not in client.get("/").content.decode()
