"""That name and number belong together is established before a grant: by a population register, or by who decides (ADR 25)."""

from __future__ import annotations

import json
import logging

import pytest
from django.core.exceptions import ImproperlyConfigured

from access import population
from access.actions import decisions, requests
from access.exceptions import NotAllowed, Refused, Unavailable, WrongState
from access.models import Grant, PopulationQuestion, RequestSubject
from access.models.requests import CheckPoint, PopulationAnswer, Status
from audit.models import Event
from tests import factories, residents
from tests.unit.access.conftest import rows_as_text

pytestmark = pytest.mark.django_db

RIGHT = factories.person("宋知远")
WRONG = factories.person("宋知圆", RIGHT.number)
ELSEWHERE = factories.person("江予白")


@pytest.fixture(autouse=True)
def register(settings):
    settings.POPULATION_REGISTER = residents.PATH
    residents.live(RIGHT)


def submit(draft, **values):
    return requests.submit(draft, by=draft.requester, version=draft.version, **values)


def said(access_request) -> list[str]:
    return list(access_request.current_subjects.values_list("population", flat=True))


def details(kind: str) -> list[dict]:
    events = Event.objects.filter(kind=kind).order_by("at")
    return [json.loads(bytes(event.canonical))["detail"] for event in events]


def test_who_is_in_the_register_is_established_and_whoever_decides_answers_no_point_about_them(city):
    access_request = factories.submitted(city, RIGHT)

    assert said(access_request) == [PopulationAnswer.MATCHES]
    assert decisions.points(access_request) == CheckPoint.values
    with pytest.raises(Refused, match="every point"):
        factories.approve(
            access_request,
            by=city.supervisor,
            review=factories.review(people=1),
            scope=factories.scope_for(access_request),
        )
    factories.approve(
        access_request, by=city.supervisor, review=factories.review(people=0), scope=factories.scope_for(access_request)
    )
    assert Grant.objects.count() == 1


def test_of_several_people_those_whom_the_register_does_not_know_are_compared_by_who_decides(city):
    access_request = factories.submitted(city, ELSEWHERE, RIGHT)

    assert said(access_request) == [PopulationAnswer.UNKNOWN, PopulationAnswer.MATCHES]
    assert decisions.points(access_request) == [*CheckPoint.values, "PERSON_1"]


def test_the_question_is_told_before_it_is_asked_and_names_nobody(city, owner):
    draft = factories.request_draft(city, RIGHT, ELSEWHERE)
    access_request = submit(draft)

    about = {"number": access_request.number, "people": 2, "version": draft.version}
    assert details("POPULATION_ASKED") == [about]
    assert [[RIGHT.number, ELSEWHERE.number]] == residents.ASKED
    [submitted] = details("REQUEST_SUBMITTED")
    assert (submitted["established"], submitted["differing"]) == (1, 0)
    kinds = Event.objects.filter(target_id=str(draft.pk)).order_by("at").values_list("kind", flat=True)
    assert list(kinds) == ["REQUEST_DRAFTED", "REQUEST_EDITED", "POPULATION_ASKED", "REQUEST_SUBMITTED"]
    rows = str(rows_as_text(owner, "a%"))
    for text in (RIGHT.name, RIGHT.number, ELSEWHERE.name, ELSEWHERE.number):
        assert text not in rows and text.encode().hex() not in rows


def test_without_an_event_nobody_is_asked(city, owner):
    draft = factories.request_draft(city, RIGHT)
    owner.execute("revoke insert on audit_event from seal_owner")
    with pytest.raises(Unavailable):
        submit(draft)
    owner.execute("grant insert on audit_event to seal_owner")

    assert residents.ASKED == []
    assert not PopulationQuestion.objects.exists()


def test_another_name_in_the_register_is_told_and_nothing_is_submitted(city, owner):
    draft = factories.request_draft(city, ELSEWHERE, WRONG)
    with pytest.raises(population.NamesDiffer, match="another name belongs to a number") as told:
        submit(draft)

    assert told.value.places == (2,)
    assert RIGHT.name not in str(told.value) and RIGHT.number not in str(told.value)
    draft.refresh_from_db()
    assert (draft.status, draft.round, RequestSubject.objects.count()) == (Status.DRAFT, 0, 0)
    # That it was asked stays; the register of records was asked nothing.
    assert len(details("POPULATION_ASKED")) == PopulationQuestion.objects.count() == 1
    assert owner.execute("select count(*) from sealed.asked").fetchone() == (0,)


def test_what_is_told_is_the_same_whether_there_is_a_record(city):
    other = factories.person("司马无事")
    residents.live(RIGHT, other)
    factories.sealed(city, RIGHT)
    sentences = []
    for person in (WRONG, factories.person("司马无是", other.number)):
        with pytest.raises(population.NamesDiffer) as told:
            submit(factories.request_draft(city, person))
        sentences.append((str(told.value), told.value.places))
    assert sentences[0] == sentences[1]


