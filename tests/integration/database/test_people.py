"""Codes, passwords, duties and proposals: what the application's role cannot forge with any SQL."""

from __future__ import annotations

import contextlib
import json
import secrets

import psycopg
import pytest
from django.contrib.auth.hashers import make_password
from psycopg.types.json import Jsonb

from access import codes, duties
from access.actions import people
from access.models import Enrolment, Proposal, User
from access.models.duty import DANGEROUS, EXCLUSIVE, Duty
from audit.models import Event
from tests import factories

DENIED = psycopg.errors.InsufficientPrivilege
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def refused():
    """A block that a function refuses because something may not be."""

    class Refused:
        def __enter__(self):
            self.raises = pytest.raises(psycopg.DatabaseError)
            self.error = self.raises.__enter__()

        def __exit__(self, *error):
            done = self.raises.__exit__(*error)
            assert self.error.value.sqlstate == "SE001", self.error.value
            return done

    return Refused


def bytes_of(size: int = 32) -> bytes:
    return secrets.token_bytes(size)


# Who may write what ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "insert into access_enrolment (id) values (gen_random_uuid())",
        "update access_enrolment set until = now() + interval '1 year'",
        "update access_enrolment set digest = ''",
        "delete from access_enrolment",
        "insert into access_proposal (id) values (gen_random_uuid())",
        "update access_proposal set payload = '{}'",
        "update access_proposal set state = 'ENACTED'",
        "delete from access_proposal",
        "select * from access_proposalkind",
        "insert into access_proposalkind (kind) values ('FORGED')",
        "select access_make_code(gen_random_uuid(), null, null, '', '', null, null)",
        "select access_put_duty(gen_random_uuid(), 'oversee', gen_random_uuid(), null, null, null)",
        "select access_keep_user(gen_random_uuid(), null)",
        "select audit_write('DUTY_GIVEN', null, null, 'access.user', 'x', '{}')",
        "select audit_write('ENROLLED', null, null, 'access.user', 'x', '{}')",
        "select audit_write('CHANGE_ENACTED', null, null, 'access.proposal', 'x', '{}')",
    ],
)
def test_the_application_may_not(app, statement):
    with pytest.raises(DENIED):
        app.execute(statement)


def test_the_lists_of_the_code_are_those_of_the_database(owner):
    for duty in Duty:
        (dangerous, oversight) = owner.execute(
            "select access_is_dangerous(%s), access_is_oversight(%s)", [duty, duty]
        ).fetchone()
        assert (dangerous, oversight) == (duty in DANGEROUS, duty in EXCLUSIVE)


def test_nobody_is_the_owner_by_saying_so(app, city, refused):
    """Without somebody who does it, only the server does: a captured application does not."""
    clerk = factories.UserFactory(organisation=city.station)
    with refused():
        app.execute("select access_code(%s, null, %s, %s)", [clerk.pk, bytes_of(16), bytes_of()])
    with refused():
        app.execute("select access_give_duty(%s, 'enter_violations', %s, null)", [clerk.pk, city.station.pk])
    with refused():
        app.execute("select access_withdraw_duty(%s, 'oversee', %s, null)", [city.auditor.pk, city.bureau.pk])


# Passwords ---------------------------------------------------------------------------------------------------------------


COLUMNS = "id, username, badge_number, full_name, is_active, created_at, language, single_keys, organisation_id"


def change_password(app, user: User, password: str, kind: str | None, actor: User | None = None) -> None:
    with app.transaction():
        app.execute("update access_user set password = %s where id = %s", [password, user.pk])
        app.execute(
            f"insert into access_historicaluser ({COLUMNS}, history_date, history_type, history_user_id)"
            f" select {COLUMNS}, now(), '~', %s from access_user where id = %s",
            [actor and actor.pk, user.pk],
        )
        if kind:
            app.execute(
                "select audit_write(%s, %s, null, 'access.user', %s, '{}')", [kind, actor and actor.pk, str(user.pk)]
            )


