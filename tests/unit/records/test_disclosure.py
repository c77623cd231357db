"""The one door: what it shows, and everything that keeps it shut."""

from __future__ import annotations

import json
import uuid
from datetime import date, timedelta

import psycopg
import pytest
from django.db import transaction
from django.utils import timezone
from psycopg.rows import dict_row

from access.actions import decisions, opening, people
from access.actions.requests import Person
from access.exceptions import NothingToShow, Refused, Unavailable, WrongState
from access.models import CasePurpose, Opening
from access.models.duty import Duty
from access.models.people import OrganisationKind
from audit.models import Event
from records import disclosure, keyservice
from tests import factories
from tests.factories import SESSION

pytestmark = pytest.mark.django_db


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


def events(kind):
    return Event.objects.filter(kind=kind).count()


# What is shown -----------------------------------------------------------------------------------------------------


def test_a_kindergarten_learns_only_that_there_is_a_record(city):
    person = factories.person()
    factories.sealed(city, person)
    grant = factories.ready(factories.approved(city, person))

    answer = opened(grant)

    assert answer.is_present
    assert answer.records == []
    assert (events("OPENING"), events("ANSWER_SHOWN"), events("ANSWER_REFUSED")) == (1, 1, 0)


def test_a_court_reads_the_particulars_and_not_the_remark_of_a_reviewer(city):
    person = factories.person()
    factories.sealed(city, person, **theft(day=timezone.localdate() - timedelta(days=60)))
    grant = court_grant(city, person)

    [record] = opened(grant).records

    assert record.particulars["name"] == person.name
    assert record.particulars["facts"] == "经查明的违法事实。"
    assert "remark" not in record.particulars
    assert record.detention_days == 6


def test_an_abstract_says_category_dates_unit_and_penalty_without_particulars(city):
    person = factories.person()
    factories.sealed(city, person, **theft(day=timezone.localdate() - timedelta(days=60)))
    grant = court_grant(city, person, asked_rung="ABSTRACT")

    [record] = opened(grant).records

    assert record.offence.code == "PSAPL2025-058-p1-i1"
    # The period is counted from service, so its day is shown; here it is the day of the decision.
    assert record.served_on == record.decided_on
    assert record.particulars == {}


@pytest.mark.parametrize(
    "world", ["nobody", "another number", "out of category", "out of window", "after the new act", "unsealed"]
)
def test_none_and_not_for_you_are_the_same_answer(city, world):
    person = factories.person()
    today = timezone.localdate()
    if world == "another number":
        factories.sealed(city, factories.person(person.name), **theft(day=today - timedelta(days=60)))
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


def test_another_name_of_the_same_document_hides_nothing(city):
    """Finding B4: one wrong character of the name, or a former name, cleared an offender."""
    then = factories.person("宋知远")
    factories.sealed(city, then, **theft(day=timezone.localdate() - timedelta(days=60)))

    [record] = opened(court_grant(city, factories.person("宋知圆", then.number))).records

    assert record.particulars["name"] == "宋知远"


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


def test_a_review_of_one_decision_shows_that_decision_only(city):
    """Finding S12: the court that reviews one penalty got the whole life."""
    person, day = factories.person(), date(2026, 9, 1)
    for offset in (0, 30, 60):
        factories.sealed(city, person, **theft(day=day + timedelta(days=offset)))

    answer = opened(review_of(city, person, decision_on=date(2026, 10, 2)))

    assert answer.is_present
    assert [record.decided_on for record in answer.records] == [date(2026, 10, 2)]


@pytest.mark.parametrize("rung", ["PRESENCE", "ABSTRACT"])
def test_a_review_reads_the_number_of_the_decision_or_nothing(city, rung):
    """Below the particulars nobody can tell two decisions of one day apart."""
    with pytest.raises(Refused, match="every decision of that day"):
        review_of(city, factories.person(), asked_rung=rung, decision_on=date(2026, 9, 2))
    with pytest.raises(Refused, match="every decision of that day"):
        review_of(city, factories.person(), decision_on=date(2026, 9, 2), scope={"rung": rung})


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