def test_whoever_has_the_document_may_insist_and_whoever_decides_compares(city):
    access_request = submit(factories.request_draft(city, WRONG), insists=True)

    assert said(access_request) == [PopulationAnswer.DIFFERS]
    assert details("REQUEST_SUBMITTED")[0]["differing"] == 1
    assert decisions.points(access_request) == [*CheckPoint.values, "PERSON_1"]
    with pytest.raises(Refused, match="answered with no"):
        factories.approve(
            access_request,
            by=city.supervisor,
            review=factories.review(PERSON_1=False),
            scope=factories.scope_for(access_request),
        )
    assert not Grant.objects.exists()


@pytest.mark.parametrize(
    "trouble", [OSError("宋知远"), ValueError(RIGHT.number), [], ["MATCHES", "MATCHES"], ["PERHAPS"], None]
)
def test_a_register_that_gives_no_answer_keeps_nobody_from_filing_and_names_nobody_in_a_log(
    city, settings, caplog, trouble
):
    caplog.set_level(logging.DEBUG)
    if trouble is None:
        settings.POPULATION_REGISTER = "tests.residents.nothing_like_it"
    else:
        residents.TROUBLE.append(trouble)

    access_request = factories.submitted(city, RIGHT)

    assert said(access_request) == [""]
    assert decisions.points(access_request) == [*CheckPoint.values, "PERSON_1"]
    assert len(details("POPULATION_ASKED")) == 1
    assert "population register" in caplog.text
    assert RIGHT.name not in caplog.text and RIGHT.number not in caplog.text


def test_beyond_a_days_limit_the_register_is_not_asked_and_filing_goes_on(city, owner):
    owner.execute("update audit_limit set value = 2 where name = 'POPULATION_ASKED_PER_DAY'")
    assert said(factories.submitted(city, RIGHT, ELSEWHERE)) == ["MATCHES", "UNKNOWN"]

    assert said(factories.submitted(city, RIGHT)) == [""]
    assert len(residents.ASKED) == len(details("POPULATION_ASKED")) == 1
    # Somebody else has a day of their own, and tomorrow is another one.
    theirs = factories.submitted(city, RIGHT, by=city.judge, code="PSAPL-136-CASE")
    assert said(theirs) == ["MATCHES"]
    owner.execute("alter table access_populationquestion disable trigger user")
    owner.execute("update access_populationquestion set day = day - 1")
    assert said(factories.submitted(city, RIGHT)) == ["MATCHES"]


def test_a_correction_asks_again_about_the_new_version(city):
    draft = factories.request_draft(city, WRONG)
    with pytest.raises(population.NamesDiffer):
        submit(draft)
    particulars = requests.Particulars(reason="依法查询。", scope_of_use="仅供园长。", people=[RIGHT])
    draft = requests.save_draft(
        draft, particulars, by=city.requester, basis=draft.basis, asked_rung=draft.asked_rung, version=draft.version
    )

    assert said(submit(draft)) == ["MATCHES"]
    assert [detail["version"] for detail in details("POPULATION_ASKED")] == [draft.version - 1, draft.version]


@pytest.mark.parametrize(
    ("who", "error"), [("judge", NotAllowed), ("supervisor", NotAllowed)], ids=["somebody else", "a decider"]
)
def test_nobody_asks_about_a_request_that_they_may_not_submit(city, who, error):
    draft = factories.request_draft(city, RIGHT)
    with pytest.raises(error):
        requests.submit(draft, by=getattr(city, who), version=draft.version)
    assert residents.ASKED == [] and details("POPULATION_ASKED") == []


def test_nobody_is_asked_about_in_a_request_that_is_incomplete_or_has_moved_on(city):
    draft = factories.request_draft(city, RIGHT, reason=" ")
    with pytest.raises(Refused, match="Give the reason"):
        submit(draft)
    moved = factories.submitted(city, ELSEWHERE)
    residents.ASKED.clear()
    for version in (moved.version, moved.version - 1):
        with pytest.raises(WrongState):
            requests.submit(moved, by=city.requester, version=version)
    assert residents.ASKED == []


def test_where_no_register_is_connected_everybody_is_compared_by_who_decides(city, settings):
    settings.POPULATION_REGISTER = ""
    access_request = factories.submitted(city, RIGHT, ELSEWHERE)

    assert said(access_request) == ["", ""]
    assert decisions.points(access_request) == [*CheckPoint.values, "PERSON_1", "PERSON_2"]
    assert residents.ASKED == [] and details("POPULATION_ASKED") == []


def test_a_setting_that_names_nothing_is_told_at_the_start(settings):
    from django.apps import apps

    settings.POPULATION_REGISTER = "tests.residents.nothing_like_it"
    with pytest.raises(ImproperlyConfigured, match="POPULATION_REGISTER"):
        apps.get_app_config("access").ready()