def test_a_password_is_changed_by_its_holder_or_with_a_code(app, city):
    stolen = make_password("stolen")
    for kind, actor in ((None, None), ("PASSWORD_CHANGED", None), ("PASSWORD_CHANGED", city.people_admin)):
        with pytest.raises(psycopg.IntegrityError, match="holder"):
            change_password(app, city.officer, stolen, kind, actor)
    change_password(app, city.officer, city.officer.hash_of("their own choice"), "PASSWORD_CHANGED", city.officer)
    city.officer.refresh_from_db()
    assert city.officer.check_password("their own choice")


def test_nobody_enters_an_account_that_has_a_password(app, city):
    with pytest.raises(psycopg.IntegrityError, match="password of somebody else"), app.transaction():
        (pk,) = app.execute(
            f"insert into access_user ({COLUMNS}, password) values"
            " (gen_random_uuid(), 'puppet', '', '某人', true, now(), '', true, %s, %s) returning id",
            [city.station.pk, make_password("known to its maker")],
        ).fetchone()
        app.execute(
            f"insert into access_historicaluser ({COLUMNS}, history_date, history_type)"
            f" select {COLUMNS}, now(), '+' from access_user where id = %s",
            [pk],
        )
        app.execute("select audit_write('USER_CREATED', null, null, 'access.user', %s, '{}')", [str(pk)])


# Codes -------------------------------------------------------------------------------------------------------------------

ENROL = "select access_enrol(%s, %s, %s, %s)"


def made(app, city, user) -> tuple[Enrolment, bytes]:
    """Make a code as who administers people, through the function; return it with what proves it."""
    part, salt = codes.new_part(), codes.new_salt()
    values = [user.pk, city.people_admin.pk, salt, codes.digest(part, salt)]
    app.execute("select access_code(%s, %s, %s, %s)", values)
    return Enrolment.objects.filter(user=user).latest("made_at"), codes.slow(part, salt)


def test_a_code_lets_its_holder_in_once_and_takes_the_old_factors_along(app, city):
    app.execute(
        "insert into mfa_authenticator (user_id, type, data, created_at) values (%s, 'totp', '{}', now())",
        [city.officer.pk],
    )
    enrolment, proof = made(app, city, city.officer)
    password = city.officer.hash_of("chosen by its holder")

    assert app.execute(ENROL, [enrolment.pk, proof, None, password]).fetchone() == (True,)
    assert app.execute(ENROL, [enrolment.pk, proof, None, password]).fetchone() == (False,)
    assert app.execute("select count(*) from mfa_authenticator").fetchone() == (0,)
    kinds = [event.kind for event in Event.objects.filter(target_id=str(city.officer.pk)).order_by("at")]
    assert kinds[-5:] == ["FACTOR_ADDED", "ENROLMENT_CODE_MADE", "FACTOR_REMOVED", "ENROLLED", "ENROLMENT_FAILED"]
    history = User.history.filter(id=city.officer.pk).latest("history_id")
    assert history.history_user_id == city.officer.pk


def test_what_the_table_holds_does_not_open_anything(app, city):
    enrolment, _proof = made(app, city, city.officer)
    password = make_password("x" * 20)
    for forged in (bytes(enrolment.digest), bytes_of(), None):
        assert app.execute(ENROL, [enrolment.pk, forged, None, password]).fetchone() == (False,)


def test_a_code_that_is_too_old_or_not_the_newest_or_of_somebody_disabled_is_none(app, owner, city):
    password = make_password("x" * 20)
    first, proof = made(app, city, city.officer)
    made(app, city, city.officer)
    assert app.execute(ENROL, [first.pk, proof, None, password]).fetchone() == (False,)
    old, proof = made(app, city, city.officer2)
    owner.execute("update access_enrolment set until = now() - interval '1 second' where id = %s", [old.pk])
    assert app.execute(ENROL, [old.pk, proof, None, password]).fetchone() == (False,)
    code, proof = made(app, city, city.reviewer)
    people.disable_user(city.reviewer, by=city.people_admin)
    assert app.execute(ENROL, [code.pk, proof, None, password]).fetchone() == (False,)
    assert not Enrolment.objects.exclude(used_at=None).filter(pk__in=[first.pk, old.pk, code.pk]).exists()


