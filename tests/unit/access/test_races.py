"""One winner: people who act at the same moment, each on a connection of their own.

A second connection holds the row until every act waits for it; then all of them go at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import connections
from psycopg import sql
from psycopg.conninfo import make_conninfo

from access.actions import decisions, opening, people, requests
from access.duties import held_by, holders
from access.exceptions import NotAllowed, NothingToShow, Refused, WrongState
from access.models import Decision, Grant, Opening, Revocation
from access.models.duty import Duty
from access.models.requests import Status
from audit.models import Event
from records import disclosure
from tests import factories
from tests.factories import SESSION

pytestmark = pytest.mark.django_db

CASE = "PSAPL-136-CASE"
PATIENCE = 20  # seconds


@pytest.fixture
def at_once(cloned: dict[str, str], owner: psycopg.Connection) -> Callable[..., list[Any]]:
    """Run acts in threads, released together while all of them wait for one row (None: for taking an overseer away).

    Returns results and exceptions in order.
    """

    def run(row, *acts: Callable[[], Any]) -> list[Any]:
        lock, values = sql.SQL("select from access_oversight for update"), []
        if row is not None:
            lock, values = sql.SQL("select from {} where id = %s for update"), [row.pk]
            lock = lock.format(sql.Identifier(row._meta.db_table))
        waiting = (
            "select count(*) from pg_stat_activity"
            " where datname = current_database() and usename = 'seal_app' and wait_event_type = 'Lock'"
        )
        superuser = psycopg.connect(make_conninfo(**cloned), autocommit=True)
        with superuser, ThreadPoolExecutor(len(acts)) as threads:
            with owner.transaction():
                owner.execute(lock, values)
                running = [threads.submit(_closing, act) for act in acts]
                until = time.monotonic() + PATIENCE
                while superuser.execute(waiting).fetchone()[0] < len(acts):
                    assert time.monotonic() < until, "Not every act waits for the row."
                    time.sleep(0.01)
            return [one.exception(PATIENCE) or one.result() for one in running]

    return run


def _closing(act: Callable[[], Any]) -> Any:
    try:
        return act()
    finally:
        connections.close_all()


def approving(access_request, by):
    scope, version = factories.scope_for(access_request), access_request.version
    return lambda: factories.approve(access_request, by=by, version=version, review=factories.review(), scope=scope)


def kinds(outcomes) -> list[str]:
    return sorted(type(outcome).__name__ for outcome in outcomes)


def events(kind: str) -> int:
    return Event.objects.filter(kind=kind).count()


def test_four_supervisors_approve_at_once_and_there_is_one_grant(city, at_once):
    supervisors = [city.supervisor, city.supervisor2]
    supervisors += [factories.user_with(Duty.DECIDE_REQUESTS, organisation=city.branch) for _person in range(2)]
    access_request = factories.submitted(city)

    outcomes = at_once(access_request, *(approving(access_request, person) for person in supervisors))

    assert kinds(outcomes) == ["AccessRequest", "WrongState", "WrongState", "WrongState"]
    assert (Grant.objects.count(), Decision.objects.count(), events("REQUEST_VOTED")) == (1, 1, 1)
    [winner] = [
        person for person, outcome in zip(supervisors, outcomes, strict=True) if not isinstance(outcome, Exception)
    ]
    assert access_request.decisions.get().decider == winner


def test_an_approval_and_a_withdrawal_at_once_have_one_winner(city, at_once):
    access_request = factories.submitted(city)

    outcomes = at_once(
        access_request,
        approving(access_request, city.supervisor),
        lambda: requests.withdraw(access_request, by=city.requester, version=access_request.version),
    )

    assert kinds(outcomes) == ["AccessRequest", "WrongState"]
    access_request.refresh_from_db()
    approved = access_request.status == Status.APPROVED
    assert approved or access_request.status == Status.WITHDRAWN
    assert (Grant.objects.count(), events("REQUEST_WITHDRAWN")) == (int(approved), int(not approved))


def test_two_votes_of_two_units_at_once_are_one_grant(city, at_once):
    access_request = factories.submitted(city, by=city.judge, code=CASE)

    outcomes = at_once(
        access_request, approving(access_request, city.supervisor), approving(access_request, city.supervisor2)
    )

    assert sorted(outcome.status for outcome in outcomes) == [Status.APPROVED, Status.SUBMITTED]
    assert (Grant.objects.count(), Decision.objects.count()) == (1, 2)


def test_two_votes_of_one_unit_at_once_are_one_vote(city, at_once):
    colleague = factories.user_with(Duty.DECIDE_REQUESTS, organisation=city.branch)
    access_request = factories.submitted(city, by=city.judge, code=CASE)

    outcomes = at_once(access_request, approving(access_request, city.supervisor), approving(access_request, colleague))

    assert kinds(outcomes) == ["AccessRequest", "NotAllowed"]
    assert any(isinstance(outcome, NotAllowed) for outcome in outcomes)
    assert (Grant.objects.count(), Decision.objects.count()) == (0, 1)


def test_one_person_voting_in_two_tabs_votes_once(city, at_once):
    access_request = factories.submitted(city, by=city.judge, code=CASE)

    outcomes = at_once(access_request, *[approving(access_request, city.supervisor)] * 2)

    assert kinds(outcomes) == ["AccessRequest", "NotAllowed"]
    assert Decision.objects.count() == 1


def opening_of(grant):
    subject, by = factories.subject_of(grant), grant.access_request.requester
    return lambda: disclosure.open_answer(grant, subject, by=by, session_key=SESSION, token=factories.token())


def test_the_last_opening_in_two_tabs_has_one_winner(city, at_once):
    grant = factories.ready(factories.approved(city, scope={"openings": 1}))

    outcomes = at_once(grant, *[opening_of(grant)] * 2)

    assert kinds(outcomes) == ["Answer", "WrongState"]
    assert any(isinstance(outcome, WrongState) for outcome in outcomes)
    assert (Opening.objects.count(), events("OPENING"), events("ANSWER_SHOWN")) == (1, 1, 1)


def test_one_form_sent_twice_at_once_is_one_opening(city, at_once):
    grant = factories.ready(factories.approved(city))
    subject, token = factories.subject_of(grant), factories.token()

    outcomes = at_once(
        grant,
        *[lambda: opening.open_grant(grant, [subject], by=city.requester, session_key=SESSION, token=token)] * 2,
    )

    assert kinds(outcomes) == ["list", "list"]
    [one], [other] = outcomes
    assert one.opening == other.opening == Opening.objects.get().pk
    assert one.event != other.event and events("OPENING") == 2


def test_a_revocation_waits_for_nobody_and_an_opening_that_waited_shows_nothing_after_it(city, owner, cloned):
    person = factories.person()
    factories.sealed(city, person)
    grant = factories.ready(factories.approved(city, person))
    holders = {
        "access_grant": grant.pk,
        "access_accessrequest": grant.access_request_id,
        "access_user": city.requester.pk,
        "access_organisation": city.kindergarten.pk,
    }
    with ThreadPoolExecutor(2) as threads:
        # Whoever may write a row of the request or of its people holds it, and with it the opening - not the revocation.
        with owner.transaction():
            for table, pk in holders.items():
                owner.execute(sql.SQL("select from {} where id = %s for update").format(sql.Identifier(table)), [pk])
            shown = threads.submit(_closing, opening_of(grant))
            time.sleep(0.5)
            assert not shown.done()
            revoked = threads.submit(_closing, lambda: decisions.revoke(grant, by=city.supervisor, reason="已不需要。"))
            assert isinstance(revoked.result(PATIENCE), Grant)
        assert isinstance(shown.exception(PATIENCE), NothingToShow)

    assert (events("OPENING"), events("ANSWER_SHOWN"), events("GRANT_REVOKED")) == (0, 0, 1)
    assert not Opening.objects.exists()


def test_what_is_shown_at_the_moment_of_a_revocation_was_committed_before_it(city):
    person = factories.person()
    factories.sealed(city, person)
    grant = factories.ready(factories.approved(city, person, scope={"openings": 3}))
    start = threading.Barrier(2)

    def at_the_same_time(act):
        start.wait(PATIENCE)
        return _closing(act)

    with ThreadPoolExecutor(2) as threads:
        opened = threads.submit(at_the_same_time, opening_of(grant))
        revoked = threads.submit(
            at_the_same_time, lambda: decisions.revoke(grant, by=city.supervisor, reason="已不需要。")
        )
        assert isinstance(revoked.result(PATIENCE), Grant)
        ended = opened.exception(PATIENCE)

    if ended is None:
        shown, over = (Event.objects.get(kind=kind).at for kind in ("ANSWER_SHOWN", "GRANT_REVOKED"))
        # The mark of what is shown is made under a clock that was read before the revocation was committed.
        assert shown < over or events("OPENING") == 1
    else:
        assert isinstance(ended, NothingToShow)
        assert events("ANSWER_SHOWN") == 0
        assert events("OPENING") == events("ANSWER_REFUSED")
    with pytest.raises(NothingToShow):
        opening_of(grant)()


def test_a_grant_that_two_people_revoke_at_once_is_revoked_and_the_first_row_counts(city):
    grant = factories.approved(city)
    start = threading.Barrier(2)

    def revoking(by):
        start.wait(PATIENCE)
        return _closing(lambda: decisions.revoke(grant, by=by, reason="已不需要。"))

    with ThreadPoolExecutor(2) as threads:
        running = [threads.submit(revoking, by) for by in (city.supervisor, city.supervisor2)]
        outcomes = [one.exception(PATIENCE) or one.result() for one in running]

    assert all(isinstance(outcome, Grant | WrongState) for outcome in outcomes)
    rows = list(Revocation.objects.order_by("at"))
    assert len(rows) == events("GRANT_REVOKED") == sum(isinstance(outcome, Grant) for outcome in outcomes) >= 1
    assert Grant.objects.get(pk=grant.pk).revocation == rows[0]


def test_a_submission_in_two_tabs_is_one_round(city, at_once):
    draft = factories.request_draft(city)

    outcomes = at_once(draft, *[lambda: requests.submit(draft, by=city.requester, version=draft.version)] * 2)

    assert kinds(outcomes) == ["AccessRequest", "WrongState"]
    assert (draft.subjects.count(), events("REQUEST_SUBMITTED")) == (1, 1)


def test_two_exclusive_duties_given_at_once_are_one(city, at_once):
    person = factories.user_with(organisation=city.station)

    outcomes = at_once(
        person,
        *(
            lambda proposal=proposal: factories.enact(proposal, by=city.security_admin2)
            for proposal in [
                people.give_duty(person, duty, city.station, by=city.security_admin, reason="任命。")
                for duty in (Duty.OVERSEE, Duty.ADMINISTER_PEOPLE)
            ]
        ),
    )

    assert sorted(kinds(outcomes))[0] == "NoneType" and len(outcomes) == 2
    assert any(isinstance(outcome, Refused | WrongState) for outcome in outcomes)
    assert len(held_by(person)) == 1


def test_the_last_two_overseers_disabled_at_once_leave_one_and_a_sentence(city, at_once):
    second = factories.user_with(Duty.OVERSEE, organisation=city.bureau)

    outcomes = at_once(
        None,
        lambda: people.disable_user(city.auditor, by=city.people_admin),
        lambda: people.disable_user(second, by=city.people_admin2),
    )

    assert kinds(outcomes) == ["User", "WrongState"]
    assert (holders(Duty.OVERSEE, city.bureau).count(), events("USER_DISABLED")) == (1, 1)


def test_two_first_halves_of_a_code_at_once_are_one_and_a_sentence(city, at_once):
    outcomes = at_once(
        city.supervisor,
        lambda: people.renew_code(city.supervisor, by=city.people_admin, reason="手机遗失。"),
        lambda: people.renew_code(city.supervisor, by=city.people_admin2, reason="手机遗失。"),
    )

    assert kinds(outcomes) == ["Code", "Refused"]
    assert events("CHANGE_PROPOSED") == 1


def test_the_last_two_overseers_relieved_at_once_leave_one(city, at_once):
    second = factories.user_with(Duty.OVERSEE, organisation=city.bureau)

    outcomes = at_once(
        None,
        lambda: people.disable_user(city.auditor, by=city.people_admin),
        lambda: people.withdraw_duty(second, Duty.OVERSEE, city.bureau, by=city.security_admin),
    )

    assert sum(isinstance(outcome, Exception) for outcome in outcomes) == 1
    assert holders(Duty.OVERSEE, city.bureau).count() == 1
