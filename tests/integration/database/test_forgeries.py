"""What must not be invented cannot be written: every forgery of the findings, with the application's role and any SQL."""

from __future__ import annotations

import contextlib
import json
import secrets
import uuid
from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from psycopg.types.json import Jsonb

from access import sessions
from access.actions import identity, people
from access.database import Act
from access.exceptions import WrongState
from access.models import ConfirmationUse, Decision, Grant, Opening, Session, UndertakingText
from access.models.duty import Duty
from access.models.requests import CheckPoint
from access.models.requests import Status as RequestStatus
from access.sessions import SessionStore, session_digest
from audit.models import Event
from records.models import Status, Violation
from tests import factories, worlds

DENIED = psycopg.errors.InsufficientPrivilege
pytestmark = pytest.mark.django_db(transaction=True)


def refused(error: pytest.ExceptionInfo) -> bool:
    return error.value.sqlstate == "SE001"


# Of a request about one person whom no population register was asked about.
POINTS = [*CheckPoint.values, "PERSON_1"]
VOTE = "select access_vote(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
CONFIRM = "select access_confirm(%s, %s, %s, %s, %s, %s, true)"


def vote_values(access_request, by, **values):
    """Arguments of a right vote, confirmed as it has to be, with what a test changes."""
    right = {
        "request": access_request.pk,
        "version": access_request.version,
        "by": by.pk,
        "session": session_digest(factories.SESSION),
        "decision": uuid.uuid4(),
        "outcome": "APPROVE",
        "rung": access_request.asked_rung,
        "window_from": None,
        "hours": access_request.basis.grant_hours,
        "openings": access_request.basis.grant_openings,
        "checklist": Jsonb(dict.fromkeys(POINTS, True)),
        "reason": b"ciphertext",
        "nonce": secrets.token_bytes(32),
        "digest": secrets.token_bytes(32),
    }
    values = {**right, **values}
    act = [values[name] for name in ("outcome", "rung", "window_from", "hours", "openings")]
    confirm(access_request, by, *act)
    return list(values.values())


def approval(access_request) -> str:
    """What a confirmation says of an approval as asked."""
    basis = access_request.basis
    scope = (access_request.asked_rung, None, basis.grant_hours, basis.grant_openings)
    return Act.vote(access_request, access_request.version, "APPROVE", *scope).detail


def confirm(access_request, by, *vote):
    """Prove who is about to vote like this; what is no vote is for the vote itself to refuse."""
    act = Act.vote(access_request, access_request.version, *vote)
    with contextlib.suppress(WrongState):
        identity.confirm_identity(by=by, session_key=factories.SESSION, act=act, factor="password", proved=True)


# Grants and what hangs on them --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "insert into access_grant (id) values (gen_random_uuid())",
        "update access_grant set rung = 'FULL'",
        "update access_grant set ends_at = ends_at + interval '1 year'",
        "delete from access_grant",
        "insert into access_grantuserobjectpermission (content_object_id, user_id, permission_id) select null, null, 1",
        "insert into access_decision (id) values (gen_random_uuid())",
        "update access_decision set outcome = 'APPROVE'",
        "insert into access_opening (id) values (gen_random_uuid())",
        "update access_opening set viewable_until = viewable_until + interval '1 year'",
        "delete from access_opening",
        "insert into access_undertaking (id) values (gen_random_uuid())",
        "insert into access_identityconfirmation (id) values (gen_random_uuid())",
        "insert into access_confirmationuse (confirmation_id, used_at) values (gen_random_uuid(), now())",
        "delete from access_confirmationuse",
        "delete from access_session",
        "delete from access_sessionend",
        "update access_sessionend set digest = ''",
        "update access_session set digest = repeat('a', 64)",
        "update access_session set created_at = now() + interval '1 year'",
        "insert into access_revocation (id) values (gen_random_uuid())",
        "delete from access_revocation",
        "insert into access_grantexpiry (grant_id) values (gen_random_uuid())",
        "insert into access_populationquestion (id) values (gen_random_uuid())",
        "update access_requestsubject set population = 'MATCHES'",
        "insert into audit_event (id, canonical) values (gen_random_uuid(), '{}')",
        "insert into audit_checkpoint (size, root, note, frontier) values (1, decode(repeat('00', 32), 'hex'), '', '{}')",
        "insert into audit_leaf (index, event_id, hash) values (0, gen_random_uuid(), decode(repeat('00', 32), 'hex'))",
        "select audit_sequence(1)",
        "select audit_append('OPENING', null, null, null, null, '{}', '{}')",
        "update audit_log_state set confirmed_at = clock_timestamp()",
        "update audit_limit set value = 0",
        "update audit_kind set by_function = false",
        "insert into records_stub (id) values (gen_random_uuid())",
        "delete from records_violation",
        "delete from records_historicalviolation",
        "update records_recordkey set wrapped = ''",
        "insert into access_workingday (day, is_working, source) values ('2031-01-01', true, 'forged')",
        "update access_legalbasis set highest_rung = 'FULL'",
        "insert into records_sealingrule (id) values (gen_random_uuid())",
        "update access_organisation set path = ''",
        "update access_organisation set is_active = true",
        "delete from access_user",
        "set role seal_owner",
        "set role seal_mover",
        "create table forged (id integer)",
        "create temporary table audit_event (id uuid)",
        "create schema forged",
        "alter table audit_event disable trigger all",
        "set session_replication_role = 'replica'",
        "select from access_oversight",
        "insert into access_oversight values (true)",
        "select access_oversight_lock()",
        "select * from sealed.record",
        "explain (analyze) select from sealed.record",
        "select 'sealed.record'::regclass",
        "select sealed.disclosed(array[gen_random_uuid()])",
        "select sealed.working(array[gen_random_uuid()])",
    ],
)
def test_the_application_may_not(app, statement):
    with pytest.raises(DENIED):
        app.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "select * from sealed.record",
        "select * from sealed.shown",
        "select * from public.records_violation",
        "select * from public.access_grant",
        "select public.audit_append('OPENING', null, null, null, null, '{}', '{}')",
        "create temporary table audit_event (id uuid)",
        "set role seal_mover",
    ],
)
def test_the_key_services_role_reads_no_table(keys, statement):
    with pytest.raises(DENIED):
        keys.execute(statement)


