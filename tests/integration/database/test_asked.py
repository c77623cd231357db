"""A request that is submitted with any SQL still asks for what its purpose needs, and for no more than that."""

from __future__ import annotations

from datetime import date, timedelta

import psycopg
import pytest
from django.utils import timezone

from access.models import CasePurpose
from access.models.duty import Duty
from access.models.people import OrganisationKind
from access.models.requests import AccessRequest
from access.proofs import votes
from audit.models import Event
from tests import factories
from tests.integration.database.test_forgeries import VOTE, refused, vote_values

pytestmark = pytest.mark.django_db(transaction=True)
COLUMNS = [field.column for field in AccessRequest._meta.concrete_fields]


def keep(app, pk, by=None):
    """Write the version and the event that belong to what was just done to a request."""
    listed = ", ".join(COLUMNS)
    app.execute(
        f"insert into access_historicalaccessrequest ({listed}, history_date, history_type, history_user_id)"
        f" select {listed}, now(), '~', %s from access_accessrequest where id = %s",
        [by, pk],
    )
    app.execute("select audit_write('REQUEST_SUBMITTED', %s, null, null, %s, '{}')", [by, str(pk)])


def submit(app, city, draft, *, is_minor=False, also=None, **asked):
    """Submit a draft with nothing but SQL, as whoever has captured the application's role."""
    now = timezone.now()
    values = {
        "status": "SUBMITTED",
        "round": draft.round + 1,
        "version": draft.version + 1,
        "receiving_organ_id": city.branch.pk,
        "submitted_at": now,
        "due_at": now + timedelta(days=5),
        "approvals_needed": draft.basis.approvals,
        **asked,
    }
    with app.transaction():
        app.execute(
            f"update access_accessrequest set {', '.join(f'{name} = %({name})s' for name in values)} where id = %(id)s",
            {**values, "id": draft.pk},
        )
        app.execute(
            "insert into access_requestsubject"
            " (id, access_request_id, round, position, subject_key, identity_key, particulars, is_minor)"
            " values (gen_random_uuid(), %s, %s, 1, 'x', 'x', 'x', %s)",
            [draft.pk, values["round"], is_minor],
        )
        if also:
            app.execute(*also)
        keep(app, draft.pk)
    draft.refresh_from_db()
    return draft


@pytest.fixture
def arrest(city):
    """A complete draft about an arrest, whose purpose needs day and kind of the new act."""
    by = factories.user_with(
        Duty.FILE_REQUESTS, organisation=factories.organisation(OrganisationKind.PROCURATORATE), username="procurator"
    )
    purpose = CasePurpose.objects.get(code="CRIM-ARREST")
    assert purpose.same_kind and purpose.counts_from_act
    return factories.request_draft(
        city, by=by, code="PSAPL-136-CASE", case_purpose=purpose, act_kind="THEFT", asked_rung="ABSTRACT"
    )


def test_what_asks_for_enough_is_submitted(app, city, arrest):
    assert submit(app, city, arrest).status == "SUBMITTED"


@pytest.mark.parametrize(
    "asked",
    [
        {"act_on": None},
        {"act_kind": ""},
        {"decision_on": "2026-01-15"},
        {"act_on": timezone.localdate() + timedelta(days=400)},
        {"approvals_needed": 0},
        {"approvals_needed": 1},
        {"case_purpose_id": None},
    ],
    ids=str,
)
def test_what_lacks_something_or_asks_for_more_is_not_submitted(app, city, arrest, asked):
    with pytest.raises(psycopg.DatabaseError) as error:
        submit(app, city, arrest, **asked)
    assert refused(error)


def test_a_kind_of_act_is_a_code_and_not_every_kind(app, city, arrest):
    for kind in ("*", "a word", '","more":"', "SOCIAL_ADMIN", "PUBLIC_ORDER", "PROPERTY", "FRAUD", "NO_SUCH"):
        with pytest.raises(psycopg.DatabaseError):
            submit(app, city, arrest, act_kind=kind)
    assert AccessRequest.objects.get().status == "DRAFT"


def test_a_request_without_a_purpose_names_no_act(app, city):
    for asked in ({"act_on": timezone.localdate()}, {"act_kind": "THEFT"}, {"decision_on": timezone.localdate()}):
        with pytest.raises(psycopg.DatabaseError) as error:
            submit(app, city, factories.request_draft(city), **asked)
        assert refused(error)


def test_about_a_minor_two_decide_whoever_submits(app, city):
    draft = factories.request_draft(city)
    with pytest.raises(psycopg.DatabaseError) as error:
        submit(app, city, draft, is_minor=True)
    assert refused(error)
    assert submit(app, city, draft, is_minor=True, approvals_needed=2).status == "SUBMITTED"


def test_nobody_votes_for_what_asks_too_much(app, owner, city, arrest):
    """What an older database, or its owner, left there."""
    submit(app, city, arrest)
    owner.execute("alter table access_accessrequest disable trigger user")
    owner.execute("update access_accessrequest set act_on = null")
    owner.execute("alter table access_accessrequest enable always trigger access_guard_request")
    with pytest.raises(psycopg.DatabaseError) as error:
        app.execute(VOTE, vote_values(arrest, city.supervisor))
    assert refused(error)


def test_no_vote_is_for_a_period_that_begins_after_the_new_act(app, city):
    act = timezone.localdate() - timedelta(days=100)
    access_request = factories.submitted(city, by=city.judge, code="PSAPL-136-CASE", act_on=act)
    with pytest.raises(psycopg.DatabaseError) as error:
        app.execute(VOTE, vote_values(access_request, city.supervisor, window_from=act + timedelta(days=1)))
    assert refused(error)
    app.execute(VOTE, vote_values(access_request, city.supervisor, window_from=act))