def test_a_basis_about_detention_does_not_see_a_fine(city, enact):
    person = factories.person()
    factories.sealed(city, person, offence_code="PSAPL2025-051-p1-i1", penalty=factories.Penalty(fine_yuan=300))
    grant = factories.ready(factories.approved(city, person))
    assert opened(grant).is_present
    # The same person under a filter for detention only.
    enact(factories.version_of(factories.basis(), 2, record_filter="DETENTION"))
    other = factories.ready(factories.approved(city, person))
    assert other.record_filter == "DETENTION"

    assert not opened(other).is_present
    factories.sealed(city, person, day=date(2026, 2, 2))
    assert opened(other).is_present


def test_a_threshold_needs_its_number_of_records(city, enact):
    person = factories.person()
    enact(factories.version_of(factories.basis(), 2, record_filter="DETENTION_AT_LEAST", filter_count=2))
    grant = factories.ready(factories.approved(city, person))
    factories.sealed(city, person)
    assert not opened(grant).is_present
    factories.sealed(city, person, day=date(2026, 2, 2))

    assert opened(grant).is_present


# What keeps it shut: the application's side --------------------------------------------------------------------------


def test_nobody_but_the_named_recipient_opens(city):
    grant = factories.ready(factories.approved(city, factories.person()))
    colleague = factories.user_with(factories.Duty.FILE_REQUESTS, organisation=city.kindergarten)
    factories.confirm_identity(by=colleague, session_key=SESSION, grant=grant, proved=True)

    with pytest.raises(NothingToShow):
        opened(grant, by=colleague)
    assert (events("OPENING"), events("ANSWER_SHOWN")) == (0, 0)


def test_the_undertaking_comes_first(city):
    grant = factories.approved(city, factories.person())
    factories.confirm_identity(by=city.requester, session_key=SESSION, grant=grant, proved=True)

    with pytest.raises(Refused, match="undertaking"):
        opened(grant)


def test_an_identity_confirmed_in_another_session_does_not_count(city):
    grant = factories.ready(factories.approved(city, factories.person()), session_key="another session")

    with pytest.raises(Refused, match="identity"):
        opened(grant)


def test_an_identity_confirmed_too_long_ago_does_not_count(city, owner):
    grant = factories.ready(factories.approved(city, factories.person()))
    owner.execute("update audit_limit set value = 0 where name = 'CONFIRMATION_SECONDS'")

    with pytest.raises(Refused, match="identity"):
        opened(grant)


def test_a_lapsed_agreement_closes_a_live_grant(city):
    grant = factories.ready(factories.approved(city, factories.person()))
    people.change_agreement(
        city.kindergarten,
        by=factories.administrator_of(city.kindergarten),
        ends_on=timezone.localdate() - timedelta(days=1),
    )
    grant.access_request.requester.refresh_from_db()

    with pytest.raises(Refused, match="agreement"):
        opened(grant)


def test_a_disabled_person_opens_nothing(city):
    grant = factories.ready(factories.approved(city, factories.person()))
    admin = factories.administrator_of(city.kindergarten)
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
    # Rule 2: each showing has its events, counted or not.
    assert (events("OPENING"), events("ANSWER_SHOWN")) == (2, 2)


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
    # What was counted and not shown is in the trail as such.
    assert (events("OPENING"), events("ANSWER_SHOWN"), events("ANSWER_REFUSED")) == (1, 0, 1)


@pytest.mark.parametrize("hours_off", [-1, 1])
def test_the_databases_clock_ends_a_grant_whatever_the_applications_says(city, owner, monkeypatch, hours_off):
    grant = factories.ready(factories.approved(city, factories.person()))
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(hours=hours_off))
    opened(grant)
    end(owner, grant)

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

    with transaction.atomic(), pytest.raises(RuntimeError, match="commits by itself"):
        opened(grant)
    assert (events("OPENING"), events("ANSWER_SHOWN"), Opening.objects.count()) == (0, 0, 0)


