"""No grant, opening or answer about somebody of whom nobody said that name and number belong together, whatever the SQL."""

from __future__ import annotations

import uuid

import psycopg
import pytest
from psycopg.types.json import Jsonb

from access.models import AccessRequest, Grant, PopulationQuestion, RequestSubject
from access.models.requests import CheckPoint
from audit.models import Event
from tests import factories, residents
from tests.integration.database.test_asked import submit
from tests.integration.database.test_forgeries import VOTE, refused, vote_values
from tests.integration.database.test_replays import MARK, open_event
from tests.tampering import tamper

pytestmark = pytest.mark.django_db(transaction=True)
ASK = "select access_ask_population(%s, %s, %s, %s)"
TABLES = ("access_decision", "access_requestsubject")


def ask(app, draft, **values):
    right = {"request": draft.pk, "version": draft.version, "by": draft.requester_id, "people": 1}
    return app.execute(ASK, list({**right, **values}.values())).fetchone()[0]


def test_the_right_question_is_counted_and_told(app, city):
    draft = factories.request_draft(city)
    assert ask(app, draft) is True
    assert PopulationQuestion.objects.get().version == draft.version
    assert Event.objects.get(kind="POPULATION_ASKED").actor == str(city.requester.pk)


@pytest.mark.parametrize(
    "forged",
    [
        {"version": 0},
        {"version": None},
        {"people": 0},
        {"people": -5},
        {"people": None},
        {"people": 10_001},
        {"by": None},
        {"by": uuid.UUID(int=1)},
        {"request": uuid.UUID(int=1)},
    ],
)
def test_a_question_about_nothing_or_in_nobodys_name_is_refused(app, city, forged):
    draft = factories.request_draft(city)
    with pytest.raises(psycopg.DatabaseError) as error:
        ask(app, draft, **forged)
    assert refused(error)
    assert not PopulationQuestion.objects.exists() and not Event.objects.filter(kind="POPULATION_ASKED").exists()


@pytest.mark.parametrize("who", ["judge", "supervisor", "auditor"])
def test_nobody_asks_about_the_request_of_somebody_else(app, city, who):
    draft = factories.request_draft(city)
    with pytest.raises(psycopg.DatabaseError) as error:
        ask(app, draft, by=getattr(city, who).pk)
    assert refused(error)


def test_nobody_asks_about_a_request_that_waits_or_after_their_agreement_or_duty_has_ended(app, city):
    draft = factories.request_draft(city)
    with pytest.raises(psycopg.DatabaseError) as error:
        ask(app, factories.submitted(city))
    assert refused(error)
    factories.withdraw(city.requester, factories.Duty.FILE_REQUESTS, city.kindergarten)
    with pytest.raises(psycopg.DatabaseError) as error:
        ask(app, draft)
    assert refused(error)


def as_if_it_matched(app, city, draft, *, position=1):
    """Submit with nothing but SQL, claiming that the register knows the person."""
    known = (
        "insert into access_requestsubject"
        " (id, access_request_id, round, position, subject_key, identity_key, particulars, is_minor, population)"
        " values (gen_random_uuid(), %s, 1, %s, 'x', 'x', 'x', false, 'MATCHES')"
    )
    submit(app, city, draft, also=(known, [draft.pk, position]))


@pytest.mark.parametrize("asked", ["nothing", "too early", "too few", "somebody else's"])
def test_an_answer_of_the_register_needs_its_question_about_this_version(app, city, asked):
    draft, other = factories.request_draft(city), factories.request_draft(city)
    if asked == "too early":
        ask(app, draft, people=2)
        particulars = factories.requests.read_particulars(draft)
        draft = factories.requests.save_draft(
            draft, particulars, by=city.requester, basis=draft.basis, asked_rung=draft.asked_rung, version=draft.version
        )
    elif asked == "too few":
        ask(app, draft, people=1)
    elif asked == "somebody else's":
        ask(app, other, people=2)
    with pytest.raises(psycopg.DatabaseError) as error:
        as_if_it_matched(app, city, draft, position=2)
    assert refused(error)
    assert not RequestSubject.objects.exists()
    assert AccessRequest.objects.get(pk=draft.pk).status == "DRAFT"


def test_with_its_question_it_is_kept(app, city):
    draft = factories.request_draft(city)
    ask(app, draft, people=2)
    as_if_it_matched(app, city, draft, position=2)
    assert list(draft.subjects.order_by("position").values_list("population", flat=True)) == ["", "MATCHES"]


def test_beyond_the_limit_of_a_day_nothing_is_counted_and_nothing_told(app, city, owner):
    owner.execute("update audit_limit set value = 1 where name = 'POPULATION_ASKED_PER_DAY'")
    draft = factories.request_draft(city)
    assert ask(app, draft) is True
    assert ask(app, draft) is False
    assert PopulationQuestion.objects.count() == Event.objects.filter(kind="POPULATION_ASKED").count() == 1


def test_whoever_the_register_knows_needs_no_point_and_takes_none(app, city, settings):
    settings.POPULATION_REGISTER, known = residents.PATH, factories.person()
    residents.live(known)
    access_request = factories.submitted(city, known)
    with pytest.raises(psycopg.DatabaseError) as error:
        app.execute(VOTE, vote_values(access_request, city.supervisor))
    assert refused(error)
    points = Jsonb(dict.fromkeys(CheckPoint.values, True))
    app.execute(VOTE, vote_values(access_request, city.supervisor, checklist=points))
    assert Grant.objects.count() == 1


@pytest.mark.parametrize(
    "changed",
    [
        "update access_decision set checklist = checklist - 'PERSON_1'",
        "update access_decision set checklist = checklist || '{\"PERSON_1\": false}'",
    ],
)
def test_what_was_established_is_asked_again_at_the_door_and_behind_it(app, city, keys, owner, changed):
    grant = factories.ready(factories.approved(city))
    event = open_event(grant)
    tamper(owner, changed, tables=TABLES)
    with pytest.raises(psycopg.DatabaseError) as error:
        keys.execute(MARK, [[event]])
    assert refused(error)
    assert not Event.objects.filter(kind="ANSWER_SHOWN").exists()
    with pytest.raises(factories.opening.NothingToShow):
        open_event(grant)