@pytest.mark.parametrize("password", ["!unusable and long enough", "plain", None, "x" * 129])
def test_a_password_is_kept_as_a_digest(app, city, refused, password):
    enrolment, proof = made(app, city, city.officer)
    with refused():
        app.execute(ENROL, [enrolment.pk, proof, None, password])


def test_one_administrator_makes_no_code_for_who_holds_a_dangerous_duty(app, city, refused):
    for user, by in (
        (city.supervisor, city.people_admin),
        (city.people_admin2, city.people_admin),
        (city.people_admin, city.people_admin),
        (city.officer, city.security_admin),
        (city.judge, city.people_admin),
    ):
        with refused():
            app.execute("select access_code(%s, %s, %s, %s)", [user.pk, by.pk, bytes_of(16), bytes_of()])


# Proposals -----------------------------------------------------------------------------------------------------------------

PROPOSE = "select access_propose(%s, %s, %s, %s, %s, %s, %s, %s, %s)"


def duty_values(city, **values):
    """Arguments of a right proposal, with what a test changes."""
    person = values.pop("who", city.officer2)
    unit, duty = values.pop("at", city.branch), values.pop("duty", "decide_requests")
    right = {
        "kind": "DUTY",
        "subject": f"{person.pk}/{unit.pk}/{duty}",
        "person": person.pk,
        "unit": unit.pk,
        "payload": Jsonb({"duty": duty}),
        "by": city.security_admin.pk,
        "reason": "任命。",
        "nonce": bytes_of(),
        "digest": bytes_of(),
    }
    assert set(values) <= set(right)
    return list({**right, **values}.values())


def enact(app, proposal, by, secret=None):
    """Put a proposal in force as somebody who has proved, for it, who they are."""
    session = bytes_of()
    with contextlib.suppress(
        psycopg.DatabaseError
    ):  # what may not even be confirmed is for the function itself to refuse
        app.execute("select access_confirm(%s, %s, 'PROPOSAL', %s, '', 'password', true)", [by.pk, session, proposal])
    app.execute("select access_enact(%s, %s, %s, %s)", [proposal, by.pk, session, secret])


@pytest.fixture
def city(city):
    factories.withdraw(city.officer2, Duty.ENTER_VIOLATIONS, city.station)
    return city


def test_a_right_proposal_is_enacted_by_another_and_the_duty_says_both(app, city):
    (pk,) = app.execute(PROPOSE, duty_values(city)).fetchone()
    enact(app, pk, city.security_admin2)

    (row,) = city.officer2.organisationuserobjectpermission_set.all()
    assert (row.given_by, row.consented_by) == (city.security_admin, city.security_admin2)
    event = json.loads(bytes(Event.objects.filter(kind="DUTY_GIVEN").latest("at").canonical))
    assert event["actor"]["id"] == str(city.security_admin2.pk)
    assert event["detail"]["proposed_by"] == str(city.security_admin.pk)
    assert event["detail"]["proposal"] == str(pk)
    two = Event.objects.filter(target_id=str(pk)).order_by("at")
    digests = {json.loads(bytes(event.canonical))["detail"]["payload"] for event in two}
    assert [event.kind for event in two] == ["CHANGE_PROPOSED", "CHANGE_ENACTED"] and len(digests) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "LAW"},
        {"kind": None},
        {"subject": "anything"},
        {"payload": Jsonb({})},
        {"payload": Jsonb({"duty": "decide_requests", "more": 1})},
        {"payload": Jsonb({"duty": "enter_violations"})},
        {"payload": Jsonb({"duty": "everything"})},
        {"reason": None},
        {"nonce": b"short"},
        {"by": None},
    ],
)
def test_a_malformed_proposal_is_refused(app, city, refused, change):
    with refused():
        app.execute(PROPOSE, duty_values(city, **change))
    assert not Proposal.objects.exists()