@pytest.mark.parametrize(
    "kind",
    [
        "OPENING",
        "ANSWER_SHOWN",
        "GRANT_MADE",
        "REQUEST_VOTED",
        "POPULATION_ASKED",
        "VIOLATION_SEALED",
        "IDENTITY_CONFIRMED",
        "GRANT_REVOKED",
    ],
)
def test_events_of_functions_are_not_written_by_hand(app, kind):
    with pytest.raises(DENIED, match="not written by hand"):
        app.execute("select audit_write(%s, null, null, null, null, '{}')", [kind])


@pytest.mark.parametrize(
    "detail",
    [
        {"name": "张三丰"},
        {"number": factories.id_number()},
        {"deep": {"deeper": 1}},
        {"list": [["nested"]]},
        {"fraction": 1.5},
        {"Key": 1},
        {"long": "x" * 201},
        {"space": "two words"},
        ["no object"],
    ],
)
def test_an_event_holds_codes_and_nothing_else(app, detail):
    with pytest.raises(psycopg.DataError):
        app.execute("select audit_write('SIGNED_OUT', null, null, null, null, %s)", [Jsonb(detail)])


def test_events_are_canonical_json(app):
    rfc8785 = pytest.importorskip("rfc8785")
    detail = {"b": 1, "a": [True, None, 'x"\\/y', -5], "z_1": False, "empty": [], "c": ""}
    (event,) = app.execute(
        "select audit_write('SIGNED_OUT', %s, '310101000001', 'access.user', 'x', %s)", [uuid.uuid4(), Jsonb(detail)]
    ).fetchone()
    (canonical,) = app.execute("select canonical from audit_event where id = %s", [event]).fetchone()
    assert rfc8785.dumps(json.loads(canonical)) == canonical
    assert json.loads(canonical)["detail"] == detail


# Votes ----------------------------------------------------------------------------------------------------------------


def test_a_right_vote_is_taken_and_the_grant_is_what_it_allows(app, city):
    access_request = factories.submitted(city)
    widest = app.execute("select %s::date", [timezone.localdate() - timedelta(days=10)]).fetchone()[0]
    (state,) = app.execute(
        VOTE, vote_values(access_request, city.supervisor, hours=2, openings=1, window_from=widest)
    ).fetchone()
    grant = Grant.objects.get()
    assert state == "APPROVED"
    assert (grant.openings, grant.window_from, grant.ends_at - grant.starts_at) == (1, widest, timedelta(hours=2))
    assert [row.user_id for row in grant.grantuserobjectpermission_set.all()] == [city.requester.pk]