def test_without_its_event_nothing_is_shown_or_counted(city, owner):
    grant = factories.ready(factories.approved(city, factories.person()))
    owner.execute("revoke insert on audit_event from seal_owner")

    with pytest.raises(Unavailable):
        opened(grant)
    assert not Opening.objects.exists()


def test_without_the_second_event_nothing_is_shown(city, owner):
    person = factories.person()
    factories.sealed(city, person)
    grant = factories.ready(factories.approved(city, person))
    owner.execute("alter table audit_event add constraint nothing_is_shown check (kind <> 'ANSWER_SHOWN') not valid")

    with pytest.raises(Unavailable):
        opened(grant)
    assert (events("OPENING"), events("ANSWER_SHOWN"), events("ANSWER_REFUSED")) == (1, 0, 1)
    assert owner.execute("select count(*) from sealed.shown").fetchone() == (0,)


# What keeps it shut: the database's side -----------------------------------------------------------------------------


@pytest.fixture
def keys(cloned):
    """The key service's own connection."""
    with psycopg.connect(**{**cloned, "user": "seal_keys"}, autocommit=True, row_factory=dict_row) as connection:
        yield connection


@pytest.fixture
def application(cloned, db):
    """A connection of the application's role beside Django's."""
    with psycopg.connect(**{**cloned, "user": "seal_app"}, autocommit=True) as connection:
        yield connection


def ask(keys, *events):
    keys.execute("select sealed.mark(%s)", [list(events)])
    return keys.execute("select * from sealed.disclosed(%s)", [list(events)]).fetchall()


def count_opening(application, grant, subject, token=None):
    """Ask the first function for one opening, on a connection whose transaction the test ends; return its event."""
    row = application.execute(
        "select outcome, event from access_open(%s, %s, %s, %s, %s)",
        [
            grant.pk,
            [subject.pk],
            grant.access_request.requester_id,
            opening.session_digest(SESSION),
            token or factories.token(),
        ],
    ).fetchone()
    assert row[0] == "OPENED"
    return row[1]


def end(owner, grant) -> None:
    tampered(owner, "access_grant", "starts_at = now() - interval '2 days', ends_at = now()", grant.pk)


def tampered(owner, table, change, pk) -> None:
    """Alter a row as its owner can: with the triggers off."""
    owner.execute(f"alter table {table} disable trigger user")
    assert owner.execute(f"update {table} set {change} where id = %s", [pk]).rowcount == 1


@pytest.fixture
def prepared(city):
    """A live grant about a person with a record, its subject, and a counted opening."""
    person = factories.person()
    factories.sealed(city, person)
    grant = factories.ready(factories.approved(city, person))
    subject = factories.subject_of(grant)
    [counted] = opening.open_grant(grant, [subject], by=city.requester, session_key=SESSION, token=factories.token())
    return grant, subject, counted


def test_an_event_that_is_named_twice_in_one_call_shows_nothing(prepared, keys):
    _grant, _subject, counted = prepared

    with pytest.raises(psycopg.Error, match="an event shows once"):
        ask(keys, counted.event, counted.event)
    assert events("ANSWER_SHOWN") == 0
    assert len(ask(keys, counted.event)) == 1


def test_one_wrong_event_of_many_shows_nothing_of_any(city, prepared, keys):
    grant, subject, counted = prepared
    [other] = opening.open_grant(grant, [subject], by=city.requester, session_key=SESSION, token=factories.token())

    for wrong in ([counted.event, uuid.uuid4(), other.event], []):
        with pytest.raises(psycopg.Error, match="no committed, recent opening|nothing is disclosed"):
            ask(keys, *wrong)
    assert events("ANSWER_SHOWN") == 0
    assert {row["event"] for row in ask(keys, counted.event, other.event)} == {counted.event, other.event}


