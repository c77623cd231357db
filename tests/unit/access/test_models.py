"""What must never be false is also a rule of the database; and nobody becomes a superuser."""

from __future__ import annotations

import json
from datetime import date, timedelta

import psycopg
import pytest
from django.core.exceptions import FieldDoesNotExist, FieldError
from django.core.management import CommandError, call_command
from django.core.serializers.base import DeserializationError
from django.db import DatabaseError, connection, transaction
from django.db.models import ProtectedError
from django.forms import modelform_factory
from django.utils import timezone

from access import kinds
from access.actions import decisions, opening
from access.models import (
    AccessRequest,
    CasePurpose,
    Decision,
    Grant,
    GrantExpiry,
    GrantUserObjectPermission,
    IdentityConfirmation,
    LegalBasis,
    Letter,
    Opening,
    Organisation,
    RequestSubject,
    Revocation,
    Undertaking,
    UndertakingText,
    User,
    WorkingDay,
)
from access.models.duty import Duty
from access.models.law import Rung
from access.models.people import POLICE_KINDS, OrganisationKind
from access.models.requests import Status
from audit import trail
from tests import databases, factories

NOW = timezone.now


# Constraints -------------------------------------------------------------------------------------------------------------


def copy_of(row, **values):
    """Return an unsaved copy of a row with another key."""
    copied = type(row)(**{field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields})
    copied.pk = factories.token()
    for name, value in values.items():
        setattr(copied, name, value)
    return copied


def basis(**values):
    return copy_of(factories.basis(), **{"version": 99, **values})


def broken_requests(city):
    draft, sent = factories.request_draft(city), factories.submitted(city)
    for name, row, values in (
        ("submitted_request_has_a_deadline", sent, {"due_at": None}),
        ("submitted_request_has_a_deadline", sent, {"receiving_organ": None}),
        ("submitted_request_has_a_deadline", draft, {"due_at": NOW()}),
        ("waiting_request_was_submitted", draft, {"status": Status.SUBMITTED}),
        ("waiting_request_was_submitted", draft, {"status": Status.LAPSED}),
        ("decided_request_says_when", sent, {"status": Status.APPROVED}),
        ("decided_request_says_when", sent, {"status": Status.REFUSED}),
        ("decided_request_says_when", sent, {"decided_at": NOW()}),
        ("number", sent, {"number": draft.number}),
        ("request_number_is_a_number", draft, {"number": 'CX-2026-A","x":"'}),
        ("kind_of_act_is_a_code", draft, {"act_kind": "*"}),
    ):
        number = factories.token().hex[:7].translate(str.maketrans("01abcdef", "23ABCDEF"))
        yield name, copy_of(row, **{"number": f"CX-2026-{number}", **values})
    subject = sent.subjects.get()
    yield "one_subject_a_place", copy_of(subject)


def broken_decisions(city):
    vote = factories.request_at(Status.APPROVED, city).decisions.get()
    yield "one_vote_a_person", copy_of(vote)
    for values in (
        {"hours": None},
        {"openings": None},
        {"rung": ""},
        {"outcome": "REFUSE"},
        {"outcome": "RETURN", "rung": "", "hours": None},
    ):
        yield "approval_has_a_scope", copy_of(vote, **{"decider": city.supervisor2, **values})


def broken_grants(city):
    grant = factories.ready(factories.approved(city))
    other = factories.submitted(city)
    for name, values in (
        ("grant_ends", {"ends_at": grant.starts_at}),
        ("access_request_id", {"access_request": grant.access_request}),
    ):
        yield name, copy_of(grant, **{"access_request": other, **values})
    yield "one_undertaking_a_person", copy_of(grant.undertakings.get())
    opening.open_grant(
        grant, [factories.subject_of(grant)], by=city.requester, session_key=factories.SESSION, token=factories.token()
    )
    yield "one_opening_a_form", copy_of(Opening.objects.get())


def broken_law(city):
    yield "one_row_a_basis_version", basis(version=factories.basis().version)
    yield "full_answers_need_two_approvals", basis(highest_rung=Rung.FULL, approvals=1)
    yield "closed_basis_says_why", basis(standing="REFUSED", standing_reason_zh="", standing_reason_en="")


def broken_people(city):
    yield "outside_unit_has_agreement", copy_of(city.court, agreement_ends_on=None, code="1" * 12, path="X/")
    yield "unit_code_is_a_code", copy_of(city.court, code="Y", path="Y/")
    yield "code", copy_of(city.court, path="Y/")
    yield "path", copy_of(city.court, code="2" * 12)
    yield "username", copy_of(city.officer)