@pytest.mark.parametrize(
    "forged",
    [
        {"version": 1},
        {"version": None},
        {"outcome": "ALLOW"},
        {"outcome": None},
        {"rung": "FULL"},
        {"rung": "EVERYTHING"},
        {"rung": None},
        {"hours": 100_000},
        {"hours": 0},
        {"hours": None},
        {"openings": 100_000},
        {"openings": None},
        {"window_from": timezone.localdate() + timedelta(days=2)},
        {"checklist": Jsonb({})},
        {"checklist": Jsonb(dict.fromkeys(CheckPoint.values, True))},
        {"checklist": Jsonb({**dict.fromkeys(POINTS, True), "PERSON_1": False})},
        {"checklist": Jsonb({**dict.fromkeys(POINTS, True), "PERSON_2": True})},
        {"outcome": "REFUSE", "checklist": Jsonb(dict.fromkeys(CheckPoint.values, False))},
        {"checklist": Jsonb({**dict.fromkeys(POINTS, True), "SCOPE": False})},
        {"checklist": Jsonb({**dict.fromkeys(POINTS, True), "MORE": True})},
        {"checklist": Jsonb(dict.fromkeys(POINTS, "yes"))},
        {"outcome": "REFUSE", "checklist": Jsonb({**dict.fromkeys(POINTS, True), "MORE": "a word"})},
        {"reason": None},
        {"nonce": b"short"},
    ],
)
def test_a_vote_that_says_too_much_or_nothing_is_refused(app, city, forged):
    access_request = factories.submitted(city)
    with pytest.raises(psycopg.DatabaseError) as error:
        app.execute(VOTE, vote_values(access_request, city.supervisor, **forged))
    assert refused(error)
    assert not Decision.objects.exists()


@pytest.mark.parametrize("who", ["requester", "officer", "auditor", "judge", "security_admin"])
def test_a_vote_of_somebody_who_may_not_decide_is_refused(app, city, who):
    access_request = factories.submitted(city)
    with pytest.raises(psycopg.DatabaseError) as error:
        app.execute(VOTE, vote_values(access_request, getattr(city, who)))
    assert refused(error)


def test_two_votes_are_two_people_of_two_units(app, city):
    access_request = factories.submitted(city, by=city.judge, code="PSAPL-136-CASE")
    same_unit = factories.user_with(factories.Duty.DECIDE_REQUESTS, organisation=city.branch)
    window = {"window_from": factories.scope_for(access_request).window_from}
    app.execute(VOTE, vote_values(access_request, city.supervisor, **window))
    for again in (city.supervisor, same_unit):
        with pytest.raises(psycopg.DatabaseError) as error:
            app.execute(VOTE, vote_values(access_request, again, **window))
        assert refused(error)
    assert not Grant.objects.exists()


def test_a_deputy_whom_the_requester_appointed_does_not_decide(app, city):
    former, deputy = factories.appointed_by(city)
    access_request = factories.submitted(city, by=former, code="PSAPL-136-CASE")
    with pytest.raises(psycopg.DatabaseError) as error:
        app.execute(VOTE, vote_values(access_request, deputy))
    assert refused(error)


def test_a_vote_needs_read_committed(app, city):
    access_request = factories.submitted(city)
    app.execute("begin isolation level repeatable read")
    with pytest.raises(psycopg.DatabaseError) as error:
        app.execute(VOTE, vote_values(access_request, city.supervisor))
    app.execute("rollback")
    assert refused(error)


def test_the_votes_event_carries_the_digest_of_what_was_voted_on(app, city):
    access_request = factories.submitted(city)
    app.execute(VOTE, vote_values(access_request, city.supervisor))
    (digest,) = app.execute("select access_request_digest(%s, 1)", [access_request.pk]).fetchone()
    event = json.loads(bytes(Event.objects.get(kind="REQUEST_VOTED").canonical))
    assert event["detail"]["digest"] == digest.hex() == bytes(Decision.objects.get().digest).hex()


# Requests -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["APPROVED", "RETURNED", "REFUSED", "WITHDRAWN", "DRAFT", "SUBMITTED"])
def test_a_submitted_request_is_not_moved_by_hand(app, city, status):
    access_request = factories.submitted(city)
    with pytest.raises(psycopg.DatabaseError) as error:
        app.execute(
            "update access_accessrequest set status = %s, version = version + 1 where id = %s",
            [status, access_request.pk],
        )
    assert refused(error)


def test_nobody_is_added_to_a_request_that_waits_or_is_approved(app, city):
    grant = factories.approved(city)
    for row in (factories.submitted(city), grant.access_request):
        with pytest.raises(psycopg.DatabaseError) as error, app.transaction():
            app.execute(
                "insert into access_requestsubject"
                " (id, access_request_id, round, position, subject_key, identity_key, particulars, is_minor)"
                " values (gen_random_uuid(), %s, %s, 99, 'x', 'x', 'x', false)",
                [row.pk, row.round],
            )
            app.execute(
                "select audit_write('REQUEST_SUBMITTED', null, null, 'access.accessrequest', %s, '{}')", [str(row.pk)]
            )
        assert refused(error)


