"""Whatever the owner of the tables changes about people, votes, grants and openings, verification names it."""

import pytest

from access import proofs
from access.actions import decisions, opening
from audit import verification
from records import disclosure
from tests import factories, residents
from tests.tampering import TRAIL, tamper

pytestmark = pytest.mark.django_db
TABLES = (
    *TRAIL,
    "access_decision",
    "access_grant",
    "access_grantuserobjectpermission",
    "access_identityconfirmation",
    "access_letter",
    "access_opening",
    "access_openingextension",
    "access_populationquestion",
    "access_organisationuserobjectpermission",
    "access_requestsubject",
    "access_revocation",
    "access_undertaking",
    "access_undertakingtext",
    "access_user",
)


@pytest.fixture
def grant(owner, settings):
    """A grant that two people voted for, signed, confirmed, opened, read for longer and then revoked; an earlier round; and
    a request about somebody whom the population register knows."""
    city = factories.City()
    settings.POPULATION_REGISTER, known = residents.PATH, factories.person()
    residents.live(known)
    factories.submitted(city, known)
    settings.POPULATION_REGISTER = ""
    returned = factories.request_at(factories.RequestStatus.RETURNED, city)
    factories.requests.submit(returned, by=returned.requester, version=returned.version)
    grant = factories.ready(factories.approved(city, code="PRESCHOOL-44"))
    answer = disclosure.open_answer(
        grant,
        factories.subject_of(grant),
        by=grant.access_request.requester,
        session_key=factories.SESSION,
        token=factories.token(),
    )
    shorten = "update access_opening set viewable_until = viewable_until - interval '9 minutes'"
    tamper(owner, shorten, tables=TABLES)
    assert opening.extend(answer.opening, by=grant.access_request.requester) > 300
    decisions.revoke(grant, by=city.supervisor, reason="申请单位已撤销招聘。")
    return grant


def found():
    return {fault.what.value for check in proofs.CHECKS for fault in check()}


def delete_event(kind):
    return f"delete from audit_event where kind = '{kind}'"


def rewrite_event(kind, before, after):
    return (
        "update audit_event set canonical = convert_to(regexp_replace(convert_from(canonical, 'UTF8'),"
        f" '{before}', '{after}'), 'UTF8') where kind = '{kind}'"
    )


CASES = [
    (delete_event("REQUEST_VOTED"), {"VOTE_WITHOUT_EVENT"}),
    (rewrite_event("REQUEST_VOTED", '"outcome":"RETURN"', '"outcome":"REFUSE"'), {"VOTE_WITHOUT_EVENT"}),
    (rewrite_event("REQUEST_VOTED", '"rung":"PRESENCE"', '"rung":"FULL"'), {"VOTE_WITHOUT_EVENT"}),
    ("update access_decision set outcome = 'REFUSE' where outcome = 'RETURN'", {"VOTE_WITHOUT_EVENT"}),
    ("update access_decision set hours = hours + 1 where outcome = 'APPROVE'", {"VOTE_WITHOUT_EVENT", "GRANT_NOT_FROM_VOTES"}),
    ("delete from access_decision where outcome = 'RETURN'", {"VOTE_WITHOUT_ROW"}),
    ("update access_requestsubject set subject_key = sha256('another')", {"VOTE_ABOUT_ELSE"}),
    ("update access_letter set content = 'another letter'", {"VOTE_ABOUT_ELSE"}),
    ("update access_decision set checklist = checklist - 'PERSON_1'", {"VOTE_WITHOUT_EVENT", "GRANT_NOT_FROM_VOTES"}),
    (rewrite_event("REQUEST_VOTED", '"established":1', '"established":0'), {"VOTE_WITHOUT_EVENT"}),
    (
        "update access_requestsubject set population = 'MATCHES' where population = ''",
        {"VOTE_ABOUT_ELSE", "POPULATION_UNPROVED"},
    ),
    ("delete from access_populationquestion", {"POPULATION_UNPROVED"}),
    ("update access_populationquestion set people = people + 1", {"POPULATION_UNPROVED"}),
    (delete_event("POPULATION_ASKED"), {"POPULATION_UNPROVED"}),
    ("update access_grant set rung = 'FULL'", {"GRANT_WITHOUT_EVENT", "GRANT_NOT_FROM_VOTES", "OPENING_WITHOUT_ROW"}),
    ("update access_grant set ends_at = ends_at + interval '1 hour'", {"GRANT_WITHOUT_EVENT", "GRANT_NOT_FROM_VOTES"}),
    ("update access_grant set filter_count = filter_count + 1", {"GRANT_NOT_FROM_VOTES"}),
    ("update access_grant set categories = '{*}'", {"GRANT_WITHOUT_EVENT", "GRANT_NOT_FROM_VOTES"}),
    ("update access_grantuserobjectpermission set user_id = (select decider_id from access_decision limit 1)", {"GRANT_NOT_FROM_VOTES"}),
    (delete_event("GRANT_MADE"), {"GRANT_WITHOUT_EVENT"}),
    (rewrite_event("GRANT_MADE", '"openings":\\d+', '"openings":99'), {"GRANT_WITHOUT_EVENT"}),
    ("delete from access_revocation", {"REVOCATION_UNPROVED"}),
    (delete_event("GRANT_REVOKED"), {"REVOCATION_UNPROVED"}),
    ("update access_revocation set at = at - interval '2 minutes'", {"OPENING_OUTSIDE_GRANT"}),
    ("delete from access_undertaking", {"UNDERTAKING_UNPROVED", "OPENING_OUTSIDE_GRANT"}),
    (delete_event("UNDERTAKING_SIGNED"), {"UNDERTAKING_UNPROVED"}),
    ("update access_undertakingtext set promises_en = promises_en || 'And I pay.'", {"UNDERTAKING_UNPROVED"}),
    (rewrite_event("UNDERTAKING_SIGNED", '"text":"OTHERS"', '"text":"POLICE"'), {"UNDERTAKING_UNPROVED"}),
    (delete_event("IDENTITY_CONFIRMED"), {"CONFIRMATION_UNPROVED"}),
    ("delete from access_opening", {"OPENING_WITHOUT_ROW", "EXTENSION_UNPROVED"}),
    ("delete from access_openingextension", {"EXTENSION_UNPROVED"}),
    (delete_event("ANSWER_EXTENDED"), {"EXTENSION_UNPROVED"}),
    ("update access_openingextension set until = until + interval '1 second'", {"EXTENSION_UNPROVED"}),
    ("update access_opening set viewable_until = viewable_until - interval '1 second'", {"EXTENSION_UNPROVED"}),
    ("update access_opening set opened_at = opened_at - interval '1 day'", {"OPENING_OUTSIDE_GRANT"}),
    (delete_event("OPENING"), {"OPENING_WITHOUT_EVENT"}),
    (rewrite_event("OPENING", '"rung":"PRESENCE"', '"rung":"FULL"'), {"OPENING_WITHOUT_ROW"}),
    ("delete from access_organisationuserobjectpermission", {"DUTY_UNPROVED"}),
    ("update access_organisationuserobjectpermission set given_by_id = user_id", {"DUTY_UNPROVED"}),
    (delete_event("DUTY_GIVEN"), {"DUTY_UNPROVED"}),
    ("update access_user set is_active = false", {"PERSON_UNPROVED"}),
    (delete_event("USER_CREATED"), {"PERSON_UNPROVED"}),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "wrongs"), CASES, ids=[statement[:60] for statement, _wrongs in CASES])