def test_the_database_refuses_an_event_that_is_not_yet_committed(prepared, application, keys):
    grant, subject, _counted = prepared
    with application.transaction():
        event = count_opening(application, grant, subject)
        with pytest.raises(psycopg.Error, match="no committed, recent opening"):
            ask(keys, event)
    assert len(ask(keys, event)) == 1


@pytest.mark.parametrize("undone", ["transaction", "subtransaction"])
def test_the_database_refuses_an_event_that_was_rolled_back(prepared, application, keys, undone):
    grant, subject, _counted = prepared
    application.execute("begin")
    if undone == "subtransaction":
        application.execute("savepoint before")
    event = count_opening(application, grant, subject)
    application.execute("rollback" if undone == "transaction" else "rollback to before; commit")

    with pytest.raises(psycopg.Error, match="no committed, recent opening"):
        ask(keys, event)


def test_the_database_refuses_an_old_event_and_one_of_the_future(prepared, keys, owner):
    _grant, _subject, counted = prepared
    for change in ("at - interval '61 seconds'", "at + interval '122 seconds'"):
        tampered(owner, "audit_event", f"at = {change}", counted.event)

        with pytest.raises(psycopg.Error, match="no committed, recent opening"):
            ask(keys, counted.event)


def test_the_database_refuses_an_event_of_another_kind_and_one_that_does_not_exist(prepared, keys):
    grant, *_rest = prepared
    signed = Event.objects.get(kind="UNDERTAKING_SIGNED", target_id=str(grant.pk)).pk

    for wrong in (signed, uuid.uuid4()):
        with pytest.raises(psycopg.Error, match="no committed, recent opening"):
            ask(keys, wrong)


def forged(owner, prepared, **changes):
    """An opening's event as only the owner of the tables can write it, by hand, like the real one but for the changes."""
    _grant, _subject, counted = prepared
    actor, unit, target, detail = owner.execute(
        "select actor, unit, target_id, audit_json(canonical) -> 'detail' from audit_event where id = %s",
        [counted.event],
    ).fetchone()
    target, actor = changes.pop("target", target), changes.pop("actor", actor)
    return owner.execute(
        "select audit_append('OPENING', %s, %s, 'access.grant', %s, %s)",
        [
            str(actor),
            unit,
            str(target),
            json.dumps({**detail, **{name: str(value) for name, value in changes.items()}}),
        ],
    ).fetchone()[0]


def test_an_event_forged_by_the_owner_shows_no_more_than_what_was_counted(city, prepared, keys, owner):
    grant, subject, counted = prepared
    other_person = factories.submitted(city, factories.person("李四")).current_subjects.get()
    other = factories.ready(factories.approved(city, factories.person("王五")))
    [elsewhere] = opening.open_grant(
        other, [factories.subject_of(other)], by=city.requester, session_key=SESSION, token=factories.token()
    )
    confirmed = owner.execute("select id from access_identityconfirmation where target_id = %s", [other.pk]).fetchone()[
        0
    ]
    for changes, refusal in (
        ({"actor": city.judge.pk}, "no live grant"),
        ({"actor": city.supervisor.pk}, "no live grant"),
        ({"target": factories.submitted(city).pk}, "no live grant"),
        ({"rung": "FULL"}, "no live grant"),
        ({"subject": other_person.pk}, "something that an opening needs"),
        ({"opening": uuid.uuid4()}, "something that an opening needs"),
        ({"opening": elsewhere.opening}, "something that an opening needs"),
        ({"target": other.pk}, "something that an opening needs"),
        ({"confirmation": confirmed}, "something that an opening needs"),
        ({"confirmation": uuid.uuid4()}, "something that an opening needs"),
    ):
        with pytest.raises(psycopg.Error, match=refusal):
            ask(keys, forged(owner, prepared, **changes))
    # Nothing of these is refused for another reason than the change.
    assert len(ask(keys, forged(owner, prepared))) == 1