def test_no_letter_comes_to_a_submitted_request(app, city):
    access_request = factories.submitted(city)
    letter = access_request.letters.get()
    with pytest.raises(psycopg.DatabaseError) as error:
        app.execute("update access_letter set removed_at = now() where id = %s", [letter.pk])
    assert refused(error)


def test_a_request_is_changed_only_with_its_history_and_its_event(app, city):
    access_request = factories.request_draft(city)
    change = "update access_accessrequest set asked_rung = 'FULL', version = version + 1 where id = %s"
    with pytest.raises(psycopg.IntegrityError, match="history row"):
        app.execute(change, [access_request.pk])
    columns = [field.column for field in type(access_request)._meta.concrete_fields]
    listed = ", ".join(columns)
    with pytest.raises(psycopg.IntegrityError, match="event"), app.transaction():
        app.execute(change, [access_request.pk])
        app.execute(
            f"insert into access_historicalaccessrequest ({listed}, history_date, history_type)"
            f" select {listed}, now(), '~' from access_accessrequest where id = %s",
            [access_request.pk],
        )
    with pytest.raises(psycopg.IntegrityError, match="history row|needs its change"), app.transaction():
        # A history row that says something else than the row is none.
        app.execute(
            f"insert into access_historicalaccessrequest ({listed}, history_date, history_type)"
            f" select {listed}, now(), '~' from access_accessrequest where id = %s",
            [access_request.pk],
        )
        app.execute(change, [access_request.pk])
        app.execute(
            "select audit_write('REQUEST_EDITED', null, null, 'access.accessrequest', %s, '{}')",
            [str(access_request.pk)],
        )


KEEP = (
    "insert into access_historicaluser"
    " (id, username, badge_number, full_name, is_active, created_at, language, single_keys, organisation_id, history_date,"
    " history_type)"
    " select id, username, badge_number, %s, is_active, created_at, language, single_keys, organisation_id, now(), '~'"
    " from access_user where id = %s"
)


def test_history_tells_of_no_change_that_was_not_made(app, city):
    officer = city.officer
    with pytest.raises(psycopg.IntegrityError, match="needs its change and its event"):
        app.execute(KEEP, [officer.full_name, officer.pk])  # nothing happened
    with pytest.raises(psycopg.IntegrityError, match="needs its change and its event"), app.transaction():
        app.execute(KEEP, ["从前的名字", officer.pk])  # it never was like this
        app.execute("select audit_write('USER_CHANGED', null, null, 'access.user', %s, '{}')", [str(officer.pk)])
    with pytest.raises(DENIED):  # and no version says that another transaction wrote it
        app.execute(
            KEEP.replace("history_date,", "history_date, history_xid,").replace("now(),", "now(), '7',"),
            ["x", officer.pk],
        )
    with app.transaction():
        app.execute(KEEP, [officer.full_name, officer.pk])
        app.execute("select audit_write('USER_CHANGED', null, null, 'access.user', %s, '{}')", [str(officer.pk)])


@pytest.mark.parametrize("kind", ["SCHEMA_ACCEPTED", "TRAIL_VERIFIED", "TRAIL_ALARM"])
def test_only_overseers_have_a_part_in_the_events_of_overseers(app, city, kind):
    write = "select audit_write(%s, %s, null, null, null, '{}')"
    for who in (city.supervisor, city.security_admin, city.officer):
        with pytest.raises(DENIED):
            app.execute(write, [kind, who.pk])
    with pytest.raises(DENIED):
        app.execute(write, [kind, secrets.token_hex(16)])
    app.execute(write, [kind, city.auditor.pk])
    assert Event.objects.filter(kind=kind).count() == 1


# People, duties, factors ------------------------------------------------------------------------------------------------


GIVE = (
    "insert into access_organisationuserobjectpermission (content_object_id, user_id, permission_id)"
    " select %s, %s, id from auth_permission where codename = %s"
)


def test_a_duty_is_not_written_by_hand(app, city):
    with pytest.raises(DENIED):
        app.execute(GIVE, [city.branch.pk, city.officer.pk, "decide_requests"])
    with pytest.raises(DENIED):
        app.execute("delete from access_organisationuserobjectpermission where user_id = %s", [city.auditor.pk])