def test_what_was_altered_is_named(grant, owner, statement, wrongs):
    assert tamper(owner, statement, tables=TABLES) > 0
    assert wrongs <= found() <= wrongs | {"OPENING_OUTSIDE_GRANT"}


def test_a_grant_made_by_hand_is_named_with_its_row(grant, owner):
    tamper(
        owner,
        "insert into access_grant select (jsonb_populate_record(g, jsonb_build_object('id', gen_random_uuid(),"
        " 'access_request_id', (select id from access_accessrequest where status = 'SUBMITTED' and round = 2), 'round', 2))).*"
        " from access_grant g",
        tables=TABLES,
    )
    made = owner.execute("select id from access_grant where id <> %s", [grant.pk]).fetchone()[0]
    rows = {fault.row for check in proofs.CHECKS for fault in check()}
    assert rows == {f"access.grant:{made}"}


def test_what_nobody_altered_agrees_and_hostile_events_stop_nothing(grant, owner, signer):
    assert found() == set()
    for kind in (
        "REQUEST_VOTED",
        "GRANT_MADE",
        "OPENING",
        "DUTY_GIVEN",
        "USER_CREATED",
        "UNDERTAKING_SIGNED",
        "ANSWER_SHOWN",
    ):
        for detail in ("null", "5", '"x"', "[[]]", '{"decision":{},"opening":[1],"duty":7,"records":{"a":1}}'):
            owner.execute(
                "insert into audit_event (id, canonical) values (gen_random_uuid(), convert_to(%s, 'UTF8'))",
                [f'{{"kind":"{kind}","actor":{{"id":5}},"target":7,"detail":{detail}}}'],
            )
    assert {"VOTE_WITHOUT_ROW", "GRANT_WITHOUT_ROW", "OPENING_WITHOUT_ROW", "UNDERTAKING_UNPROVED"} <= found()
    assert "CHECK_FAILED" not in {fault.what.value for fault in verification.verify().faults}


def test_verification_asks_and_names_the_row(grant, owner, signer):
    assert verification.verify().holds
    tamper(owner, "update access_grant set filter_count = filter_count + 1", tables=TABLES)
    [fault] = verification.verify_and_record(by=None).faults
    assert (fault.what, fault.row) == (proofs.Wrong.GRANT_NOT_FROM_VOTES, f"access.grant:{grant.pk}")