@pytest.mark.parametrize("over", ["expired", "revoked"])
def test_the_database_refuses_an_event_of_an_ended_grant(city, prepared, keys, owner, over):
    grant, _subject, counted = prepared
    if over == "expired":
        end(owner, grant)
    else:
        decisions.revoke(grant, by=city.supervisor, reason="依据已撤销。")

    with pytest.raises(psycopg.Error, match="no live grant"):
        ask(keys, counted.event)


def test_below_full_the_database_hands_out_neither_key_nor_ciphertext(city, keys):
    person = factories.person()
    factories.sealed(city, person, **theft(day=timezone.localdate() - timedelta(days=60)))
    for rung, has_particulars in (("ABSTRACT", False), ("FULL", True)):
        grant = court_grant(city, person, asked_rung=rung)
        [counted] = opening.open_grant(
            grant, [factories.subject_of(grant)], by=city.judge, session_key=SESSION, token=factories.token()
        )

        [row] = ask(keys, counted.event)

        assert (row["particulars"] is not None, row["wrapped"] is not None) == (has_particulars, has_particulars)


def test_at_presence_the_key_service_hands_out_yes_or_no_and_the_database_no_column_of_a_record(city, keys):
    person, busy = factories.person(), factories.person("李四")
    factories.sealed(city, person)
    for month in (2, 3, 4):
        factories.sealed(city, busy, day=date(2026, month, 2))
    grant = factories.ready(factories.approved(city, person, busy))
    subjects = [factories.subject_of(grant, place) for place in (1, 2)]

    def count():
        return [
            one.event
            for one in opening.open_grant(
                grant, subjects, by=city.requester, session_key=SESSION, token=factories.token()
            )
        ]

    answers = keyservice.open(count())

    assert [vars(answer) for answer in answers.values()] == [{"is_present": True, "rows": []}] * 2
    for row in ask(keys, *count()):
        said = {name for name, value in row.items() if value is not None}
        assert said == {"event", "rung", "content", "mac"}


# Keys ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["particulars", "wrapped"])
def test_ciphertexts_and_keys_swapped_between_records_do_not_open(city, owner, column):
    one, other = factories.person(), factories.person("李四")
    day = timezone.localdate() - timedelta(days=60)
    first, second = factories.sealed(city, one, **theft(day=day)), factories.sealed(city, other, **theft(day=day))
    table, key = {"particulars": ("record", "id"), "wrapped": ("record_key", "record_id")}[column]
    owner.execute("alter table sealed.record disable trigger user")
    swapped = owner.execute(f"select {column} from sealed.{table} where {key} = %s", [second.pk]).fetchone()
    owner.execute(f"update sealed.{table} set {column} = %s where {key} = %s", [swapped[0], first.pk])

    with pytest.raises(Unavailable, match="not what was sealed|altered or belong elsewhere"):
        opened(court_grant(city, one))
    assert (events("OPENING"), events("ANSWER_REFUSED")) == (1, 1)


@pytest.mark.parametrize(
    "change",
    [
        "detention_days = detention_days - 1",
        "fine_yuan = fine_yuan + 1",
        "warning = not warning",
        "licence_revoked = not licence_revoked",
        "acted_on = acted_on - 1",
        "decided_on = decided_on - 1",
        "served_on = served_on - 1",
        "organ_id = gen_random_uuid()",
        "entered_by_id = gen_random_uuid()",
        "reviewed_by_id = gen_random_uuid()",
        "age_band = 'from_70'",
        "version = version + 1",
        "sealing_rule_id = gen_random_uuid()",
        "rest_digest = sha256('')",
        "mac = sha256('')",
    ],
)
@pytest.mark.parametrize("rung", ["PRESENCE", "ABSTRACT", "FULL"])
def test_a_record_whose_columns_the_owner_altered_is_shown_at_no_level(city, owner, rung, change):
    person = factories.person()
    record = factories.sealed(city, person, **theft(day=timezone.localdate() - timedelta(days=60)))
    tampered(owner, "sealed.record", change, record.pk)
    # A digest over what stands there now is no proof either: nobody makes the MAC without the key.

    with pytest.raises(Unavailable, match="not what was sealed"):
        opened(court_grant(city, person, asked_rung=rung))
    assert keyservice.check([record.pk]).altered == [record.pk]


