"""Filing: what a submission needs, where it goes, when it is due, and what is kept of it."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from access import calendar, database, identifiers, kinds, permissions
from access.actions import decisions, requests
from access.exceptions import NotAllowed, Refused, WrongState
from access.identifiers import IdentifierError
from access.models import AccessRequest, CasePurpose, Letter, RequestSubject
from access.models.duty import Duty
from access.models.people import OrganisationKind
from access.models.requests import TRANSITIONS, Outcome, Status
from access.vault import datakeys
from audit import trail
from audit.models import Event
from records.keyservice.connection import register_keys
from tests import factories
from tests.unit.access.conftest import rows_as_text

pytestmark = pytest.mark.django_db

CASE = "PSAPL-136-CASE"


def edited(access_request, **changes):
    """Save the draft again with something changed, by who wrote it."""
    particulars = replace(
        requests.read_particulars(access_request),
        **{
            name: changes.pop(name)
            for name in ("reason", "scope_of_use", "case_number", "decision_number", "people")
            if name in changes
        },
    )
    values = {
        "basis": access_request.basis,
        "case_purpose": access_request.case_purpose,
        "asked_rung": access_request.asked_rung,
        "asked_from": access_request.asked_from,
        "version": access_request.version,
        "act_on": access_request.act_on,
        **changes,
    }
    return requests.save_draft(access_request, particulars, by=access_request.requester, **values)


def kinds_about(row) -> list[str]:
    return list(Event.objects.filter(target_id=str(row.pk)).order_by("at").values_list("kind", flat=True))


def lapsed(city):
    access_request = factories.request_at(Status.RETURNED, city)
    assert requests.lapse_one(timezone.now() + timedelta(days=31))
    access_request.refresh_from_db()
    return access_request


def at(status, city):
    return lapsed(city) if status == Status.LAPSED else factories.request_at(status, city)


def minor(today: date | None = None):
    birth = (today or timezone.localdate()) - timedelta(days=16 * 366)
    return factories.person(number=factories.id_number(birth))


# Submitting ----------------------------------------------------------------------------------------------------------


def test_a_complete_request_is_sent_to_the_district_branch_with_a_deadline(city):
    access_request = factories.submitted(city)

    assert (access_request.status, access_request.round) == (Status.SUBMITTED, 1)
    assert access_request.receiving_organ == city.branch
    assert access_request.approvals_needed == 1
    assert access_request.due_at == calendar.load().add_working_days(access_request.submitted_at, 3)
    assert kinds_about(access_request) == ["REQUEST_DRAFTED", "REQUEST_EDITED", "REQUEST_SUBMITTED"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"people": []}, "Name at least one person"),
        ({"reason": " "}, "Give the reason"),
        ({"scope_of_use": ""}, "how the answer will be used"),
        ({"case_purpose": None}, "Choose the case purpose"),
        ({"case_number": ""}, "Give the case number"),
        ({"people": [factories.person("", "11010519491231002X")]}, "name and number of person 1"),
        ({"asked_from": date(2199, 1, 1)}, "must begin today or earlier"),
        ({"act_on": None}, "Give the day of the new act"),
        ({"act_on": date(2199, 1, 1)}, "The new act cannot be in the future"),
        ({"act_on": date(1949, 9, 30)}, "is before 1949-10-01"),
        (
            {"act_on": date(2000, 1, 1), "people": [factories.person(number=factories.id_number(date(2001, 1, 1)))]},
            "before the birth of person 1",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_an_incomplete_request_is_refused_and_the_refusal_names_what_is_missing(city, changes, sentence):
    draft = edited(factories.request_draft(city, by=city.judge, code=CASE), **changes)

    with pytest.raises(Refused, match=sentence):
        requests.submit(draft, by=city.judge, version=draft.version)
    draft.refresh_from_db()
    assert (draft.status, draft.round, RequestSubject.objects.count()) == (Status.DRAFT, 0, 0)


def test_every_missing_part_is_named_at_once_for_the_page(city):
    draft = requests.save_draft(
        None, requests.Particulars(), version=None, by=city.judge, basis=factories.basis(CASE), asked_rung="FULL"
    )

    assert len(requests.missing_parts(draft, requests.Particulars())) == 6
    complete = factories.request_draft(city)
    assert not requests.missing_parts(complete, requests.read_particulars(complete))


def test_a_request_without_its_letter_or_with_a_removed_one_is_refused(city):
    draft = factories.request_draft(city)
    with transaction.atomic():
        draft.current_letters.update(removed_at=timezone.now())
        trail.write(kinds.REQUEST_EDITED, by=city.requester, on=draft)

    with pytest.raises(Refused, match="official letter"):
        requests.submit(draft, by=city.requester, version=draft.version)


def test_a_number_that_cannot_be_right_is_refused_without_repeating_it(city):
    draft = edited(factories.request_draft(city), people=[factories.person(number="11010519491231002A")])

    with pytest.raises(IdentifierError) as error:
        requests.submit(draft, by=city.requester, version=draft.version)
    assert "11010519491231002" not in str(error.value)


def test_only_who_wrote_a_request_changes_submits_or_withdraws_it(city):
    draft = factories.request_draft(city)
    colleague = factories.user_with(Duty.FILE_REQUESTS, organisation=city.kindergarten)
    particulars = requests.read_particulars(draft)

    for act in (
        lambda: requests.save_draft(
            draft, particulars, version=draft.version, by=colleague, basis=draft.basis, asked_rung="PRESENCE"
        ),
        lambda: requests.attach_letter(
            draft, version=draft.version, by=colleague, name="x", media_type="application/pdf", content=b"x"
        ),
        lambda: requests.submit(draft, by=colleague, version=draft.version),
        lambda: requests.withdraw(draft, by=colleague, version=draft.version),
    ):
        with pytest.raises(NotAllowed, match="Only the person who wrote"):
            act()
    draft.refresh_from_db()
    assert draft.status == Status.DRAFT


def test_two_tabs_do_not_overwrite_each_other(city):
    draft = factories.request_draft(city)
    stale = draft.version
    edited(draft, version=stale)

    with pytest.raises(WrongState, match="saved elsewhere"):
        edited(draft, version=stale, reason="另一个标签页。")
    with pytest.raises(WrongState, match="saved elsewhere"):
        requests.submit(draft, by=city.requester, version=stale)


@pytest.mark.parametrize("size", [0, 20 * 1024 * 1024 + 1])
def test_an_empty_or_too_large_letter_is_refused(city, size):
    draft = factories.request_draft(city)

    with pytest.raises(Refused, match="20 MB"):
        requests.attach_letter(
            draft, version=draft.version, by=city.requester, name="x", media_type="application/pdf", content=b"x" * size
        )


def test_a_letter_that_is_replaced_is_kept_out_of_use(city):
    draft = factories.request_draft(city)
    requests.attach_letter(
        draft, version=draft.version, by=city.requester, name="新.pdf", media_type="application/pdf", content=b"%PDF-2"
    )

    assert Letter.objects.count() == 2
    assert [requests.read_letter(letter) for letter in draft.current_letters] == [("新.pdf", b"%PDF-2")]


# Who may ask under which basis -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "code", "sentence"),
    [
        (OrganisationKind.EMPLOYER, "PRESCHOOL-44", "Preschool Education Law"),
        (OrganisationKind.EMPLOYER, "ORD-EMPLOYER", ""),
        (OrganisationKind.EMPLOYER, CASE, "Art. 136"),
        (OrganisationKind.KINDERGARTEN, CASE, "Art. 136"),
        (OrganisationKind.TRANSPORT_OPERATOR, "CTL-33", ""),
        (OrganisationKind.TRANSPORT_OPERATOR, "DL-15", ""),
        (OrganisationKind.SUPERVISION_ORGAN, "GOVSANCTION-49", ""),
    ],
)
def test_a_basis_that_does_not_apply_is_refused_with_its_citation(db, kind, code, sentence):
    unit = factories.organisation(kind)
    person = factories.user_with(Duty.FILE_REQUESTS, organisation=unit)
    basis = factories.basis(code)

    with pytest.raises(Refused) as refusal:
        requests.save_draft(None, requests.Particulars(), version=None, by=person, basis=basis, asked_rung="PRESENCE")
    assert str(refusal.value) == basis.standing_reason or basis.citation in str(refusal.value)
    assert sentence in str(refusal.value)
    assert not AccessRequest.objects.exists()


def test_a_basis_is_used_from_its_first_to_its_last_day(db):
    unit, basis, today = factories.organisation(OrganisationKind.KINDERGARTEN), factories.basis(), timezone.localdate()
    for first, last, applies in [(0, 0, True), (-9, None, True), (1, None, False), (-9, -1, False)]:
        basis.valid_from = today + timedelta(days=first)
        basis.valid_until = None if last is None else today + timedelta(days=last)
        assert permissions.allowed(permissions.check_basis_applies, basis, unit, today) == applies


def test_a_case_purpose_of_another_kind_of_organ_or_of_another_time_is_refused(city, enact):
    draft = factories.request_draft(city, by=city.judge, code=CASE)
    with pytest.raises(Refused, match="not a case purpose of your kind"):
        edited(draft, case_purpose=CasePurpose.objects.get(code="CASE-65-2"))
    ended = CasePurpose.objects.get(code="CRIM-THEFT")
    ended.pk, ended.version = factories.token(), 2
    ended.valid_until = timezone.localdate() - timedelta(days=1)
    enact(ended)

    with pytest.raises(Refused, match="not in force today"):
        edited(draft, case_purpose=ended)


def test_a_police_organ_may_use_what_is_for_police_only(city):
    officer = factories.user_with(Duty.FILE_REQUESTS, organisation=city.branch)

    assert factories.submitted(city, by=officer, code="SCHOOLBUS-23").status == Status.SUBMITTED


@pytest.mark.parametrize("ended", ["agreement", "unit", "duty", "account"])
def test_who_no_longer_may_file_neither_drafts_nor_submits(city, owner, ended):
    draft = factories.request_draft(city)
    if ended == "duty":
        factories.withdraw(city.requester, Duty.FILE_REQUESTS, city.kindergarten)
    else:
        table, change = {
            "agreement": ("access_organisation", "agreement_ends_on = current_date - 2"),
            "unit": ("access_organisation", "is_active = false"),
            "account": ("access_user", "is_active = false"),
        }[ended]
        owner.execute(f"alter table {table} disable trigger user")
        owner.execute(f"update {table} set {change}")
        city.requester.organisation.refresh_from_db()

    with pytest.raises(NotAllowed):
        requests.submit(draft, by=city.requester, version=draft.version)
    with pytest.raises(NotAllowed):
        edited(draft)
    with pytest.raises(NotAllowed):
        factories.request_draft(city)
    draft.refresh_from_db()
    assert draft.status == Status.DRAFT


# Where it goes --------------------------------------------------------------------------------------------------------


def test_a_branch_where_nobody_decides_is_passed_over_for_the_bureau_of_the_city(db):
    factories.organisation(OrganisationKind.PUBLIC_SECURITY_BRANCH)
    bureau = factories.organisation(OrganisationKind.PUBLIC_SECURITY_BUREAU, region_code="310100")
    decider = factories.user_with(Duty.DECIDE_REQUESTS, organisation=bureau)
    requester = factories.user_with(
        Duty.FILE_REQUESTS, organisation=factories.organisation(OrganisationKind.KINDERGARTEN)
    )

    access_request = factories.submitted(None, by=requester)

    assert access_request.receiving_organ == bureau
    assert AccessRequest.objects.decidable_by(decider).get() == access_request


def test_the_branch_goes_before_the_bureau_and_another_district_never_decides(city):
    district = factories.organisation(OrganisationKind.PUBLIC_SECURITY_BRANCH, region_code="310115")
    factories.user_with(Duty.DECIDE_REQUESTS, organisation=district)
    here = factories.organisation(OrganisationKind.PUBLIC_SECURITY_BUREAU)
    factories.user_with(Duty.DECIDE_REQUESTS, organisation=here)
    assert factories.submitted(city).receiving_organ == city.branch

    for person, organ in ((city.supervisor, city.branch), (city.supervisor2, city.bureau)):
        factories.withdraw(person, Duty.DECIDE_REQUESTS, organ)
    factories.withdraw(here.people.get(), Duty.DECIDE_REQUESTS, here)
    with pytest.raises(Refused, match="Nobody can decide"):
        factories.submitted(city)


@pytest.mark.parametrize("second", ["nobody", "same unit", "disabled"])
def test_where_two_must_approve_two_units_have_to_be_able_to(city, owner, second):
    factories.withdraw(city.supervisor2, Duty.DECIDE_REQUESTS, city.bureau)
    if second != "nobody":
        unit = {"same unit": city.branch, "disabled": city.bureau}[second]
        person = factories.user_with(organisation=unit)
        factories.give(person, Duty.DECIDE_REQUESTS, city.branch)
        if second == "disabled":
            owner.execute("alter table access_user disable trigger user")
            owner.execute("update access_user set is_active = false where id = %s", [person.pk])

    with pytest.raises(Refused, match="Nobody can decide"):
        factories.submitted(city, by=city.judge, code=CASE)
    assert not AccessRequest.objects.exclude(status=Status.DRAFT).exists()


def test_a_submitted_request_is_always_in_the_queue_of_somebody_who_may_decide_it(city):
    officer = factories.user_with(Duty.FILE_REQUESTS, Duty.DECIDE_REQUESTS, organisation=city.branch)
    filed = [
        factories.submitted(city),
        factories.submitted(city, minor()),
        factories.submitted(city, by=city.judge, code=CASE),
        factories.submitted(city, by=officer, code="SCHOOLBUS-23"),
    ]

    for access_request in filed:
        able = [
            person
            for person in city.people().values()
            if AccessRequest.objects.decidable_by(person).filter(pk=access_request.pk).exists()
            and permissions.allowed(permissions.check_can_decide, person, access_request)
        ]
        assert len({person.organisation_id for person in able}) >= access_request.approvals_needed
        assert officer != access_request.requester or officer not in able


def test_a_requester_who_alone_decides_for_the_district_cannot_submit(db):
    branch = factories.organisation(OrganisationKind.PUBLIC_SECURITY_BRANCH)
    alone = factories.user_with(Duty.FILE_REQUESTS, Duty.DECIDE_REQUESTS, organisation=branch)

    with pytest.raises(Refused, match="Nobody can decide"):
        factories.submitted(None, by=alone, code="SCHOOLBUS-23")


def test_a_minor_among_the_people_needs_two_approvers(city):
    assert factories.submitted(city, factories.person(), minor()).approvals_needed == 2
    assert list(RequestSubject.objects.order_by("position").values_list("is_minor", flat=True)) == [False, True]


# The clock -----------------------------------------------------------------------------------------------------------


def moment(day: int, hour: int, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=calendar.ZONE)


@pytest.mark.parametrize(
    ("returned", "corrected", "due"),
    [
        (moment(24, 9), moment(27, 10), datetime(2026, 12, 1, 17, 30, tzinfo=calendar.ZONE)),  # two days were left
        (moment(23, 11), moment(23, 16), datetime(2026, 11, 26, 17, 30, tzinfo=calendar.ZONE)),  # the same day
        (moment(26, 17), moment(27, 10), datetime(2026, 11, 30, 17, 30, tzinfo=calendar.ZONE)),  # on the last day
        (moment(30, 9), moment(4, 10, 12), datetime(2026, 12, 7, 17, 30, tzinfo=calendar.ZONE)),  # it was overdue
    ],
)
def test_the_clock_stands_still_while_a_request_is_returned(city, owner, monkeypatch, returned, corrected, due):
    now = [moment(23, 10)]  # a Monday
    monkeypatch.setattr(trail, "database_now", lambda: now[0])
    access_request = factories.submitted(city)
    assert access_request.due_at == datetime(2026, 11, 26, 17, 30, tzinfo=calendar.ZONE)
    access_request = factories.return_for_correction(
        access_request, by=city.supervisor, version=access_request.version, review=factories.review()
    )
    # A vote is cast by the database's own clock, which no test moves.
    owner.execute("alter table access_accessrequest disable trigger user")
    owner.execute("update access_accessrequest set returned_at = %s", [returned])
    owner.execute("alter table access_accessrequest enable trigger user")
    now[0] = corrected

    access_request = requests.submit(access_request, by=city.requester, version=access_request.version)

    assert (access_request.due_at, access_request.returned_at) == (due, None)


def test_a_returned_request_lapses_after_its_time_and_no_other_does(city):
    returned = factories.request_at(Status.RETURNED, city)
    factories.submitted(city)
    soon = returned.returned_at + timedelta(days=29)
    assert not requests.lapse_one(soon)

    late = returned.returned_at + timedelta(days=31)
    assert [requests.lapse_one(late), requests.lapse_one(late)] == [True, False]
    returned.refresh_from_db()
    assert returned.status == Status.LAPSED
    assert Event.objects.get(kind="REQUEST_LAPSED").actor is None


def end(owner, *grants) -> None:
    """Let the time of these grants be over."""
    owner.execute("alter table access_grant disable trigger user")
    owner.execute(
        "update access_grant set starts_at = now() - interval '2 days', ends_at = now() where id = any (%s)",
        [[grant.pk for grant in grants]],
    )
    owner.execute("alter table access_grant enable always trigger access_grant_append_only")


def test_the_end_of_a_grant_is_noted_once(city, owner):
    grant, live = factories.approved(city), factories.approved(city)
    assert database.note_expiry() == 0
    end(owner, grant)
    assert [database.note_expiry() for _time in range(2)] == [1, 0]
    assert kinds_about(grant) == ["GRANT_MADE", "GRANT_EXPIRED"]
    assert kinds_about(live) == ["GRANT_MADE"]


def test_the_end_of_a_revoked_grant_is_told_once_when_it_was_revoked(city, owner):
    grant = decisions.revoke(factories.approved(city), by=city.supervisor, reason="已不需要。")
    end(owner, grant)
    assert [database.note_expiry() for _time in range(2)] == [1, 0]
    assert kinds_about(grant) == ["GRANT_MADE", "GRANT_REVOKED"]


def test_expiry_is_noted_a_few_at_a_time(city, owner):
    end(owner, *(factories.approved(city) for _grant in range(3)))
    assert [database.note_expiry(2) for _time in range(3)] == [2, 1, 0]


# Rounds --------------------------------------------------------------------------------------------------------------


def test_a_new_round_keeps_the_people_letters_and_votes_of_the_earlier_one(city):
    first, second = factories.person("赵一"), factories.person("钱二")
    access_request = factories.submitted(city, first, by=city.judge, code=CASE)
    factories.approve(
        access_request,
        by=city.supervisor,
        version=access_request.version,
        review=factories.review(),
        scope=factories.scope_for(access_request),
    )
    access_request = factories.return_for_correction(
        access_request, by=city.supervisor2, version=access_request.version, review=factories.review("人名有误。")
    )
    requests.attach_letter(
        access_request,
        version=access_request.version,
        by=city.judge,
        name="二.pdf",
        media_type="application/pdf",
        content=b"%PDF-2",
    )
    access_request.refresh_from_db()
    access_request = edited(access_request, people=[second])
    access_request = requests.submit(access_request, by=city.judge, version=access_request.version)

    key = requests.key_of(access_request)
    people = {subject.round: requests.read_person(key, subject) for subject in access_request.subjects.all()}
    assert people == {1: first, 2: second}
    assert [requests.read_person(key, subject) for subject in access_request.current_subjects] == [second]
    assert access_request.letters.count() == 2
    votes = access_request.decisions.order_by("decided_at").values_list("round", "outcome")
    assert list(votes) == [(1, Outcome.APPROVE), (1, Outcome.RETURN)]

    # The votes of the first round count for nothing now, and both may vote again.
    access_request = factories.refuse(
        access_request, by=city.supervisor, version=access_request.version, review=factories.review()
    )
    assert access_request.status == Status.SUBMITTED
    assert (
        factories.refuse(
            access_request, by=city.supervisor2, version=access_request.version, review=factories.review()
        ).status
        == Status.REFUSED
    )


# Moves -----------------------------------------------------------------------------------------------------------------


def approve(city, access_request):
    scope = factories.scope_for(access_request)
    return factories.approve(
        access_request, by=city.supervisor, version=access_request.version, review=factories.review(), scope=scope
    )


def lapse(city, access_request):
    if not requests.lapse_one(timezone.now() + timedelta(days=31)):
        raise WrongState
    access_request.refresh_from_db()
    return access_request


MOVES = {
    Status.SUBMITTED: lambda city, row: requests.submit(row, by=city.requester, version=row.version),
    Status.WITHDRAWN: lambda city, row: requests.withdraw(row, by=city.requester, version=row.version),
    Status.APPROVED: approve,
    Status.REFUSED: lambda city, row: factories.refuse(
        row, by=city.supervisor, version=row.version, review=factories.review()
    ),
    Status.RETURNED: lambda city, row: factories.return_for_correction(
        row, by=city.supervisor, version=row.version, review=factories.review()
    ),
    Status.LAPSED: lapse,
}
LEGAL = [(state, target) for state in Status for target in Status if target in TRANSITIONS[state]]


def test_every_state_can_be_reached_by_a_move_and_left_only_as_the_table_says():
    assert set(TRANSITIONS) == set(Status)
    assert set(MOVES) == set(Status) - {Status.DRAFT} == set().union(*TRANSITIONS.values())


@pytest.mark.parametrize(("state", "target"), LEGAL)
def test_a_legal_move_reaches_its_state(city, state, target):
    access_request = at(state, city)

    assert MOVES[target](city, access_request).status == target
    access_request.refresh_from_db()
    assert access_request.status == target


@pytest.mark.parametrize("state", list(Status))
def test_every_other_move_is_refused_and_changes_nothing(city, owner, state):
    access_request = at(state, city)
    before = rows_as_text(owner)

    for target in set(MOVES) - TRANSITIONS[state]:
        with pytest.raises(WrongState):
            MOVES[target](city, access_request)
    if state not in {Status.DRAFT, Status.RETURNED}:
        with pytest.raises(WrongState, match="moved on"):
            edited(access_request)
        with pytest.raises(WrongState, match="moved on"):
            requests.attach_letter(
                access_request,
                version=access_request.version,
                by=city.requester,
                name="x",
                media_type="x",
                content=b"x",
            )
    assert rows_as_text(owner) == before


@pytest.mark.parametrize(("state", "target"), LEGAL)
def test_without_its_event_no_move_happens(city, refused_without_trail, state, target):
    access_request = at(state, city)

    with refused_without_trail():
        MOVES[target](city, access_request)


def test_without_their_events_nothing_else_about_a_request_changes_either(city, owner, refused_without_trail):
    draft = factories.request_draft(city)
    end(owner, factories.approved(city))
    letter = {"name": "x", "media_type": "application/pdf", "content": b"x"}
    for act in (
        lambda: factories.request_draft(city),
        lambda: edited(draft, reason="改"),
        lambda: requests.attach_letter(draft, version=draft.version, by=city.requester, **letter),
        database.note_expiry,
    ):
        with refused_without_trail():
            act()


# What is kept in clear text --------------------------------------------------------------------------------------------


def test_no_table_holds_a_name_a_number_or_a_reason_in_clear_text(city, owner):
    canaries = ["司徒封存", factories.id_number(date(1988, 8, 8)), "理由金丝雀", "用途金丝雀", "决定金丝雀", "撤销金丝雀",
                "退回金丝雀", "更正金丝雀"]  # fmt: skip
    name, number, reason, use, decided, revoked, returned, corrected = canaries
    person = factories.person(name, number)
    access_request = factories.submitted(city, person, reason=reason, scope_of_use=use)
    access_request = factories.return_for_correction(
        access_request, by=city.supervisor, version=access_request.version, review=factories.review(returned)
    )
    access_request = edited(access_request, reason=corrected)
    requests.attach_letter(
        access_request,
        version=access_request.version,
        by=city.requester,
        name=f"{name}.pdf",
        media_type="application/pdf",
        content=number.encode(),
    )
    access_request.refresh_from_db()
    access_request = requests.submit(access_request, by=city.requester, version=access_request.version)
    access_request = factories.approve(
        access_request,
        by=city.supervisor,
        version=access_request.version,
        review=factories.review(decided),
        scope=factories.scope_for(access_request),
    )
    grant = factories.ready(access_request.grant)
    decisions.revoke(grant, by=city.supervisor, reason=revoked)

    tables = rows_as_text(owner, "%")
    assert {"access_accessrequest", "access_historicalaccessrequest", "audit_event"} <= set(tables)
    everything = "\n".join(row for rows in tables.values() for row in rows)
    # What is no secret is found, so the search works: as text, and as bytes in hexadecimal.
    assert access_request.number in everything
    assert b"REQUEST_SUBMITTED".hex() in everything
    for canary in canaries:
        for form in (
            canary,
            canary.encode().hex(),
            json.dumps(canary)[1:-1].encode().hex(),
            json.dumps(canary)[1:-1],
            base64.b64encode(canary.encode()).decode()[:-4],
            base64.b64encode(canary.encode()).hex()[:-8],
        ):
            assert form not in everything
    subject_key = datakeys.index(register_keys(), "subject", identifiers.subject_text(person.document_type, number))
    assert subject_key.hex() in everything