@pytest.mark.parametrize("who", ["people_admin", "supervisor", "auditor", "officer", "officer2"])
def test_who_does_not_assign_duties_there_proposes_none(app, city, refused, who):
    with refused():
        app.execute(PROPOSE, duty_values(city, by=getattr(city, who).pk))


@pytest.mark.parametrize("who", ["security_admin", "people_admin2", "officer2", "auditor"])
def test_who_may_not_decide_enacts_nothing(app, city, refused, who):
    (pk,) = app.execute(PROPOSE, duty_values(city)).fetchone()
    with refused():
        enact(app, pk, getattr(city, who))
    assert not duties.holds(city.officer2, Duty.DECIDE_REQUESTS)


def test_nothing_is_enacted_without_a_confirmation_for_this_proposal_that_is_used_once(app, city, refused):
    (pk,) = app.execute(PROPOSE, duty_values(city)).fetchone()
    session = bytes_of()
    values = [pk, city.security_admin2.pk, session, None]
    with refused():
        app.execute("select access_enact(%s, %s, %s, %s)", values)
    other = factories.submitted(city)
    for kind, target, detail in (
        ("VOTE", other.pk, f"{other.version}:REFUSE"),
        ("CHANGE", city.security_admin2.pk, "password"),
    ):
        app.execute(
            "select access_confirm(%s, %s, %s, %s, %s, 'password', true)",
            [city.security_admin2.pk, session, kind, target, detail],
        )
    with refused():
        app.execute("select access_enact(%s, %s, %s, %s)", values)
    enact(app, pk, city.security_admin2)
    assert duties.holds(city.officer2, Duty.DECIDE_REQUESTS)


def test_a_proposal_is_decided_once(app, city, refused):
    (pk,) = app.execute(PROPOSE, duty_values(city)).fetchone()
    app.execute(
        "select access_turn_down(%s, %s, '不同意。', %s, %s)", [pk, city.security_admin2.pk, bytes_of(), bytes_of()]
    )
    with refused():
        enact(app, pk, city.security_admin2)
    with refused():
        app.execute(
            "select access_turn_down(%s, %s, '再次。', %s, %s)", [pk, city.security_admin2.pk, bytes_of(), bytes_of()]
        )


def test_a_proposal_whose_ground_changed_or_whose_proposer_lost_the_duty_is_not_enacted(app, city, refused):
    (pk,) = app.execute(PROPOSE, duty_values(city)).fetchone()
    factories.give(city.officer2, Duty.CONFIRM_VIOLATIONS, city.branch)
    with refused():
        enact(app, pk, city.security_admin2)
    app.execute(
        "select access_turn_down(%s, %s, '已变化。', %s, %s)", [pk, city.security_admin2.pk, bytes_of(), bytes_of()]
    )
    (pk,) = app.execute(PROPOSE, duty_values(city)).fetchone()
    factories.withdraw(city.security_admin, Duty.ASSIGN_DUTIES, city.bureau)
    with refused():
        enact(app, pk, city.security_admin2)


def test_a_duty_that_takes_two_is_not_given_by_one(app, city, refused):
    for duty in sorted(DANGEROUS):
        with refused():
            app.execute(
                "select access_give_duty(%s, %s, %s, %s)",
                [city.officer2.pk, duty, city.branch.pk, city.security_admin.pk],
            )


def test_whoever_was_enrolled_by_one_gets_no_such_duty(app, city, refused):
    enrolment, proof = made(app, city, city.officer2)
    app.execute(ENROL, [enrolment.pk, proof, None, make_password("x" * 20)])
    with refused():
        app.execute(PROPOSE, duty_values(city))