@pytest.mark.parametrize("rung", ["PRESENCE", "ABSTRACT", "FULL"])
def test_a_record_whose_key_was_taken_is_never_nothing_and_verification_names_it(city, owner, rung):
    person = factories.person()
    record = factories.sealed(city, person, **theft(day=timezone.localdate() - timedelta(days=60)))
    owner.execute("delete from sealed.record_key where record_id = %s", [record.pk])

    with pytest.raises(Unavailable, match="not what was sealed"):
        opened(court_grant(city, person, asked_rung=rung))
    assert keyservice.check([record.pk]).altered == [record.pk]
    # Every copy in the history is under the same key, and no other key is kept anywhere.
    [(copies,)] = owner.execute("select count(*) from sealed.history where record_id = %s", [record.pk]).fetchall()
    assert copies > 1
    for table in ("records_violation", "records_historicalviolation", "records_recordkey"):
        assert owner.execute(f"select count(*) from {table}").fetchone() == (0,)


def test_a_connection_as_the_application_role_cannot_call_around_the_door(prepared, application):
    _grant, _subject, counted = prepared
    for statement in (
        "select * from sealed.record",
        "select count(*) from sealed.shown",
        f"select * from sealed.disclosed(array['{counted.event}'::uuid])",
        "select * from sealed.working('{}')",
        "select * from sealed.audited('{}')",
        "select * from sealed.strays(1)",
        "select sealed.count_asked(gen_random_uuid(), 1)",
        "select 'sealed.record'::regclass",
        "select audit_append('OPENING', null, null, null, null, '{}')",
        "select access_grant_from_votes(gen_random_uuid(), gen_random_uuid(), 'x', now(), '{}')",
        "set role seal_owner",
        "set role seal_keys",
        "set session_replication_role = replica",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.execute(statement)


# The law of the act, the person's age, and what the purpose needs ------------------------------------------------------


def police():
    """Return somebody of a station who files."""
    branch = factories.organisation(OrganisationKind.PUBLIC_SECURITY_BRANCH)
    return factories.user_with(Duty.FILE_REQUESTS, organisation=factories.organisation(parent=branch))


def asked_by(by, city, person, code, **values):
    purpose = CasePurpose.objects.get(code=code)
    return factories.approved(city, person, by=by, code="PSAPL-136-CASE", case_purpose=purpose, **values)


@pytest.mark.parametrize(
    ("code", "act_on"), [("CASE-AGG-22", date(2025, 12, 31)), ("CASE-DET-23", date(2015, 6, 1)), ("CASE-AGG-20", None)]
)
def test_an_act_is_asked_about_under_the_law_of_its_day_only(city, code, act_on):
    with pytest.raises(Refused, match="Choose the purpose of the law of that day"):
        asked_by(police(), city, factories.person(), code, act_on=act_on or date(2026, 1, 1))


def test_the_earlier_law_reaches_six_months_back_and_no_year(city):
    act, person = date(2025, 12, 20), factories.person()
    old_theft = {"offence_code": "PSAPL2005-058-p1-i1", "penalty": factories.Penalty(detention_days=6)}
    factories.sealed(city, person, day=act - timedelta(days=320), **old_theft)
    by = police()
    grant = factories.ready(asked_by(by, city, person, "CASE-AGG-20", act_on=act))
    assert (grant.window_from, grant.window_until) == (date(2025, 6, 20), act)
    assert opened(grant).records == []

    factories.sealed(city, person, day=act - timedelta(days=100), **old_theft)
    [record] = opened(grant).records
    assert record.decided_on == act - timedelta(days=99)


@pytest.mark.parametrize(
    ("code", "born", "is_meant"),
    [
        ("CASE-FIRST-1618", date(1990, 1, 1), False),
        ("CASE-FIRST-1618", date(2009, 6, 1), True),
        ("CASE-DET-23", date(1990, 1, 1), False),
        ("CASE-DET-23", date(2011, 6, 1), True),
        ("CASE-DET-23", date(1950, 6, 1), True),
    ],
)
def test_article_23_is_asked_about_people_of_its_ages_only(city, code, born, is_meant):
    by, person = police(), factories.person(number=factories.id_number(born))
    if is_meant:
        assert asked_by(by, city, person, code, act_on=date(2026, 6, 10)).rung == "ABSTRACT"
        return
    with pytest.raises(Refused, match="Person 1: .* this person was not"):
        asked_by(by, city, person, code, act_on=date(2026, 6, 10))


def test_a_document_without_a_birth_date_proves_no_age(city):
    with pytest.raises(Refused, match="does not say when the person was born"):
        asked_by(police(), city, TRAVELLER, "CASE-DET-23", act_on=date(2026, 6, 10))


@pytest.mark.parametrize("code", ["CASE-AGG-22", "CRIM-THEFT"])
def test_a_test_for_earlier_penalties_reads_no_particulars(city, code):
    by = police()
    with pytest.raises(Refused, match="the answer says at most “Category, dates, unit and penalty”"):
        asked_by(by, city, factories.person(), code, asked_rung="FULL")
    person = factories.person()
    factories.sealed(city, person, **theft(day=date(2026, 9, 1)))
    [record] = opened(factories.ready(asked_by(by, city, person, code))).records
    assert record.particulars == {}


def test_what_took_effect_after_the_new_act_is_no_earlier_penalty_without_a_window_either(city):
    person, act = factories.person(), date(2026, 6, 10)
    nuisance = {"offence_code": "PSAPL2025-026-p1-i1", "penalty": factories.Penalty(detention_days=6)}
    factories.sealed(city, person, day=act + timedelta(days=30), **nuisance)
    by = factories.user_with(
        Duty.FILE_REQUESTS, organisation=factories.organisation(OrganisationKind.PROCURATORATE), username="procurator"
    )
    with pytest.raises(Refused, match="Give the day of the new act"):
        asked_by(by, city, person, "CRIM-DANGER", act_on=None)
    grant = factories.ready(asked_by(by, city, person, "CRIM-DANGER", act_on=act))
    assert (grant.window_from, grant.window_until, opened(grant).is_present) == (None, act, False)

    factories.sealed(city, person, day=date(2026, 1, 10), **nuisance)
    assert len(opened(grant).records) == 1


def test_a_supervision_organ_says_since_when(city):
    organ = factories.organisation(OrganisationKind.SUPERVISION_ORGAN)
    by, person = factories.user_with(Duty.FILE_REQUESTS, organisation=organ), factories.person()
    with pytest.raises(Refused, match="Say since when"):
        asked_by(by, city, person, "SUPERVISE-18", asked_from=None)
    factories.sealed(city, person, **theft(day=date(2026, 2, 1)))
    grant = factories.ready(asked_by(by, city, person, "SUPERVISE-18", asked_from=date(2026, 6, 1)))
    assert not opened(grant).is_present


# Somebody of 15 with a passport.
TRAVELLER = Person(name="SMITH JOHN", document_type="passport", number="E12345678")


def test_whose_age_nobody_knows_is_no_adult_and_needs_two_deciders(city):
    violation = factories.sealed(city, TRAVELLER, **theft(day=date(2026, 9, 1)))
    assert violation.age_band == "unknown"
    assert factories.submitted(city, TRAVELLER).approvals_needed == 2
    organ = factories.organisation(OrganisationKind.SUPERVISION_ORGAN)
    by = factories.user_with(Duty.FILE_REQUESTS, organisation=organ)

    assert not opened(factories.ready(asked_by(by, city, TRAVELLER, "SUPERVISE-18"))).is_present
    # Who may see what minors did sees it.
    assert opened(court_grant(city, TRAVELLER)).is_present