@pytest.mark.django_db
@pytest.mark.parametrize("broken", [broken_requests, broken_decisions, broken_grants, broken_law, broken_people])
def test_the_database_refuses_what_must_never_be(city, owner, broken):
    """Even of the owner, whom no privilege stops: what is refused is the row itself."""
    owner.execute("alter table access_requestsubject disable trigger access_guard_subject")
    for constraint, row in broken(city):
        with pytest.raises(psycopg.IntegrityError, match=constraint):
            databases.insert(owner, row)


@pytest.mark.django_db
def test_the_application_writes_no_row_that_a_function_or_the_law_makes(city):
    grant = factories.ready(factories.approved(city))
    opening.open_grant(
        grant, [factories.subject_of(grant)], by=city.requester, session_key=factories.SESSION, token=factories.token()
    )
    decisions.revoke(grant, by=city.supervisor, reason="已不需要。")
    other = factories.submitted(city)
    for row in (
        copy_of(grant, access_request=other),
        copy_of(other.basis, version=9),
        copy_of(CasePurpose.objects.first(), version=9),
        copy_of(UndertakingText.objects.first(), version=9),
        WorkingDay(day=date(2040, 1, 2), is_working=False, source="a notice"),
        copy_of(grant.undertakings.get(), user=city.judge),
        copy_of(grant.access_request.decisions.get(), access_request=other),
        copy_of(Opening.objects.get(), token=factories.token()),
        copy_of(IdentityConfirmation.objects.get(kind="GRANT"), user=city.judge),
        copy_of(Revocation.objects.get(), grant_id=factories.token()),
        GrantExpiry(grant_id=grant.pk, noted_at=NOW()),
        GrantUserObjectPermission(
            content_object=grant, user=city.judge, permission=GrantUserObjectPermission.objects.get().permission
        ),
    ):
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            row.save(force_insert=True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "values", [{"version": 1}, {"version": 9}, {"round": 1}, {"number": "CX-2026-AAAAAAA"}, {"wrapped_key": b"x"}]
)
def test_a_draft_keeps_its_number_key_and_round_and_counts_its_versions(city, values):
    draft = factories.request_draft(city)
    for name, value in {"version": draft.version + 1, **values}.items():
        setattr(draft, name, value)

    with pytest.raises(DatabaseError, match="not a move"), transaction.atomic():
        draft.save()
        trail.write(kinds.REQUEST_EDITED, by=city.requester, on=draft)


@pytest.mark.django_db
def test_rows_that_are_written_once_are_never_changed_and_no_row_is_deleted(city):
    factories.ready(factories.approved(city))
    for model in (Decision, Grant, Undertaking, RequestSubject, LegalBasis, IdentityConfirmation):
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            model.objects.update(id=factories.token())
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        Letter.objects.update(content=b"another letter")
    for model in (AccessRequest, Grant, Letter, Decision, Undertaking, RequestSubject, LegalBasis, User, Organisation):
        with pytest.raises((DatabaseError, ProtectedError)), transaction.atomic():
            model.objects.all().delete()
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            model.objects.all()._raw_delete("default")


@pytest.mark.django_db
@pytest.mark.parametrize("model", [AccessRequest, Organisation, User])
def test_nothing_with_history_is_written_without_it(city, model):
    row = {AccessRequest: factories.request_draft(city), Organisation: city.court, User: city.officer}[model]
    # Everything but the history is right: the next version, and the event of the change.
    field, kind = {
        AccessRequest: ("version", "REQUEST_EDITED"),
        Organisation: ("agreement_ends_on", "AGREEMENT_CHANGED"),
        User: ("full_name", "USER_CHANGED"),
    }[model]
    value = (
        row.version + 1 if field == "version" else date(2030, 1, 1) if field == "agreement_ends_on" else "另一个名字"
    )
    setattr(row, field, value)
    for write in (
        lambda: model.objects.filter(pk=row.pk).update(**{field: value}),
        lambda: model.objects.bulk_update([row], [field]),
        lambda: row.save_base(raw=True, update_fields=[field]),
    ):
        with pytest.raises(DatabaseError, match="history"), transaction.atomic():
            write()
            trail.write(kind, by=city.people_admin, on=row)


# Questions that models answer --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", OrganisationKind.values)
def test_an_agreement_holds_to_its_last_day_and_police_organs_need_none(kind):
    last = date(2026, 6, 30)
    unit = Organisation(kind=kind, agreement_ends_on=last)
    police = kind in POLICE_KINDS

    assert unit.agreement_holds(last)
    assert unit.agreement_holds(last + timedelta(days=1)) == police
    assert Organisation(kind=kind, agreement_ends_on=None).agreement_holds(last) == police
    assert not Organisation(kind=kind, agreement_ends_on=last, is_active=False).agreement_holds(last)


def test_a_grant_lives_from_its_first_to_before_its_last_moment():
    start = NOW()
    grant = Grant(starts_at=start, ends_at=start + timedelta(hours=1))
    grant.revocation = None

    assert grant.is_live(start)
    assert not grant.is_live(start - timedelta(microseconds=1))
    assert not grant.is_live(grant.ends_at)
    grant.revocation = Revocation(at=start)
    assert not grant.is_live(start)