@pytest.mark.parametrize("day", ["0044-03-15 BC", "1899-12-31", "-infinity"])
def test_no_vote_is_about_days_that_no_calendar_of_ours_has(app, city, day):
    access_request = factories.submitted(city)
    with pytest.raises(psycopg.DatabaseError) as error:
        app.execute(VOTE, vote_values(access_request, city.supervisor, window_from=day))
    assert refused(error)


def about(city, code, **values):
    """Return a complete draft of a station, a procuratorate or a supervision organ for a purpose of the catalogue."""
    purpose = CasePurpose.objects.get(code=code)
    branch = factories.organisation(OrganisationKind.PUBLIC_SECURITY_BRANCH)
    kind = OrganisationKind(purpose.organisation_kinds[-1])
    unit = factories.organisation(kind, parent=branch if kind == OrganisationKind.POLICE_STATION else None)
    by = factories.user_with(Duty.FILE_REQUESTS, organisation=unit)
    return factories.request_draft(city, by=by, code="PSAPL-136-CASE", case_purpose=purpose, **values)


@pytest.mark.parametrize(
    ("code", "asked"),
    [
        ("CASE-AGG-22", {"act_on": "2025-12-31"}),  # the earlier law's six months apply
        ("CASE-AGG-20", {"act_on": "2026-01-01"}),
        ("CASE-DET-23", {"act_on": "2015-06-01"}),
        ("CASE-AGG-22", {"asked_rung": "FULL"}),  # a test for earlier penalties reads no particulars
        ("CRIM-DANGER", {"act_on": None}),  # nothing but earlier penalties
        ("SUPERVISE-18", {"asked_from": None}),  # no whole life
    ],
)
def test_what_the_purpose_does_not_carry_is_not_submitted(app, city, code, asked):
    act_on = {"CASE-AGG-20": date(2025, 12, 1), "SUPERVISE-18": None}.get(code, date(2026, 6, 10))
    draft = about(city, code, act_on=act_on)
    with pytest.raises(psycopg.DatabaseError) as error:
        submit(app, city, draft, **asked)
    assert refused(error)
    assert submit(app, city, draft).status == "SUBMITTED"


def test_a_vote_and_a_grant_say_no_more_than_the_purpose_does(app, owner, city):
    """Even where an older database, or its owner, left a request that asks for more."""
    draft = submit(app, city, about(city, "CASE-AGG-22", act_on=date(2026, 6, 10)))
    owner.execute("alter table access_accessrequest disable trigger user")
    owner.execute("update access_accessrequest set asked_rung = 'FULL'")
    draft.refresh_from_db()
    window = factories.scope_for(draft).window_from
    with pytest.raises(psycopg.DatabaseError) as error:
        app.execute(VOTE, vote_values(draft, city.supervisor, rung="FULL", window_from=window))
    assert refused(error)


@pytest.mark.parametrize("rung", ["PRESENCE", "ABSTRACT"])
def test_a_review_answers_at_the_level_that_holds_the_number_and_at_no_other(app, city, rung):
    purpose = CasePurpose.objects.get(code="REVIEW")
    draft = factories.request_draft(
        city,
        by=city.judge,
        code="PSAPL-136-CASE",
        case_purpose=purpose,
        decision_on=date(2026, 9, 2),
        decision_number="测公（治）行罚决字〔2026〕00001号",
    )
    with pytest.raises(psycopg.DatabaseError) as error:
        submit(app, city, draft, asked_rung=rung)
    assert refused(error)
    submit(app, city, draft)
    with pytest.raises(psycopg.DatabaseError) as error:
        app.execute(VOTE, vote_values(draft, city.supervisor, rung=rung))
    assert refused(error)
    app.execute(VOTE, vote_values(draft, city.supervisor))


# What a vote is about -----------------------------------------------------------------------------------------------


def test_that_somebody_is_a_minor_is_a_part_of_what_is_voted_on(app, owner, city):
    access_request = factories.submitted(city)
    app.execute(VOTE, vote_values(access_request, city.supervisor))
    assert list(votes()) == []
    digest = "select access_request_digest(%s, 1)"
    before = app.execute(digest, [access_request.pk]).fetchone()
    owner.execute("alter table access_requestsubject disable trigger user")
    owner.execute("update access_requestsubject set is_minor = not is_minor")
    assert app.execute(digest, [access_request.pk]).fetchone() != before
    assert [fault.what for fault in votes()] == ["VOTE_ABOUT_ELSE"]


def test_another_version_of_the_same_number_does_not_make_an_honest_vote_look_wrong(app, owner, city):
    access_request = factories.submitted(city)
    with app.transaction():  # it says again what is there, which is all that it may
        keep(app, access_request.pk)
    app.execute(VOTE, vote_values(access_request, city.supervisor))
    assert Event.objects.filter(kind="REQUEST_VOTED").count() == 1
    assert list(votes()) == []
    owner.execute("alter table access_historicalaccessrequest disable trigger user")
    owner.execute(
        "update access_historicalaccessrequest set particulars = 'x' where history_id ="
        " (select max(history_id) from access_historicalaccessrequest where version = %s)",
        [access_request.version],
    )
    assert [fault.what for fault in votes()] == ["VOTE_ABOUT_ELSE"]
