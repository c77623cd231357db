"""The one door: what it shows, and everything that keeps it shut (security.md, section 5: 2, 3, 13, 14, 15, 16, 18)."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import psycopg
import pytest
from django.db import connection, transaction
from django.utils import timezone

from access.actions import decisions, opening, people
from access.duties import Duty
from access.exceptions import NotAllowed, NothingToShow, Refused, WrongState
from access.models import CasePurpose, Grant, Opening
from access.models.people import OrganisationKind
from audit import trail
from audit.exceptions import TrailUnavailable
from audit.models import Event
from records import disclosure
from tests import factories
from tests.factories import SESSION

pytestmark = pytest.mark.django_db


@pytest.fixture
def city():
    return factories.City()


def opened(grant, **values):
    arguments = {"by": grant.access_request.requester, "session_key": SESSION, "token": factories.token(), **values}
    subject = arguments.pop("subject", None) or factories.subject_of(grant)
    return disclosure.open_answer(grant, subject, **arguments)


def court_grant(city, *people_asked_about, **values):
    return factories.ready(
        factories.approved(city, *people_asked_about, by=city.judge, code="PSAPL-136-CASE", **values)
    )


def theft(**values):
    return {"offence_code": "PSAPL2025-058-p1-i1", "penalty": factories.Penalty(detention_days=6), **values}


def disclosed_events():
    return Event.objects.filter(kind="DISCLOSED").count()


# What is shown -----------------------------------------------------------------------------------------------------


def test_a_kindergarten_learns_only_that_there_is_a_record(city):
    person = factories.person()
    factories.sealed(city, person)
    grant = factories.ready(factories.approved(city, person))

    answer = opened(grant)

    assert answer.is_present
    assert answer.records == []
    assert disclosed_events() == 1


def test_a_court_reads_the_particulars_and_not_the_remark_of_a_reviewer(city):
    person = factories.person()
    factories.sealed(city, person, **theft(day=timezone.localdate() - timedelta(days=60)))
    grant = court_grant(city, person)

    [record] = opened(grant).records

    assert record.particulars["name"] == person.name
    assert record.particulars["facts"] == "经查明的违法事实。"
    assert "remark" not in record.particulars
    assert record.detention_days == 6


def test_an_abstract_says_category_date_organ_and_penalty_without_particulars(city):
    person = factories.person()
    factories.sealed(city, person, **theft(day=timezone.localdate() - timedelta(days=60)))
    grant = court_grant(city, person, asked_rung="ABSTRACT")

    [record] = opened(grant).records

    assert record.offence.code == "PSAPL2025-058-p1-i1"
    assert record.particulars == {}


@pytest.mark.parametrize(
    "world", ["nobody", "another name", "out of category", "out of window", "after the new act", "unsealed"]
)
def test_none_and_not_for_you_are_the_same_answer(city, world):
    person = factories.person()
    today = timezone.localdate()
    if world == "another name":
        factories.sealed(city, factories.person("李四", person.number), **theft(day=today - timedelta(days=60)))
    elif world == "out of category":
        factories.sealed(city, person, day=today - timedelta(days=60))
    elif world == "out of window":
        factories.sealed(city, person, **theft(day=date(2026, 1, 2)))
    elif world == "after the new act":
        factories.sealed(city, person, **theft(day=today - timedelta(days=3)))
    elif world == "unsealed":
        factories.violation_at(factories.Status.CONFIRMED, city, person, **theft(day=today - timedelta(days=60)))
    grant = court_grant(city, person, asked_from=date(2026, 6, 1), act_on=today - timedelta(days=5))

    answer = opened(grant)

    assert (answer.is_present, answer.records) == (False, [])


def test_an_earlier_penalty_counts_from_the_new_act_however_long_the_decision_takes(city):
    """Finding A2: served more than a year before the decision on the request, and less than a year before the act."""
    person, today = factories.person(), timezone.localdate()
    earlier = {"offence_code": "PSAPL2005-058-p1-i1", "day": today - timedelta(days=371)}
    factories.sealed(city, person, **theft(**earlier))

    assert opened(court_grant(city, person, act_on=today - timedelta(days=10))).is_present
    assert not opened(court_grant(city, person, act_on=today)).is_present


def test_the_day_of_the_act_and_the_day_a_year_before_are_inside_and_their_neighbours_are_not(city):
    act_on = date(2026, 11, 10)
    inside = {date(2026, 11, 10): True, date(2026, 11, 11): False}
    for served_on, expected in inside.items():
        person = factories.person()
        factories.sealed(city, person, **theft(day=served_on - timedelta(days=1)))

        assert opened(court_grant(city, person, act_on=act_on)).is_present == expected, served_on


REVIEWED = "测公（治）行罚决字〔2026〕00001号"


def review_of(city, person, number=REVIEWED, **values):
    purpose = CasePurpose.objects.get(code="REVIEW")
    return court_grant(city, person, case_purpose=purpose, act_on=None, decision_number=number, **values)


@pytest.mark.parametrize("rung", ["PRESENCE", "ABSTRACT", "FULL"])
def test_a_review_of_one_decision_shows_that_decision_only(city, rung):
    """Finding S12: the court that reviews one penalty got the whole life."""
    person, day = factories.person(), date(2026, 9, 1)
    for offset in (0, 30, 60):
        factories.sealed(city, person, **theft(day=day + timedelta(days=offset)))

    answer = opened(review_of(city, person, asked_rung=rung, decision_on=date(2026, 10, 2)))

    assert answer.is_present
    assert [record.decided_on for record in answer.records] == ([] if rung == "PRESENCE" else [date(2026, 10, 2)])


@pytest.mark.parametrize("asked", [{"decision_on": date(2026, 9, 3)}, {"number": "测公（治）行罚决字〔2026〕00002号"}])
def test_another_day_or_another_number_is_another_decision(city, asked):
    person = factories.person()
    factories.sealed(city, person, **theft(day=date(2026, 9, 1)))

    answer = opened(review_of(city, person, **{"decision_on": date(2026, 9, 2), **asked}))

    assert (answer.is_present, answer.records) == (False, [])


@pytest.mark.parametrize(("born", "expected"), [(date(1980, 1, 1), True), (date(2009, 11, 1), False)])
def test_a_supervision_organ_is_not_shown_what_somebody_did_under_eighteen(city, born, expected):
    organ = factories.organisation(OrganisationKind.SUPERVISION_ORGAN)
    asking = factories.user_with(Duty.FILE_REQUESTS, organisation=organ)
    person = factories.person(number=factories.id_number(born))
    factories.sealed(city, person, **theft(day=date(2026, 9, 1)))
    purpose = CasePurpose.objects.get(code="SUPERVISE-18")
    grant = factories.approved(city, person, by=asking, code="PSAPL-136-CASE", case_purpose=purpose)

    assert opened(factories.ready(grant)).is_present == expected


def test_a_basis_about_detention_does_not_see_a_fine(city):
    person = factories.person()
    factories.sealed(city, person, offence_code="PSAPL2025-051-p1-i1", penalty=factories.Penalty(fine_yuan=300))
    grant = factories.ready(factories.approved(city, person))
    assert opened(grant).is_present
    # The same person under a filter for detention only.
    other = factories.approved(city, person)
    Grant.objects.filter(pk=other.pk).update(record_filter="DETENTION")
    factories.ready(other)
    other.refresh_from_db()

    assert not opened(other).is_present


def test_a_threshold_needs_its_number_of_records(city):
    person = factories.person()
    grant = factories.approved(city, person)
    Grant.objects.filter(pk=grant.pk).update(record_filter="DETENTION_AT_LEAST", filter_count=2)
    factories.ready(grant)
    factories.sealed(city, person)
    assert not opened(grant).is_present
    factories.sealed(city, person, day=date(2026, 2, 2))

    assert opened(grant).is_present


# What keeps it shut: the application's side --------------------------------------------------------------------------


def test_nobody_but_the_named_recipient_opens(city):
    grant = factories.ready(factories.approved(city, factories.person()))
    colleague = factories.user_with(factories.Duty.FILE_REQUESTS, organisation=city.kindergarten)
    opening.confirm_identity(by=colleague, session_key=SESSION, proved=True)

    with pytest.raises(NothingToShow):
        opened(grant, by=colleague)
    assert disclosed_events() == 0


def test_the_undertaking_comes_first(city):
    grant = factories.approved(city, factories.person())
    opening.confirm_identity(by=city.requester, session_key=SESSION, proved=True)

    with pytest.raises(Refused, match="undertaking"):
        opened(grant)


def test_an_identity_confirmed_in_another_session_does_not_count(city):
    grant = factories.ready(factories.approved(city, factories.person()), session_key="another session")

    with pytest.raises(Refused, match="identity"):
        opened(grant)


def test_an_identity_confirmed_too_long_ago_does_not_count(city, settings):
    grant = factories.ready(factories.approved(city, factories.person()))
    settings.CONFIRMATION_SECONDS = 0

    with pytest.raises(Refused, match="identity"):
        opened(grant)


def test_a_lapsed_agreement_closes_a_live_grant(city):
    grant = factories.ready(factories.approved(city, factories.person()))
    people.change_agreement(
        city.kindergarten,
        by=factories.user_with(factories.Duty.ADMINISTER_PEOPLE, organisation=city.kindergarten),
        ends_on=timezone.localdate() - timedelta(days=1),
    )
    grant.access_request.requester.refresh_from_db()

    with pytest.raises(NotAllowed, match="agreement"):
        opened(grant)


def test_a_disabled_person_opens_nothing(city):
    grant = factories.ready(factories.approved(city, factories.person()))
    admin = factories.user_with(factories.Duty.ADMINISTER_PEOPLE, organisation=city.kindergarten)
    people.disable_user(city.requester, by=admin)

    with pytest.raises(NothingToShow):
        opened(grant)


def test_a_person_of_another_request_is_not_covered(city):
    one, other = factories.person(), factories.person("李四")
    factories.sealed(city, other)
    grant = factories.ready(factories.approved(city, one))
    elsewhere = factories.submitted(city, other)

    with pytest.raises(NothingToShow):
        opened(grant, subject=elsewhere.current_subjects.get())


def test_openings_run_out_and_a_form_sent_twice_is_one_opening(city):
    grant = factories.ready(factories.approved(city, factories.person(), scope={"openings": 1}))
    token = factories.token()
    opened(grant, token=token)
    opened(grant, token=token)

    with pytest.raises(WrongState, match="Every opening"):
        opened(grant)
    assert Opening.objects.count() == 1
    # Rule 2: each showing has its event, counted or not.
    assert disclosed_events() == 2


def test_revocation_is_immediate(city):
    grant = factories.ready(factories.approved(city, factories.person()))
    token = factories.token()
    opened(grant, token=token)
    decisions.revoke(grant, by=city.supervisor, reason="依据已撤销。")

    with pytest.raises(NothingToShow):
        opened(grant, token=token)


def test_a_grant_revoked_between_the_two_steps_shows_nothing(city, monkeypatch):
    grant = factories.ready(factories.approved(city, factories.person()))
    count_and_commit = opening.open_grant

    def revoked_right_after(*arguments, **values):
        result = count_and_commit(*arguments, **values)
        decisions.revoke(grant, by=city.supervisor, reason="依据已撤销。")
        return result

    monkeypatch.setattr(opening, "open_grant", revoked_right_after)

    with pytest.raises(NothingToShow):
        opened(grant)


@pytest.mark.parametrize("hours_off", [-1, 1])
def test_the_databases_clock_ends_a_grant_whatever_the_applications_says(city, monkeypatch, hours_off):
    grant = factories.ready(factories.approved(city, factories.person()))
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(hours=hours_off))
    opened(grant)
    Grant.objects.filter(pk=grant.pk).update(ends_at=trail.database_now())

    with pytest.raises(NothingToShow):
        opened(grant)


def test_of_two_overlapping_grants_ending_one_leaves_the_other(city):
    person = factories.person()
    factories.sealed(city, person)
    one, other = factories.ready(factories.approved(city, person)), factories.ready(factories.approved(city, person))
    decisions.revoke(one, by=city.supervisor, reason="重复。")

    assert opened(other).is_present
    with pytest.raises(NothingToShow):
        opened(one)


def test_inside_an_outer_transaction_it_raises_and_reads_nothing(city):
    grant = factories.ready(factories.approved(city, factories.person()))

    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        opened(grant)


def test_without_the_right_to_write_events_nothing_is_shown_or_counted(city, owner):
    grant = factories.ready(factories.approved(city, factories.person()))
    owner.execute(
        "revoke insert on audit_event from seal_app; revoke insert (id, canonical) on audit_event from seal_app"
    )

    with pytest.raises(TrailUnavailable):
        opened(grant)
    grant.refresh_from_db()
    assert grant.openings_used == 0


# What keeps it shut: the database's side -----------------------------------------------------------------------------


def ask_database(event):
    with connection.cursor() as cursor:
        cursor.execute("select * from records_disclosed(%s)", [event])
        return cursor.fetchall()


def write_disclosure(grant, subject, counted, by, kind=trail.EventType.DISCLOSED):
    return trail.write(kind, by=by, on=grant, subject=str(subject.pk), opening=str(counted.pk), rung=grant.rung)


@pytest.fixture
def prepared(city):
    """A live grant about a person with a record, its subject, and a counted opening."""
    person = factories.person()
    factories.sealed(city, person)
    grant = factories.ready(factories.approved(city, person))
    subject = factories.subject_of(grant)
    _grant, counted, _event = opening.open_grant(
        grant, subject, by=city.requester, session_key=SESSION, token=factories.token()
    )
    return grant, subject, counted


def test_the_database_refuses_an_event_that_is_not_yet_committed(city, prepared):
    with transaction.atomic():
        event = write_disclosure(*prepared, by=city.requester)
        with pytest.raises(Exception, match="no committed, recent disclosure"), transaction.atomic():
            ask_database(event)
    assert len(ask_database(event)) == 1


def test_the_database_refuses_an_event_that_was_rolled_back(city, prepared):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        event = write_disclosure(*prepared, by=city.requester)
        raise ZeroDivisionError

    with pytest.raises(Exception, match="no committed, recent disclosure"):
        ask_database(event)


def test_the_database_refuses_an_old_event(city, prepared, owner):
    with transaction.atomic():
        event = write_disclosure(*prepared, by=city.requester)
    owner.execute("alter table audit_event disable trigger all")
    owner.execute("update audit_event set at = at - interval '61 seconds' where id = %s", [event])

    with pytest.raises(Exception, match="no committed, recent disclosure"):
        ask_database(event)


def test_the_database_refuses_an_event_of_another_kind_and_one_that_does_not_exist(city, prepared):
    with transaction.atomic():
        event = write_disclosure(*prepared, by=city.requester, kind=trail.EventType.IDENTITY_CONFIRMED)

    for wrong in (event, uuid.uuid4()):
        with pytest.raises(Exception, match="no committed, recent disclosure"):
            ask_database(wrong)


def test_the_database_refuses_an_event_of_somebody_else_and_of_another_persons_subject(city, prepared):
    grant, subject, counted = prepared
    other = factories.submitted(city, factories.person("李四")).current_subjects.get()
    with transaction.atomic():
        not_the_opener = write_disclosure(grant, subject, counted, by=city.judge)
        not_the_subject = write_disclosure(grant, other, counted, by=city.requester)

    for wrong in (not_the_opener, not_the_subject):
        with pytest.raises(Exception, match="not a person of this grant"):
            ask_database(wrong)


@pytest.mark.parametrize("change", [{"ends_at": "past"}, {"revoked_at": "now"}])
def test_the_database_refuses_an_event_of_an_ended_grant(city, prepared, change):
    grant, *_rest = prepared
    with transaction.atomic():
        event = write_disclosure(*prepared, by=city.requester)
    now = trail.database_now()
    if "ends_at" in change:
        Grant.objects.filter(pk=grant.pk).update(ends_at=now)
    else:
        Grant.objects.filter(pk=grant.pk).update(revoked_at=now, revoked_by=city.supervisor)

    with pytest.raises(Exception, match="no live grant"):
        ask_database(event)


def test_below_full_the_database_hands_out_neither_key_nor_ciphertext(city):
    person = factories.person()
    factories.sealed(city, person, **theft(day=timezone.localdate() - timedelta(days=60)))
    grant = court_grant(city, person, asked_rung="ABSTRACT")
    _grant, _opening, event = opening.open_grant(
        grant, factories.subject_of(grant), by=city.judge, session_key=SESSION, token=factories.token()
    )

    [row] = ask_database(event)

    assert row[-2:] == (None, None)


def test_at_presence_the_database_does_not_even_say_how_many(city):
    person = factories.person()
    factories.sealed(city, person)
    factories.sealed(city, person, day=date(2026, 2, 2))
    grant = factories.ready(factories.approved(city, person))
    _grant, _opening, event = opening.open_grant(
        grant, factories.subject_of(grant), by=city.requester, session_key=SESSION, token=factories.token()
    )

    [row] = ask_database(event)

    assert set(row) == {None}


# Keys (16) -----------------------------------------------------------------------------------------------------------


def test_ciphertexts_and_keys_swapped_between_records_do_not_open(city, owner):
    one, other = factories.person(), factories.person("李四")
    day = timezone.localdate() - timedelta(days=60)
    first, second = factories.sealed(city, one, **theft(day=day)), factories.sealed(city, other, **theft(day=day))
    owner.execute("alter table records_violation disable trigger user")
    for column, table, key in [
        ("particulars", "records_violation", "id"),
        ("wrapped", "records_recordkey", "violation_id"),
    ]:
        swapped = owner.execute(f"select {column} from {table} where {key} = %s", [second.pk]).fetchone()
        owner.execute(f"update {table} set {column} = %s where {key} = %s", [swapped[0], first.pk])
        grant = court_grant(city, one)

        with pytest.raises(disclosure.vault.Tampered):
            opened(grant)


def test_the_full_answer_of_a_record_whose_key_is_destroyed_is_gone_with_its_history(city, owner):
    person = factories.person()
    record = factories.sealed(city, person, **theft(day=timezone.localdate() - timedelta(days=60)))
    owner.execute("delete from records_recordkey where violation_id = %s", [record.pk])

    assert opened(court_grant(city, person)).records == []
    # Every copy in the history was under the same key, and no other key is kept anywhere.
    [(copies,)] = owner.execute(
        "select count(*) from records_historicalviolation where id = %s", [record.pk]
    ).fetchall()
    assert copies > 1


def test_a_connection_as_the_application_role_cannot_call_around_the_door(city, cloned, owner):
    with psycopg.connect(**{**cloned, "user": "seal_app"}, autocommit=True) as stranger:
        for statement in (
            "select records_seal('{}', '{}', gen_random_uuid())",
            "select * from records_disclosed(gen_random_uuid())",
            "set role seal_owner",
            "set row_security = off; select * from records_violation",
        ):
            with pytest.raises(psycopg.Error):
                stranger.execute(statement)