def test_rungs_go_from_least_to_most():
    assert Rung.up_to("PRESENCE") == ["PRESENCE"]
    assert Rung.up_to("FULL") == list(Rung) == ["PRESENCE", "ABSTRACT", "FULL"]


@pytest.mark.django_db
def test_a_request_is_visible_to_who_wrote_it_and_to_who_decides_it(city):
    draft, sent = factories.request_draft(city), factories.submitted(city)

    seen = {name: set(AccessRequest.objects.visible_to(user)) for name, user in city.people().items()}

    deciders = dict.fromkeys(["supervisor", "supervisor2"], {sent})
    assert {name: rows for name, rows in seen.items() if rows} == {"kindergarten": {draft, sent}, **deciders}


@pytest.mark.django_db
def test_rows_about_people_say_nothing_when_they_are_printed(city):
    grant = factories.ready(factories.approved(city, factories.person("诸葛不印")))
    access_request = grant.access_request
    rows = [
        access_request,
        grant,
        factories.subject_of(grant),
        access_request.decisions.get(),
        access_request.letters.get(),
    ]

    assert not any("诸葛" in f"{row}{row!r}" for row in rows)


# Nobody is a superuser -----------------------------------------------------------------------------------------------------


def test_there_is_no_command_for_it():
    with pytest.raises(CommandError, match="no superusers"):
        call_command("createsuperuser", "--noinput", "--username", "root")


@pytest.mark.django_db
def test_there_is_no_column_for_it(owner):
    columns = owner.execute(
        "select table_name from information_schema.columns where column_name in ('is_superuser', 'is_staff')"
    ).fetchall()
    tables = owner.execute(
        "select tablename from pg_tables where tablename like '%user_groups' or tablename like '%user_permissions'"
    )

    assert (columns, tables.fetchall()) == ([], [])


@pytest.mark.django_db
def test_there_is_no_way_by_the_orm(city):
    user = city.auditor
    for flag in ("is_superuser", "is_staff"):
        with pytest.raises(AttributeError):
            setattr(user, flag, True)
        with pytest.raises((TypeError, AttributeError)):
            User(username="root", full_name="root", organisation=city.bureau, **{flag: True})
        with pytest.raises((TypeError, AttributeError)):
            User.objects.create(username="root", full_name="root", organisation=city.bureau, **{flag: True})
        with pytest.raises(FieldDoesNotExist):
            User.objects.update(**{flag: True})
        with pytest.raises(FieldError):
            User.objects.filter(**{flag: True}).exists()
        assert getattr(User.objects.get(pk=user.pk), flag) is False
    assert not hasattr(User.objects, "create_superuser") and not hasattr(User.objects, "create_user")
    assert not User.objects.filter(username="root").exists()


@pytest.mark.django_db
def test_there_is_no_way_by_sql_of_the_application_role(city):
    for statement in (
        "alter table access_user add column is_superuser boolean default true",
        "set role seal_owner",
        "alter role seal_app superuser",
        "create role root superuser login",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


@pytest.mark.django_db
@pytest.mark.parametrize("options", [{}, {"ignorenonexistent": True}])
def test_there_is_no_way_by_a_fixture(city, tmp_path, options):
    fields = {"username": "root", "full_name": "root", "password": "x", "organisation": str(city.bureau.pk),
              "created_at": "2026-01-01T00:00:00Z", "is_superuser": True, "is_staff": True}  # fmt: skip
    fixture = tmp_path / "root.json"
    fixture.write_text(json.dumps([{"model": "access.user", "pk": str(factories.token()), "fields": fields}]))

    # With the flag ignored it is still a person that nobody entered: without history the database takes no row.
    with pytest.raises(DeserializationError if not options else DatabaseError):
        call_command("loaddata", str(fixture), verbosity=0, **options)
    assert not User.objects.filter(username="root").exists()


def test_there_is_no_way_by_a_form():
    with pytest.raises(FieldError):
        modelform_factory(User, fields=["is_superuser"])
    assert not {"is_superuser", "is_staff"} & set(modelform_factory(User, fields="__all__").base_fields)


@pytest.mark.django_db
def test_nobody_holds_a_global_permission(city):
    for user in city.people().values():
        for ask in (user.has_perm, user.has_perms, user.has_module_perms):
            with pytest.raises(TypeError, match="access.duties"):
                ask("access.decide_requests")


def test_the_admin_site_is_not_here(settings):
    assert "django.contrib.admin" not in settings.INSTALLED_APPS


def test_every_duty_is_a_permission_on_an_organisation():
    assert {codename for codename, _label in Organisation._meta.permissions} == {duty.value for duty in Duty}
