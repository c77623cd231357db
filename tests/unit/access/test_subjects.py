"""The port for indexes of people: what is asked through it, what it counts, and what happens without a provider."""

from __future__ import annotations

import psycopg
import pytest

from access import identifiers, subjects
from access.actions import requests
from access.exceptions import Refused, Unavailable
from access.models import RequestSubject
from access.models.requests import Status
from access.vault import datakeys
from audit.models import Event
from records import keyservice
from records.keyservice.connection import register_keys
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def ceiling(owner: psycopg.Connection):
    def put(people: int) -> None:
        owner.execute("update audit_limit set value = %s where name = 'PEOPLE_ASKED_PER_DAY'", [people])

    return put


def asked(owner) -> dict:
    return dict(owner.execute("select user_id, people from sealed.asked").fetchall())


def test_the_register_provides_the_indexes():
    assert subjects._provider is keyservice.index


def test_the_indexes_are_those_of_the_register_and_no_working_ones(city):
    person = factories.person(" 张 三丰", factories.id_number().lower())
    [index] = subjects.index([person], by=city.requester.pk)
    document = (person.document_type, person.number)

    assert index == subjects.Indexes(
        subject_key=datakeys.index(register_keys(), "subject", identifiers.subject_text(*document)),
        identity_key=datakeys.index(register_keys(), "identity", identifiers.identity_text(*document, "张三丰")),
    )
    assert index.subject_key != index.identity_key
    assert not {index.subject_key, index.identity_key} & {
        identifiers.document_key(*document),
        identifiers.name_key(person.name),
    }


def test_a_submission_keeps_the_indexes_in_the_order_of_its_people(city):
    people = [factories.person(name) for name in ("赵一", "钱二", "孙三")]
    access_request = factories.submitted(city, *people)
    expected = subjects.index(people, by=city.requester.pk)

    kept = access_request.current_subjects.order_by("position")
    assert [(bytes(row.subject_key), bytes(row.identity_key)) for row in kept] == [
        (index.subject_key, index.identity_key) for index in expected
    ]


@pytest.mark.parametrize("missing", ["provider", "connection", "keyring"])
def test_where_nobody_provides_them_nothing_is_submitted(city, monkeypatch, settings, tmp_path, missing):
    draft = factories.request_draft(city)
    if missing == "provider":
        monkeypatch.setattr(subjects, "_provider", None)
    elif missing == "connection":
        keyservice.close()
        settings.SEALED_DATABASE_URL = ""
    else:
        settings.SEALED_KEYRING = tmp_path / "nowhere.json"

    with pytest.raises(Unavailable):
        requests.submit(draft, by=city.requester, version=draft.version)
    draft.refresh_from_db()
    assert (draft.status, RequestSubject.objects.count()) == (Status.DRAFT, 0)
    assert not Event.objects.filter(kind="REQUEST_SUBMITTED").exists()


def test_people_asked_about_in_a_day_are_counted_for_each_user(city, owner, ceiling):
    ceiling(3)
    two = [factories.person(), factories.person()]
    subjects.index(two, by=city.requester.pk)

    with pytest.raises(Refused, match="Submit this request tomorrow"):
        subjects.index(two, by=city.requester.pk)
    # A refused question counts for nothing, and other people have a day of their own.
    subjects.index(two[:1], by=city.requester.pk)
    subjects.index([*two, factories.person()], by=city.judge.pk)
    for by in (city.requester.pk, city.judge.pk):
        with pytest.raises(Refused):
            subjects.index(two[:1], by=by)
    assert asked(owner) == {city.requester.pk: 3, city.judge.pk: 3}


def test_the_count_stays_whatever_becomes_of_the_request(city, owner, ceiling):
    """Otherwise a submission that fails at its end could be sent for ever, each time about somebody else."""
    ceiling(2)
    for _time in range(2):
        draft = factories.request_draft(city)
        owner.execute("revoke insert on audit_event from seal_owner")
        with pytest.raises(Unavailable):
            requests.submit(draft, by=city.requester, version=draft.version)
        owner.execute("grant insert on audit_event to seal_owner")
    assert asked(owner) == {city.requester.pk: 2}

    with pytest.raises(Refused, match="tomorrow"):
        requests.submit(draft, by=city.requester, version=draft.version)
    owner.execute("update sealed.asked set day = day - 1")
    assert requests.submit(draft, by=city.requester, version=draft.version).status == Status.SUBMITTED


def test_the_ceiling_is_the_same_whether_anybody_is_in_the_register(city, ceiling):
    known, unknown = factories.person(), factories.person()
    factories.sealed(city, known)
    ceiling(0)
    said = []
    for person in (known, unknown):
        draft = factories.request_draft(city, person)
        with pytest.raises(Refused) as refusal:
            requests.submit(draft, by=city.requester, version=draft.version)
        said.append(str(refusal.value))
    assert said[0] == said[1]


def test_nobody_asks_for_a_person_who_is_not_there_or_not_active(city, owner):
    owner.execute("alter table access_user disable trigger user")
    owner.execute("update access_user set is_active = false where id = %s", [city.requester.pk])

    for by in (city.requester.pk, factories.token()):
        with pytest.raises(Refused):
            subjects.index([factories.person()], by=by)
    assert asked(owner) == {}
