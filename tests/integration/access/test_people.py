"""People, agreements and duties: allowed, refused, and invisible to everybody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from access import duties
from access.duties import Duty
from access.models import User
from access.models.people import OrganisationKind
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def city() -> factories.City:
    return factories.City()


@pytest.fixture(autouse=True)
def english(client: Client) -> None:
    client.cookies["django_language"] = "en"
    translation.activate("en")


def new_person(city: factories.City, **values) -> dict[str, str]:
    return {
        "username": "newcomer",
        "full_name": "新来人",
        "badge_number": "341599",
        "organisation": str(city.station.pk),
        "password": "a long first password",
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

    response = client.post(reverse("access:person_new"), new_person(city), follow=True)

    user = User.objects.get(username="newcomer")
    assert user.check_password("a long first password") and duties.held_by(user) == []
    assert "may sign in now" in response.content.decode()


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("username", "OFFICER", "This user name is taken"),
        ("username", "two words", "letters, digits, dots"),
        ("full_name", "\u202e倒", "direction"),
        ("badge_number", "12", "6 or 7 digits"),
        ("password", "short", "at least 12 characters"),
        ("organisation", "", "Choose the unit."),
    ],
)
def test_each_mistake_has_its_sentence_and_what_was_typed_stays(client, city, field, value, sentence):
    client.force_login(city.people_admin)

    page = client.post(reverse("access:person_new"), new_person(city, **{field: value})).content.decode()

    assert sentence in page
    assert 'value="newcomer"' in page or field == "username"
    assert "a long first password" not in page
    assert not User.objects.filter(username="newcomer").exists()


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
    chosen = {"duty": Duty.ADMINISTER_PEOPLE.value, "organisation": str(city.bureau.pk)}

    page = client.post(reverse("access:duty_give", args=[city.auditor.pk]), chosen).content.decode()

    assert "are three people" in page
    assert not duties.holds(city.auditor, Duty.ADMINISTER_PEOPLE)


def test_nobody_changes_their_own_duties(client, city):
    client.force_login(city.security_admin)
    own = {"duty": Duty.ASSIGN_DUTIES.value, "organisation": str(city.bureau.pk)}

    client.post(reverse("access:duty_withdraw", args=[city.security_admin.pk]), own)
    page = client.post(
        reverse("access:duty_give", args=[city.security_admin.pk]), {**own, "duty": Duty.OVERSEE.value}
    ).content.decode()

    assert "cannot give yourself a duty" in page
    assert [duty for duty, _unit in duties.held_by(city.security_admin)] == [Duty.ASSIGN_DUTIES]


def test_duties_elsewhere_are_out_of_reach(client, city):
    client.force_login(city.security_admin)

    assert client.get(reverse("access:person_duties", args=[city.judge.pk])).status_code == 404
    page = client.post(
        reverse("access:duty_give", args=[city.officer.pk]),
        {"duty": Duty.FILE_REQUESTS.value, "organisation": str(city.court.pk)},
    ).content.decode()
    assert "There is no such unit here" in page
