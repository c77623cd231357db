"""The sample city: of possible states only, with what the story of the demo needs, and left alone when it is there."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from io import StringIO
from types import SimpleNamespace

import pytest
from django.core.management import CommandError
from django.db import connection
from django.utils import timezone

from access import calendar, duties
from access.models import AccessRequest, Grant, Organisation, RequestSubject, Revocation, Undertaking, User
from access.models.duty import EXCLUSIVE
from access.models.requests import Status as RequestStatus
from audit import verification
from config import sample_city
from config.management.commands import accounts, demo
from records import disclosure
from records.models import SealedRecord, Status, Violation
from tests import factories, signing

pytestmark = pytest.mark.django_db


def figures() -> dict[str, object]:
    return {
        "organisations": sorted(Organisation.objects.values_list("code", flat=True)),
        "people": sorted(User.objects.values_list("username", "full_name")),
        "violations": Counter(Violation.objects.values_list("status", flat=True)),
        "sealed": SealedRecord.objects.count(),
        "requests": Counter(AccessRequest.objects.values_list("status", flat=True)),
        "asked about": sorted(bytes(key).hex() for key in RequestSubject.objects.values_list("subject_key", flat=True)),
    }


def test_the_sample_city(monkeypatch, settings, tmp_path):
    """One test, because making the city takes half a minute."""
    settings.AUDIT_WITNESS_FILE = tmp_path / "witness"
    settings.POPULATION_REGISTER = "config.sample_population.ask"
    command = demo.Command(stdout=StringIO())
    command.prepare()
    made = figures()

    # Everybody is there, and the three keepers are three people.
    assert (len(made["organisations"]), len(made["people"])) == (14, 22)
    for user in User.objects.all():
        assert len({duty for duty, _unit in duties.held_by(user)} & EXCLUSIVE) <= 1
    assert User.objects.get(username="auditor").check_password(accounts.DEFAULT_PASSWORD)

    # The register and the requests are in all their states.
    assert sum(made["violations"].values()) + made["sealed"] == 400
    assert set(made["violations"]) == set(Status) - {Status.SEALED}
    assert sum(made["requests"].values()) == 60
    assert set(made["requests"]) == set(RequestStatus)
    assert AccessRequest.objects.filter(status=RequestStatus.SUBMITTED, due_at__lt=timezone.now()).count() == 3
    # What happens could have happened: no deadline falls on a day off.
    working = calendar.load()
    deadlines = AccessRequest.objects.exclude(due_at=None).values_list("due_at", flat=True)
    assert [at for at in deadlines if not working.is_working(timezone.localdate(at))] == []
    assert Revocation.objects.values("grant_id").distinct().count() == 3

    # What the story needs waits for its people.
    people = {user.username: user for user in User.objects.all()}
    single = AccessRequest.objects.decidable_by(people["supervisor"]).filter(requester=people["kindergarten"])
    assert single.filter(approvals_needed=1).exists()
    second_votes = AccessRequest.objects.decidable_by(people["supervisor2"]).filter(requester=people["court"])
    assert any(request.decisions.count() == 1 for request in second_votes)
    unopened = (
        Grant.objects.live()
        .filter(access_request__requester=people["kindergarten"], counted_openings=None)
        .exclude(pk__in=Undertaking.objects.values("grant"))
    )
    assert unopened.exists()
    assert not people["school2"].organisation.agreement_holds(timezone.localdate())

    # Of whom the population register knows nobody has to compare anything; of the foreigner somebody has to.
    waits = single.get(basis__code="PRESCHOOL-44", subjects__population="UNKNOWN")
    assert [subject.population for subject in waits.current_subjects] == ["MATCHES", "UNKNOWN"]

    # The two people whom it is good to ask about answer differently.
    grant = unopened.filter(basis__code="PRESCHOOL-44").get()
    factories.ready(grant)
    answers = [
        disclosure.open_answer(
            grant, subject, by=people["kindergarten"], session_key=factories.SESSION, token=factories.token()
        )
        for subject in grant.access_request.current_subjects
    ]
    assert [answer.is_present for answer in answers] == [True, False]

    # Starting again changes nothing.
    command.prepare()
    assert figures() == made
    assert sample_city.state() == "complete"

    # Another password is given to everybody.
    monkeypatch.setenv("DEMO_PASSWORD", "another password")
    command.prepare()
    assert User.objects.get(username="auditor").check_password("another password")

    # The trail of all this holds.
    signing.begin()
    signing.sign()
    assert verification.verify().holds


def test_acts_happen_where_such_acts_happen():
    city = sample_city._City("unused")
    officer, about = SimpleNamespace(organisation=SimpleNamespace(code="341402520000")), city.persons[0]
    entries = [city._entry(officer, about, city.today - timedelta(days=40), None) for _entry in range(200)]
    for entry in entries:
        assert "公交车上" not in entry.particulars.facts
        if "GAMBLING" in entry.offence.tags:
            assert any(place in entry.particulars.facts for place in sample_city.PLACES["GAMBLING"])
    # What a police station mostly sees is most of what there is.
    usual = [entry for entry in entries if set(entry.offence.tags) & set(sample_city.PLACES)]
    assert len(usual) > len(entries) * 0.7


def test_a_database_of_somebody_else_is_left_alone():
    factories.City()
    with pytest.raises(CommandError, match="units that are not the demo's"):
        demo.Command(stdout=StringIO()).prepare()


def test_a_city_that_was_interrupted_says_what_to_delete():
    city = sample_city._City(accounts.DEFAULT_PASSWORD)
    city.make_units()

    with pytest.raises(CommandError, match="interrupted.*make stop"):
        demo.Command(stdout=StringIO()).prepare()


def test_the_same_seed_names_the_same_people():
    cities = [sample_city._City("unused") for _run in range(2)]

    assert cities[0].persons == cities[1].persons
    assert len({person.number for person in cities[0].persons}) == 120
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from access_user")
        assert cursor.fetchone()[0] == 0