def test_not_even_the_owner_gives_a_duty_without_its_own_event(owner, city):
    with pytest.raises(psycopg.IntegrityError, match="event"):
        owner.execute(GIVE, [city.branch.pk, city.officer.pk, "confirm_violations"])
    wrong = '{"at":"%s","duty":"file_requests"}' % city.branch.code  # noqa: UP031 - JSON has braces
    with pytest.raises(psycopg.IntegrityError, match="event"), owner.transaction():
        owner.execute(GIVE, [city.branch.pk, city.officer.pk, "confirm_violations"])
        owner.execute(
            "select audit_append('DUTY_GIVEN', null, null, 'access.user', %s, %s)", [str(city.officer.pk), wrong]
        )
    with pytest.raises(psycopg.IntegrityError, match="event"):
        owner.execute("delete from access_organisationuserobjectpermission where user_id = %s", [city.auditor.pk])
    with pytest.raises(psycopg.IntegrityError, match="never changed"):
        owner.execute("update access_organisationuserobjectpermission set given_at = now()")


@pytest.mark.parametrize(
    "change", ["password = 'stolen'", "is_active = not is_active", "full_name = '别人'", "username = 'other'"]
)
def test_a_person_is_not_changed_without_the_event_of_that_change(app, city, change):
    listed = "id, username, badge_number, full_name, is_active, created_at, language, single_keys, organisation_id"
    with pytest.raises(psycopg.IntegrityError, match="needs its event|by its holder"), app.transaction():
        app.execute(f"update access_user set {change} where id = %s", [city.officer.pk])
        app.execute(
            f"insert into access_historicaluser ({listed}, history_date, history_type)"
            f" select {listed}, now(), '~' from access_user where id = %s",
            [city.officer.pk],
        )
        app.execute("select audit_write('SIGNED_IN', null, null, 'access.user', %s, '{}')", [str(city.officer.pk)])


def test_a_second_factor_leaves_an_event_whoever_writes_it(app, city):
    app.execute(
        "insert into mfa_authenticator (user_id, type, data, created_at) values (%s, 'totp', '{}', now())",
        [city.officer.pk],
    )
    app.execute("update mfa_authenticator set last_used_at = now()")
    app.execute("""update mfa_authenticator set data = '{"secret": "other"}'""")
    app.execute("delete from mfa_authenticator")
    events = Event.objects.filter(target_id=str(city.officer.pk), kind__startswith="FACTOR").order_by("at")
    assert [event.kind for event in events] == ["FACTOR_ADDED", "FACTOR_CHANGED", "FACTOR_REMOVED"]


# Records ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "change"),
    [
        (Status.CONFIRMED, "fine_yuan = 5000"),
        (Status.CONFIRMED, "particulars = 'other'"),
        (Status.CONFIRMED, "document_key = 'other'"),
        (Status.CONFIRMED, "status = 'DRAFT'"),
        (Status.SUBMITTED, "status = 'CONFIRMED', fine_yuan = 5000"),
        (Status.SUBMITTED, "particulars = 'other'"),
        (Status.DRAFT, "status = 'CONFIRMED'"),
        (Status.DRAFT, "organ_id = gen_random_uuid()"),
    ],
)
def test_a_record_is_not_changed_where_its_state_keeps_it(app, city, state, change):
    violation = factories.violation_at(state, city)
    with pytest.raises(psycopg.DatabaseError) as error:
        app.execute(f"update records_violation set {change}, version = version + 1 where id = %s", [violation.pk])
    assert refused(error)


def test_nothing_is_worked_on_under_the_id_of_a_sealed_record(app, city):
    draft, sealed = factories.violation_at(Status.DRAFT, city), factories.sealed(city, factories.person())
    columns = [field.column for field in type(draft)._meta.concrete_fields if field.column != "id"]
    listed = ", ".join(columns)
    with pytest.raises(psycopg.DatabaseError, match="not a move of a record") as error:
        app.execute(
            f"insert into records_violation (id, {listed}) select %s, {listed} from records_violation where id = %s",
            [sealed.pk, draft.pk],
        )
    assert refused(error)


def test_events_say_nothing_of_what_is_sealed(app, city):
    offence = "PSAPL2025-051-p1-i1"
    violation = factories.sealed(city, factories.person(), offence_code=offence)
    rows = app.execute("select kind, convert_from(canonical, 'UTF8') from audit_event").fetchall()
    about = [text for kind, text in rows if kind.startswith("VIOLATION") or kind == "DECISION_SERVED"]
    assert len(about) >= 5
    for text in about:
        detail = json.loads(text)["detail"]
        assert set(detail) <= {"digest", "records", "rule", "rule_version"}
    everything = "".join(text for _kind, text in rows)
    for canary in (offence, "2026-01-15", "2026-01-16", violation.decided_on.isoformat()):
        assert canary not in everything
    # The officers' own acts name them as actors; the sealing itself names nobody.
    sealing = next(json.loads(text) for kind, text in rows if kind == "VIOLATION_SEALED")
    assert sealing["actor"] == {"id": None, "unit": None}


