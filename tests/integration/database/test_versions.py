"""History tells what was, when and by whom; the application's role cannot make it tell anything else."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest
from django.utils import timezone

from access.models import User
from access.models.requests import AccessRequest
from records.models import Status, Violation
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

# What each history is of, an event that belongs to a change of it, and a column that somebody would rather have otherwise.
ROWS = {
    "access_user": (User, "USER_CHANGED", "full_name", "从前的名字"),
    "access_accessrequest": (AccessRequest, "REQUEST_EDITED", "asked_rung", "FULL"),
    "records_violation": (Violation, "VIOLATION_EDITED", "fine_yuan", 4999),
}


@pytest.fixture(params=ROWS)
def history(request, app, city):
    """Add versions of a row and events about it, as the application's role can."""
    model, kind, column, false = ROWS[request.param]
    row = {
        "access_user": lambda: city.officer,
        "access_accessrequest": lambda: factories.request_draft(city),
        "records_violation": lambda: factories.violation_at(Status.DRAFT, city),
    }[request.param]()

    class History:
        table = model.history.model._meta.db_table

        @staticmethod
        def add(*, is_false: bool = False, **values):
            kept = {field.attname for field in model.history.model._meta.concrete_fields}
            columns = [field.column for field in model._meta.concrete_fields if field.attname in kept]
            read = [f"%(false)s as {name}" if is_false and name == column else name for name in columns]
            values = {"history_date": timezone.now(), "history_type": "~", "history_user_id": None, **values}
            app.execute(
                f"insert into {History.table} ({', '.join([*columns, *values])})"
                f" select {', '.join(read)}, {', '.join(f'%({name})s' for name in values)}"
                f" from {model._meta.db_table} where id = %(row)s",
                {**values, "row": row.pk, "false": false},
            )

        @staticmethod
        def event(by=None):
            app.execute("select audit_write(%s, %s, null, null, %s, '{}')", [kind, by, str(row.pk)])

        @staticmethod
        def newest():
            return model.history.filter(id=row.pk).order_by("-history_id").first()

    return History


def test_a_version_of_what_is_is_kept(app, history):
    with app.transaction():
        history.add()
        history.event()
    assert history.newest().history_user_id is None


@pytest.mark.parametrize("false_first", [True, False])
def test_a_transaction_keeps_one_version_of_a_row(app, history, false_first):
    with pytest.raises(psycopg.IntegrityError, match="one version of a row|needs its change"), app.transaction():
        history.event()
        history.add(is_false=false_first)
        history.add(is_false=not false_first)
    with pytest.raises(psycopg.IntegrityError, match="one version of a row"), app.transaction():
        history.event()
        app.execute("set constraints all immediate")
        history.add()
        history.add()


def test_nobody_chooses_the_place_of_a_version(history):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        history.add(history_id=-5)


def test_a_version_is_of_the_moment_when_it_was_written(app, history):
    before = timezone.now()
    with app.transaction():
        history.add(history_date=datetime(2020, 1, 1, tzinfo=UTC))
        history.event()
    assert before <= history.newest().history_date <= timezone.now()


def test_a_versions_author_is_the_actor_of_its_event(app, city, history):
    for actor, author in ((city.officer.pk, city.reviewer.pk), (None, city.officer.pk), (city.officer.pk, None)):
        with pytest.raises(psycopg.IntegrityError, match="needs its change"), app.transaction():
            history.add(history_user_id=author)
            history.event(by=actor)
    with app.transaction():
        history.add(history_user_id=city.officer.pk)
        history.event(by=city.officer.pk)
    assert history.newest().history_user_id == city.officer.pk