def test_a_code_by_two_needs_both_halves(app, city):
    first, second = codes.new_part(), codes.new_part()
    salts = codes.new_salt(), codes.new_salt()
    user = city.supervisor
    payload = {"salt": salts[0].hex(), "digest": codes.digest(first, salts[0]).hex()}
    values = [
        "ENROLMENT",
        str(user.pk),
        user.pk,
        city.branch.pk,
        Jsonb(payload),
        city.people_admin.pk,
        "",
        bytes_of(),
        bytes_of(),
    ]
    (pk,) = app.execute(PROPOSE, values).fetchone()
    secret = {"salt": salts[1].hex(), "digest": codes.digest(second, salts[1]).hex()}
    enact(app, pk, city.people_admin2, Jsonb(secret))

    enrolment = Enrolment.objects.filter(user=user).latest("made_at")
    assert (enrolment.made_by, enrolment.second_by) == (city.people_admin, city.people_admin2)
    one, two = codes.slow(first, salts[0]), codes.slow(second, salts[1])
    password = city.officer.hash_of("chosen by its holder")
    for wrong in ([one, None], [None, two], [one, one], [two, one]):
        assert app.execute(ENROL, [enrolment.pk, *wrong, password]).fetchone() == (False,)
    assert app.execute(ENROL, [enrolment.pk, one, two, password]).fetchone() == (True,)


# Duties that fit, and the last overseer ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "duty", "unit"),
    [
        ("judge", "enter_violations", "station"),
        ("judge", "decide_requests", "branch"),
        ("requester", "oversee", "bureau"),
        ("requester", "confirm_violations", "kindergarten"),
        ("officer2", "enter_violations", "court"),
        ("officer2", "file_requests", "kindergarten"),
        ("supervisor", "oversee", "bureau"),
        ("auditor", "file_requests", "bureau"),
        ("people_admin", "assign_duties", "bureau"),
        ("officer", "maintain_everything", "station"),
    ],
)
def test_not_even_on_the_server_is_a_duty_given_that_does_not_fit(city, who, duty, unit):
    with pytest.raises(psycopg.DatabaseError) as error:
        factories.as_owner(
            "select access_give_duty(%s, %s, %s, null)::text", getattr(city, who).pk, duty, getattr(city, unit).pk
        )
    assert error.value.sqlstate == "SE001"


def test_the_last_overseer_at_the_top_is_neither_disabled_nor_relieved(app, owner, city, refused):
    with refused():
        app.execute(
            "select access_withdraw_duty(%s, 'oversee', %s, %s)",
            [city.auditor.pk, city.bureau.pk, city.security_admin.pk],
        )
    for connection in (app, owner):
        for change in ("is_active = false", f"organisation_id = '{city.branch.pk}'"):
            with refused():
                connection.execute(f"update access_user set {change} where id = %s", [city.auditor.pk])
    another = factories.user_with(Duty.OVERSEE, organisation=city.bureau)
    people.withdraw_duty(city.auditor, Duty.OVERSEE, city.bureau, by=city.security_admin)
    assert duties.holds(another, Duty.OVERSEE)


def test_a_badge_number_is_of_one_person(city):
    with pytest.raises(Exception, match="one_person_a_badge_number"):
        factories.UserFactory(organisation=city.station, badge_number=city.officer.badge_number)
    for _person in range(2):
        factories.UserFactory(organisation=city.court, badge_number="")


def test_the_second_person_sees_only_what_they_may_decide(city):
    proposal = people.give_duty(
        city.officer2, Duty.DECIDE_REQUESTS, city.branch, by=city.security_admin, reason="任命。"
    )
    seen = {name for name, user in city.people().items() if Proposal.objects.decidable_by(user).exists()}
    assert seen == {"security-admin2"}
    factories.enact(proposal, by=city.security_admin2)
    assert not Proposal.objects.decidable_by(city.security_admin2).exists()