# Revocation -------------------------------------------------------------------------------------------------------------


def test_nobody_can_hold_up_a_revocation(app, cloned, city):
    """Every row that the revocation might touch is locked by somebody else; it commits all the same."""
    grant = factories.approved(city)
    app.execute("begin")
    for table in ("access_user", "access_accessrequest"):
        app.execute(f"select 1 from {table} for update").fetchall()
    from config import database as roles

    with psycopg.connect(psycopg.conninfo.make_conninfo(**{**cloned, "user": roles.APP}), autocommit=True) as other:
        other.execute("set lock_timeout = '500ms'")
        other.execute(
            "select access_revoke(%s, %s, 'x', %s, %s)",
            [grant.pk, city.supervisor.pk, secrets.token_bytes(32), secrets.token_bytes(32)],
        )
    app.execute("rollback")
    assert not Grant.objects.get(pk=grant.pk).is_live()


@pytest.mark.parametrize(
    "table",
    [
        *("access_user", "access_accessrequest", "access_grant", "access_revocation", "access_organisation"),
        *("access_organisationuserobjectpermission", "access_decision", "access_opening", "audit_event", "audit_queue"),
        *("records_violation", "records_stub", "records_offence", "access_legalbasis"),
        *("access_session", "access_sessionend", "access_oversight"),
    ],
)
def test_no_table_can_be_locked_against_others(app, table):
    for mode in ("share", "share row exclusive", "exclusive", "access exclusive"):
        with pytest.raises(DENIED), app.transaction():
            app.execute(f"lock table {table} in {mode} mode")


# Left open: whoever takes another overseer away waits for it, and nobody else.
OVERSEER_DISABLED = "update access_user set is_active = false where username = 'second_overseer'"
HELD = "select from access_session where user_id = %s for update"


def test_nobody_holds_up_a_session_that_ends_or_goes_on(app, city, monkeypatch):
    """An open transaction that holds the rows of sessions costs their holders a sighting, and nobody a second."""
    monkeypatch.setattr(sessions, "SEEN_EVERY_SECONDS", 0)
    grant = factories.approved(city)
    decider, other = (worlds.client_of(worlds.sign_in(user)) for user in (city.supervisor, city.officer))
    seen = Session.objects.live().get(user=city.supervisor).last_seen_at
    with app.transaction(), connection.cursor() as cursor:
        cursor.execute("set lock_timeout = 500")
        for user in (city.supervisor, city.officer):
            app.execute(HELD, [user.pk])
        answer = decider.post(reverse("access:grant_revoke", args=[grant.pk]), {"revoke-reason": "已不需要。"})
        assert answer.status_code == 302
        assert not Grant.objects.get(pk=grant.pk).is_live()
        people.disable_user(city.officer, by=city.people_admin)
        assert other.get("/").status_code == 302
        SessionStore.clear_expired()
        assert Session.objects.filter(user=city.officer).exists()
    assert Session.objects.live().get(user=city.supervisor).last_seen_at == seen
    SessionStore.clear_expired()
    assert not Session.objects.filter(user=city.officer).exists()
    decider.get("/")
    assert Session.objects.live().get(user=city.supervisor).last_seen_at > seen


@pytest.mark.parametrize("held", ["select pg_advisory_xact_lock(136, 3)", OVERSEER_DISABLED])
def test_nobody_holds_up_that_somebody_is_disabled(app, city, held):
    factories.user_with(Duty.OVERSEE, organisation=city.bureau, username="second_overseer")
    with app.transaction(force_rollback=True), connection.cursor() as cursor:
        cursor.execute("set lock_timeout = 500")
        app.execute(held)
        people.disable_user(city.officer, by=city.people_admin)
        people.withdraw_duty(city.reviewer, Duty.CONFIRM_VIOLATIONS, city.branch, by=city.security_admin)
    city.officer.refresh_from_db()
    assert not city.officer.is_active


