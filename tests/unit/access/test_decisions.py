"""Deciding: who may vote, what a vote may allow, and what follows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from access import permissions
from access.actions import decisions, people, requests
from access.actions.decisions import Review
from access.exceptions import NotAllowed, NothingToShow, Refused, WrongState
from access.models import AccessRequest, CasePurpose, Decision, Grant, GrantUserObjectPermission, LegalBasis, Revocation
from access.models.duty import Duty
from access.models.law import Rung
from access.models.requests import CheckPoint, Outcome, Status
from audit import trail
from audit.models import Event
from records import disclosure
from tests import factories
from tests.factories import SESSION
from tests.unit.access.conftest import rows_as_text

pytestmark = pytest.mark.django_db

CASE = "PSAPL-136-CASE"


def vote(access_request, by, review=None, **scope):
    return factories.approve(
        access_request,
        by=by,
        version=access_request.version,
        review=review or factories.review(),
        scope=factories.scope_for(access_request, **scope),
    )


def refuse(access_request, by, review=None):
    return factories.refuse(access_request, by=by, version=access_request.version, review=review or factories.review())


def return_(access_request, by, review=None):
    return factories.return_for_correction(
        access_request, by=by, version=access_request.version, review=review or factories.review()
    )


def case(city, *people_asked_about, **values):
    return factories.submitted(city, *people_asked_about, by=city.judge, code=CASE, **values)


def nothing_happened(access_request):
    access_request.refresh_from_db()
    return access_request.status == Status.SUBMITTED and not Decision.objects.exists() and not Grant.objects.exists()


# What an approval makes ------------------------------------------------------------------------------------------------


def test_an_approval_grants_what_the_basis_and_the_vote_allow_to_the_requester_only(city):
    access_request = factories.submitted(city, factories.person(), factories.person())

    access_request = vote(access_request, city.supervisor, factories.review(people=2), hours=24, openings=2)

    grant = access_request.grant
    assert (access_request.status, access_request.decided_at) == (Status.APPROVED, grant.starts_at)
    assert grant.ends_at - grant.starts_at == timedelta(hours=24)
    assert (grant.openings, grant.openings_allowed) == (2, 4)  # two for each person
    assert (grant.rung, grant.record_filter, grant.window_from) == (Rung.PRESENCE, "ANY", None)
    assert grant.categories == factories.basis().categories
    assert [user for user in city.people().values() if Grant.objects.openable_by(user).exists()] == [city.requester]


def test_a_purpose_narrows_the_categories_and_the_window_of_a_basis(city):
    grant = factories.approved(city, by=city.judge, code=CASE)

    assert grant.categories == ["THEFT"]
    assert grant.window_from == decisions.widest_window(grant.access_request, timezone.localdate())
    assert (timezone.localdate() - grant.window_from).days in {365, 366}


@pytest.mark.parametrize(
    ("of_the_basis", "of_the_purpose", "granted"),
    [
        (["*"], ["A"], ["A"]),
        (["A"], ["*"], ["A"]),
        (["*"], ["*"], ["*"]),
        (["A", "B"], ["B", "C"], ["B"]),
        (["A"], ["C"], []),
    ],
)
def test_categories_are_never_wider_than_either_list(city, enact, of_the_basis, of_the_purpose, granted):
    law = enact(factories.version_of(factories.basis(CASE), 2, categories=of_the_basis, approvals=2))
    purpose = enact(factories.version_of(CasePurpose.objects.get(code="CRIM-THEFT"), 2, categories=of_the_purpose))

    grant = factories.approved(city, by=city.judge, code=CASE, case_purpose=purpose)

    assert (grant.basis, grant.case_purpose, grant.categories) == (law, purpose, granted)


def test_the_narrowest_of_two_approvals_counts_in_each_respect(city):
    access_request = case(city)
    today = timezone.localdate()
    vote(access_request, city.supervisor, rung="ABSTRACT", hours=72, openings=1, window_from=today - timedelta(days=90))
    access_request = vote(
        access_request, city.supervisor2, rung="FULL", hours=5, openings=3, window_from=today - timedelta(days=30)
    )

    grant = access_request.grant
    assert (grant.rung, grant.openings, grant.openings_allowed) == ("ABSTRACT", 1, 1)
    assert grant.ends_at - grant.starts_at == timedelta(hours=5)
    assert grant.window_from == today - timedelta(days=30)


@pytest.mark.parametrize("first", ["approve", "refuse"])
def test_one_refusal_and_one_approval_is_refused(city, first):
    access_request = case(city)
    votes = [
        lambda: vote(access_request, city.supervisor),
        lambda: refuse(access_request, city.supervisor2),
    ]
    one, other = votes if first == "approve" else votes[::-1]

    assert one().status == Status.SUBMITTED
    assert other().status == Status.REFUSED
    assert not Grant.objects.exists()


def test_a_request_about_a_minor_waits_for_a_second_unit(city):
    minor = factories.person(number=factories.id_number(timezone.localdate() - timedelta(days=16 * 366)))
    access_request = vote(factories.submitted(city, minor), city.supervisor)
    assert access_request.status == Status.SUBMITTED and not Grant.objects.exists()

    assert vote(access_request, city.supervisor2).status == Status.APPROVED


# What an approval may not allow ----------------------------------------------------------------------------------------


def test_no_approval_is_wider_than_what_was_asked_and_what_the_basis_allows(city):
    today = timezone.localdate()
    asked_from = today - timedelta(days=60)
    access_request = case(city, asked_rung="ABSTRACT", asked_from=asked_from)
    assert decisions.widest_window(access_request, today) == asked_from

    for wider in (
        {"rung": "FULL"},
        {"rung": ""},
        {"rung": "ALL"},
        {"hours": 0},
        {"hours": 73},
        {"openings": 0},
        {"openings": 4},
        {"window_from": None},
        {"window_from": asked_from - timedelta(days=1)},
        {"window_from": today + timedelta(days=1)},
    ):
        with pytest.raises(Refused):
            vote(access_request, city.supervisor, **wider)
    assert nothing_happened(access_request)
    assert vote(access_request, city.supervisor).decisions.count() == 1


def test_an_approval_is_never_of_a_period_that_begins_after_the_new_act(city):
    today = timezone.localdate()
    access_request = case(city, act_on=today - timedelta(days=100))

    with pytest.raises(Refused, match="nothing would be left of it"):
        vote(access_request, city.supervisor, window_from=today - timedelta(days=99))
    assert nothing_happened(access_request)
    assert vote(access_request, city.supervisor, window_from=today - timedelta(days=100)).decisions.count() == 1


def test_an_approval_never_says_more_than_the_basis_whatever_was_asked(city):
    with pytest.raises(Refused, match="the answer says at most “Whether there is a record"):
        factories.submitted(city, asked_rung="FULL")
    access_request = factories.submitted(city)

    for rung in ("FULL", "ABSTRACT"):
        with pytest.raises(Refused, match="nor more than the legal basis allows"):
            vote(access_request, city.supervisor, rung=rung)
    assert vote(access_request, city.supervisor, rung="PRESENCE").grant.rung == "PRESENCE"


def test_asking_for_longer_ago_than_the_purpose_reaches_does_not_widen_the_window(city):
    today = timezone.localdate()
    access_request = case(city, asked_from=today - timedelta(days=3000))

    assert decisions.widest_window(access_request, today) > today - timedelta(days=367)
    with pytest.raises(Refused, match="may not begin before"):
        vote(access_request, city.supervisor, window_from=today - timedelta(days=3000))


def test_reason_and_checklist_are_mandatory_whatever_the_outcome(city):
    access_request = factories.submitted(city)
    unfinished = {point: True for point in CheckPoint.values[1:]}
    for review, sentence in (
        (factories.review(" \n"), "Give the reason"),
        (Review(checklist=unfinished, reason="依法。"), "every point of the checklist"),
        (Review(checklist={**factories.review().checklist, "OTHER": True}, reason="依法。"), "every point"),
        (factories.review(people=0), "every point"),
        (factories.review(people=2), "every point"),
    ):
        for act in (vote, refuse, return_):
            with pytest.raises(Refused, match=sentence):
                act(access_request, city.supervisor, review)
    assert nothing_happened(access_request)


@pytest.mark.parametrize("point", [*CheckPoint.values, "PERSON_1"])
def test_a_no_on_the_checklist_keeps_from_approving_and_not_from_refusing(city, point):
    access_request = factories.submitted(city)
    review = factories.review(**{point: False})

    with pytest.raises(Refused, match="answered with no"):
        vote(access_request, city.supervisor, review)
    assert nothing_happened(access_request)
    assert refuse(access_request, city.supervisor, review).status == Status.REFUSED


# Who may vote ------------------------------------------------------------------------------------------------------------


def refused_every_way(access_request, by, match):
    for act in (vote, refuse, return_):
        with pytest.raises(NotAllowed, match=match):
            act(access_request, by)
    return nothing_happened(access_request)


def test_nobody_without_the_duty_over_the_receiving_organ_votes(city):
    access_request = factories.submitted(city)
    elsewhere = factories.user_with(
        Duty.DECIDE_REQUESTS, organisation=factories.organisation(factories.OrganisationKind.PUBLIC_SECURITY_BRANCH)
    )
    below = factories.user_with(Duty.DECIDE_REQUESTS, organisation=city.station)
    able = {city.supervisor, city.supervisor2}

    for person in [elsewhere, below, *(set(city.people().values()) - able - {city.requester})]:
        assert refused_every_way(access_request, person, "not in one of your queues")
        assert not AccessRequest.objects.decidable_by(person).exists()
    assert all(AccessRequest.objects.decidable_by(person).exists() for person in able)


def test_a_requester_who_becomes_a_supervisor_still_cannot_decide(city):
    officer = factories.user_with(Duty.FILE_REQUESTS, organisation=city.station)
    access_request = factories.submitted(city, by=officer, code="PSAPL-136-CASE")
    factories.give(officer, Duty.DECIDE_REQUESTS, city.branch)

    assert refused_every_way(access_request, officer, "your own request")
    assert not AccessRequest.objects.decidable_by(officer).exists()


def test_neither_can_a_deputy_whom_the_requester_appointed(city):
    former, deputy = factories.appointed_by(city)
    access_request = factories.submitted(city, by=former, code="PSAPL-136-CASE")

    assert refused_every_way(access_request, deputy, "gave you the duty")
    assert not AccessRequest.objects.decidable_by(deputy).exists()
    factories.withdraw(deputy, Duty.DECIDE_REQUESTS, city.branch)
    factories.give(deputy, Duty.DECIDE_REQUESTS, city.branch)  # by somebody else
    assert list(AccessRequest.objects.decidable_by(deputy)) == [access_request]
    assert refuse(access_request, deputy).status == Status.SUBMITTED


def test_a_request_that_only_deputies_of_the_requester_could_decide_is_not_submitted(city):
    former, _deputy = factories.appointed_by(city)
    factories.withdraw(city.supervisor, Duty.DECIDE_REQUESTS, city.branch)
    with pytest.raises(Refused, match="Nobody can decide"):
        factories.submitted(city, by=former, code="PSAPL-136-CASE")


def test_two_votes_of_one_person_or_one_unit_do_not_satisfy_two_approvals(city):
    colleague = factories.user_with(Duty.DECIDE_REQUESTS, organisation=city.branch)
    access_request = vote(case(city), city.supervisor)

    with pytest.raises(NotAllowed, match="You have voted; a second person decides"):
        vote(access_request, city.supervisor)
    with pytest.raises(NotAllowed, match="second approver must come from another unit"):
        vote(access_request, colleague)
    access_request.refresh_from_db()
    assert (access_request.status, access_request.decisions.count()) == (Status.SUBMITTED, 1)


def test_where_two_units_decide_the_requesters_own_unit_does_not(city):
    officer, colleague = (factories.user_with(Duty.FILE_REQUESTS, organisation=city.station) for _person in range(2))
    factories.give(colleague, Duty.DECIDE_REQUESTS, city.branch)
    access_request = factories.submitted(city, by=officer, code="PSAPL-136-CASE")

    assert refused_every_way(access_request, colleague, "comes from your own unit")


def test_a_supervisor_who_loses_the_duty_cannot_vote_any_more(city):
    access_request = factories.submitted(city)
    people.withdraw_duty(city.supervisor, Duty.DECIDE_REQUESTS, city.branch, by=city.security_admin)

    assert refused_every_way(access_request, city.supervisor, "not in one of your queues")


def test_nothing_is_decided_for_a_unit_whose_agreement_has_ended(city):
    access_request = factories.submitted(city)
    factories.give(city.people_admin, Duty.ADMINISTER_PEOPLE, city.kindergarten)
    people.change_agreement(city.kindergarten, by=city.people_admin, ends_on=timezone.localdate() - timedelta(days=1))

    for act in (vote, refuse, return_):
        with pytest.raises(Refused, match="agreement"):
            act(access_request, city.supervisor)
    assert nothing_happened(access_request)


# Blind voting ------------------------------------------------------------------------------------------------------------


def test_a_vote_is_blind_until_both_have_voted(city):
    access_request = refuse(case(city), city.supervisor, factories.review("第一票。"))

    def seen(by):
        return [reason for _vote, reason in decisions.visible_decisions(access_request, to=by)]

    assert seen(city.supervisor) == ["第一票。"]
    for person in (city.supervisor2, city.judge, city.requester, city.auditor, city.officer):
        assert seen(person) == []
    access_request = refuse(access_request, city.supervisor2, factories.review("第二票。"))
    for person in (city.supervisor, city.supervisor2):
        assert seen(person) == ["第一票。", "第二票。"]
    # Who asked reads one decision of the organ (tests/unit/access/test_reading.py), never who voted how.
    for person in (city.judge, city.requester, city.auditor, city.officer, city.hr):
        assert seen(person) == []


def test_votes_of_a_returned_round_are_read_and_those_of_the_new_round_are_blind(city):
    access_request = return_(case(city), city.supervisor, factories.review("请更正。"))
    access_request = requests.submit(access_request, by=city.judge, version=access_request.version)
    refuse(access_request, city.supervisor, factories.review("新的一票。"))

    seen = decisions.visible_decisions(access_request, to=city.supervisor2)
    assert [reason for _vote, reason in seen] == ["请更正。"]
    assert decisions.visible_decisions(access_request, to=city.judge) == []


# One request, one purpose ------------------------------------------------------------------------------------------------


def test_deciding_one_request_leaves_every_other_request_of_the_person_as_it_was(city, owner):
    person = factories.person()
    factories.sealed(city, person, offence_code="PSAPL2025-058-p1-i1", penalty=factories.Penalty(detention_days=6))
    other = case(city, person, reason="另一个理由。")
    first = factories.submitted(city, person)
    before = {row for rows in rows_as_text(owner).values() for row in rows if str(other.pk) in row}
    assert len(before) >= 3

    first = vote(first, city.supervisor, factories.review("只关于第一件。"))

    assert before == {row for rows in rows_as_text(owner).values() for row in rows if str(other.pk) in row}
    assert not Grant.objects.filter(access_request=other).exists()
    assert decisions.visible_decisions(other, to=city.judge) == []
    assert decisions.visible_decisions(first, to=city.judge) == []
    assert decisions.visible_decisions(first, to=city.requester) == []
    assert [reason for _vote, reason in decisions.visible_decisions(first, to=city.supervisor)] == ["只关于第一件。"]
    assert requests.read_particulars(first).reason != requests.read_particulars(other).reason

    # And the grant of the first opens nothing for the second's requester or the second's person.
    factories.ready(first.grant)
    with pytest.raises(NothingToShow):
        disclosure.open_answer(
            first.grant,
            other.current_subjects.get(),
            by=city.requester,
            session_key=SESSION,
            token=factories.token(),
        )
    assert not Event.objects.filter(kind__in=["OPENING", "ANSWER_SHOWN"]).exists()


# The law that was used is kept ---------------------------------------------------------------------------------------------


REPEALED = {"standing": "REFUSED", "standing_reason_zh": "已废止。", "standing_reason_en": "Repealed."}
CHANGES = {
    "waits": {**REPEALED, "standing": "LEGAL_REVIEW_FIRST"},
    "repealed": REPEALED,
    "ended": {"valid_until": timezone.localdate() - timedelta(days=1)},
    "narrower": {"categories": ["SEXUAL"]},
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("of", ["basis", "purpose"])
def test_once_a_newer_version_is_in_force_the_older_one_carries_no_vote(city, enact, monkeypatch, of, change):
    waiting = case(city)
    enact(
        factories.version_of(getattr(waiting, {"basis": "basis", "purpose": "case_purpose"}[of]), 2, **CHANGES[change])
    )

    with pytest.raises(Refused, match="A newer version of .* it is returned"):
        vote(waiting, city.supervisor)
    # And by the database, whatever the application says of the law.
    monkeypatch.setattr(permissions, "check_law_applies", lambda *_arguments: None)
    with pytest.raises(WrongState, match="nothing was done"):
        vote(waiting, city.supervisor)
    assert nothing_happened(waiting)
    # To say no, or to send it back, takes no law.
    assert return_(waiting, city.supervisor).status == Status.RETURNED


def test_between_two_votes_the_law_may_change_as_well(city, enact):
    waiting = vote(case(city), city.supervisor)
    enact(factories.version_of(waiting.case_purpose, 2, window_months=1))

    with pytest.raises(Refused, match="A newer version"):
        vote(waiting, city.supervisor2)
    assert not Grant.objects.exists()


def test_a_version_that_has_not_begun_changes_nothing(city, enact):
    waiting = factories.submitted(city)
    enact(factories.version_of(waiting.basis, 2, **REPEALED | {"valid_from": timezone.localdate() + timedelta(days=1)}))

    assert vote(waiting, city.supervisor).status == Status.APPROVED


def test_a_new_version_of_the_law_changes_no_decision_and_no_grant(city, enact):
    old = factories.basis()
    grant = factories.approved(city)
    new = enact(factories.version_of(old, 2, **REPEALED))
    assert factories.basis() == new

    for row in (grant, grant.access_request, grant.access_request.decisions.get()):
        row.refresh_from_db()
        assert row.basis == old
    assert grant.categories == old.categories
    factories.ready(grant)
    disclosure.open_answer(
        grant, factories.subject_of(grant), by=city.requester, session_key=SESSION, token=factories.token()
    )
    event = Event.objects.filter(kind="REQUEST_VOTED").latest("at")
    assert b'"basis_version":1' in bytes(event.canonical)


def test_what_was_returned_is_submitted_under_the_newer_version(city, enact):
    returned = return_(case(city), city.supervisor)
    newer = enact(factories.version_of(returned.case_purpose, 2, window_months=1))
    with pytest.raises(Refused, match="A newer version"):
        requests.submit(returned, by=city.judge, version=returned.version)

    saved = requests.save_draft(
        returned,
        requests.read_particulars(returned),
        by=city.judge,
        basis=returned.basis,
        case_purpose=newer,
        asked_rung=returned.asked_rung,
        act_on=returned.act_on,
        version=returned.version,
    )
    saved = requests.submit(saved, by=city.judge, version=saved.version)
    assert vote(vote(saved, city.supervisor), city.supervisor2).grant.case_purpose == newer


def test_a_basis_that_ended_while_a_request_waited_is_not_approved_any_more(city, enact, owner, monkeypatch):
    ending = enact(factories.version_of(factories.basis(), 2, valid_until=timezone.localdate()))
    access_request = factories.submitted(city)
    tomorrow = timezone.now() + timedelta(days=1)
    monkeypatch.setattr(trail, "database_now", lambda: tomorrow)

    with pytest.raises(Refused, match="not in force"):
        vote(access_request, city.supervisor)
    # And by the database's own day, whatever the application says of the law.
    owner.execute("alter table access_legalbasis disable trigger user")
    owner.execute("update access_legalbasis set valid_until = current_date - 2 where id = %s", [ending.pk])
    monkeypatch.setattr(permissions, "check_law_applies", lambda *_arguments: None)
    with pytest.raises(WrongState, match="nothing was done"):
        vote(access_request, city.supervisor)
    assert nothing_happened(access_request)


@pytest.mark.parametrize("change", ["update", "delete"])
def test_what_was_decided_cannot_be_rewritten(city, change):
    grant = factories.ready(factories.approved(city))
    decisions.revoke(grant, by=city.supervisor, reason="已不需要。")
    for rows, values in (
        (Decision.objects.all(), {"hours": 720}),
        (LegalBasis.objects.all(), {"grant_hours": 720}),
        (Grant.objects.all(), {"openings": 720}),
        (Grant.objects.all(), {"ends_at": timezone.now() + timedelta(days=9)}),
        (Revocation.objects.all(), {"grant_id": factories.token()}),
        (GrantUserObjectPermission.objects.all(), {"user": city.judge}),
        (grant.undertakings.all(), {"user": city.judge}),
    ):
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            rows.update(**values) if change == "update" else rows._raw_delete("default")


# Revoking ----------------------------------------------------------------------------------------------------------------


def test_a_revoked_grant_is_over_at_once_and_says_who(city):
    grant = decisions.revoke(factories.approved(city), by=city.supervisor2, reason="已不需要。")

    assert not grant.is_live()
    assert (grant.revocation.by_id, Event.objects.filter(kind="GRANT_REVOKED").count()) == (city.supervisor2.pk, 1)
    with pytest.raises(WrongState, match="already revoked"):
        decisions.revoke(grant, by=city.supervisor, reason="再一次。")


def test_a_revocation_has_a_reason_and_comes_from_who_decides(city):
    grant = factories.approved(city)
    with pytest.raises(Refused, match="reason"):
        decisions.revoke(grant, by=city.supervisor, reason=" ")
    for person in (city.requester, city.judge, city.auditor, city.people_admin, city.reviewer):
        with pytest.raises(NotAllowed):
            decisions.revoke(grant, by=person, reason="不应成功。")
    assert not Revocation.objects.exists() and Grant.objects.get(pk=grant.pk).is_live()


# A failing trail -----------------------------------------------------------------------------------------------------------


def test_without_its_event_no_vote_is_kept(city, refused_without_trail):
    first, last = case(city), vote(case(city), city.supervisor)
    for act in (
        lambda: vote(first, city.supervisor),
        lambda: refuse(first, city.supervisor),
        lambda: return_(first, city.supervisor),
        lambda: vote(last, city.supervisor2),
        lambda: refuse(last, city.supervisor2),
    ):
        with refused_without_trail():
            act()


def test_without_its_event_no_grant_is_revoked(city, refused_without_trail):
    grant = factories.approved(city)

    with refused_without_trail():
        decisions.revoke(grant, by=city.supervisor, reason="已不需要。")


def test_the_outcomes_of_the_votes_are_the_ones_that_were_cast(city):
    access_request = vote(case(city), city.supervisor)
    refuse(access_request, city.supervisor2)

    cast = Decision.objects.order_by("decided_at").values_list("decider", "decider_organisation", "outcome")
    assert list(cast) == [
        (city.supervisor.pk, city.branch.pk, Outcome.APPROVE),
        (city.supervisor2.pk, city.bureau.pk, Outcome.REFUSE),
    ]