@pytest.mark.parametrize("table", ["mfa_authenticator", "access_attempt", "procrastinate_jobs"])
def test_a_revocation_goes_on_while_what_can_be_locked_is_locked(app, city, table):
    """SECURITY.md says which tables the application's role may lock: sign-ins and sealing wait, a revocation does not."""
    by_page, by_hand = factories.approved(city), factories.approved(city)
    decider = worlds.client_of(worlds.sign_in(city.supervisor))
    with app.transaction(), connection.cursor() as cursor:
        cursor.execute("set lock_timeout = 500")
        app.execute(f"lock table {table} in access exclusive mode")
        answer = decider.get(reverse("access:request", args=[by_page.access_request_id]))
        assert answer.status_code == 200
        answer = decider.post(reverse("access:grant_revoke", args=[by_page.pk]), {"revoke-reason": "已不需要。"})
        assert answer.status_code == 302
        cursor.execute(
            "select access_revoke(%s, %s, 'x', %s, %s)",
            [by_hand.pk, city.supervisor.pk, secrets.token_bytes(32), secrets.token_bytes(32)],
        )
    for grant in (by_page, by_hand):
        assert not Grant.objects.get(pk=grant.pk).is_live()


def test_a_session_stays_its_holders(app, city):
    """Hidden for a moment, it would outlive that all sessions of its holder are ended."""
    worlds.sign_in(city.officer)
    for user in (city.officer2.pk, None):
        with pytest.raises(psycopg.DatabaseError) as error:
            app.execute("update access_session set user_id = %s where user_id = %s", [user, city.officer.pk])
        assert refused(error)


@pytest.mark.parametrize(
    "statement",
    [
        "update access_organisation set agreement_ends_on = 'infinity'",
        "update access_session set last_seen_at = '-infinity'",
        "insert into access_session (id, digest, data, created_at, last_seen_at, address, browser)"
        " values (gen_random_uuid(), repeat('a', 64), '', 'infinity', now(), '', '')",
        "insert into mfa_authenticator (user_id, type, data, created_at, last_used_at)"
        " select id, 'totp', '{}', now(), 'infinity' from access_user limit 1",
    ],
)
def test_no_moment_is_planted_that_no_clock_has(app, city, statement):
    worlds.sign_in(city.officer)
    with pytest.raises(psycopg.IntegrityError, match="within_bounds"):
        app.execute(statement)


@pytest.mark.parametrize("who", ["requester", "officer", "auditor"])
def test_only_who_decides_revokes(app, city, who):
    grant = factories.approved(city)
    with pytest.raises(psycopg.DatabaseError) as error:
        app.execute(
            "select access_revoke(%s, %s, 'x', %s, %s)",
            [grant.pk, getattr(city, who).pk, secrets.token_bytes(32), secrets.token_bytes(32)],
        )
    assert refused(error)
    assert Grant.objects.get(pk=grant.pk).is_live()


def test_an_opening_is_not_made_without_what_it_needs(app, city):
    """The function that opens decides by rows, whatever its caller says."""
    grant = factories.approved(city)
    subject = factories.subject_of(grant)
    other = factories.approved(city)
    session = secrets.token_bytes(32)

    def outcome(by=city.requester, subjects=None, session=session):
        row = app.execute(
            "select outcome from access_open(%s, %s, %s, %s, %s)",
            [grant.pk, subjects or [subject.pk], by.pk, session, uuid.uuid4()],
        ).fetchone()
        return row[0]

    assert outcome() == "SIGN_FIRST"
    text = UndertakingText.objects.to_sign(city.requester).pk
    app.execute("select access_sign(%s, %s, %s, %s)", [grant.pk, city.requester.pk, city.requester.full_name, text])
    assert outcome() == "CONFIRM_FIRST"
    # A confirmation is for one grant and one session.
    me = city.requester.pk
    app.execute(CONFIRM, [me, session, "GRANT", other.pk, "", "password"])
    assert outcome() == "CONFIRM_FIRST"
    app.execute(CONFIRM, [me, secrets.token_bytes(32), "GRANT", grant.pk, "", "password"])
    assert outcome() == "CONFIRM_FIRST"
    app.execute(CONFIRM, [me, session, "CHANGE", me, "password", "password"])
    assert outcome() == "CONFIRM_FIRST"
    app.execute(CONFIRM, [me, session, "GRANT", grant.pk, "", "password"])
    assert outcome(by=city.judge) == outcome(subjects=[factories.subject_of(other).pk]) == "NOTHING"
    assert outcome(subjects=[subject.pk, subject.pk]) == outcome(subjects=[uuid.uuid4()]) == "NOTHING"
    assert [outcome() for _each in range(grant.openings + 1)] == ["OPENED"] * grant.openings + ["USED_UP"]
    assert Opening.objects.count() == grant.openings == Event.objects.filter(kind="OPENING").count()


def without_confirming(access_request, by, **values):
    """Arguments of a vote as above, in a session that has confirmed nothing."""
    return vote_values(access_request, by, session=values.pop("session", secrets.token_bytes(32)), **values)


def test_a_vote_uses_up_a_confirmation_of_its_own(app, city):
    """One confirmation: this person, this session, this request at this version, once."""
    access_request, other = factories.submitted(city), factories.submitted(city)
    session, me = secrets.token_bytes(32), city.supervisor.pk
    vote = VOTE, without_confirming(access_request, city.supervisor, session=session)

    def is_refused() -> bool:
        with pytest.raises(psycopg.DatabaseError) as error:
            app.execute(*vote)
        return refused(error) and not Decision.objects.exists()

    assert is_refused()
    for values in (
        [me, session, "VOTE", other.pk, approval(other), "password"],  # another request
        [me, secrets.token_bytes(32), "VOTE", access_request.pk, approval(access_request), "password"],  # elsewhere
        [city.supervisor2.pk, session, "VOTE", access_request.pk, approval(access_request), "password"],  # another
        [me, session, "CHANGE", me, "password", "password"],  # another act
        [me, session, "VOTE", access_request.pk, f"{access_request.version}:REFUSE", "password"],  # another outcome
        [
            me,
            session,
            "VOTE",
            access_request.pk,
            approval(access_request).replace("PRESENCE:", "PRESENCE:2026-01-01:"),
            "password",
        ],
    ):
        app.execute(CONFIRM, values)
        assert is_refused(), values
    app.execute(CONFIRM, [me, session, "VOTE", access_request.pk, approval(access_request), "password"])
    assert app.execute(*vote).fetchone()[0] == "APPROVED"
    proof = ConfirmationUse.objects.get().confirmation_id
    voted = Event.objects.get(kind="REQUEST_VOTED")
    assert json.loads(bytes(voted.canonical))["detail"]["confirmation"] == str(proof)
    with pytest.raises(psycopg.DatabaseError) as error:
        app.execute(
            "select access_use_confirmation(%s, %s, 'VOTE', %s, %s)",
            [me, session, access_request.pk, approval(access_request)],
        )
    assert refused(error)


@pytest.mark.parametrize(
    "act",
    [
        ("VOTE", "request", "99:REFUSE"),
        ("VOTE", "request", "2"),
        ("VOTE", "request", ""),
        ("GRANT", "request", ""),
        ("CHANGE", "request", "password"),
        ("CHANGE", "me", "everything"),
        ("CHANGE", "me", "key-remove-0"),
        ("ADMIN", "me", ""),
    ],
    ids=str,
)
def test_what_is_no_act_is_not_confirmed(app, city, act):
    kind, target, detail = act
    names = {"request": factories.submitted(city).pk, "me": city.supervisor.pk}
    with pytest.raises(psycopg.DatabaseError) as error:
        app.execute(CONFIRM, [city.supervisor.pk, secrets.token_bytes(32), kind, names[target], detail, "password"])
    assert refused(error)
    assert not Event.objects.filter(kind="IDENTITY_CONFIRMED").exists()


@pytest.mark.parametrize(
    ("factors", "kind", "right"),
    [
        ([], "CHANGE", ["password"]),
        (["totp"], "CHANGE", ["totp", "recovery_codes"]),
        (["totp"], "VOTE", ["totp", "recovery_codes"]),
        (["totp", "webauthn"], "VOTE", ["webauthn"]),
        (["webauthn"], "CHANGE", ["webauthn", "recovery_codes"]),
    ],
    ids=str,
)
def test_it_is_confirmed_by_the_strongest_that_the_person_has(app, owner, city, factors, kind, right):
    me = city.supervisor.pk
    for factor in factors:
        owner.execute(
            "insert into mfa_authenticator (user_id, type, data, created_at) values (%s, %s, '{}', now())", [me, factor]
        )
    access_request = factories.submitted(city)
    act = [kind, access_request.pk, approval(access_request)] if kind == "VOTE" else [kind, me, "password"]
    taken = set()
    for factor in ("webauthn", "totp", "recovery_codes", "password"):
        try:
            app.execute(CONFIRM, [me, secrets.token_bytes(32), *act, factor])
            taken.add(factor)
        except psycopg.DatabaseError as error:
            assert error.sqlstate == "SE001"
    assert taken == set(right)


def test_nothing_opens_for_a_request_that_was_not_approved(app, city):
    factories.request_at(RequestStatus.REFUSED, city)
    assert not Grant.objects.exists()
    assert not Violation.objects.exists()
