import hashlib
import json
import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
import rfc8785
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError

from access import kinds as access_kinds
from audit import kinds as audit_kinds
from audit import trail
from audit.exceptions import TrailUnavailable
from audit.models import Event
from tests import factories

pytestmark = pytest.mark.django_db


class Somebody:
    pk = uuid.UUID(int=7)
    unit_code = "310101000001"


def write(kind=access_kinds.SIGNED_IN, *, by=Somebody, on=None, **more):
    with transaction.atomic():
        return Event.objects.get(pk=trail.write(kind, by=by, on=on, **more))


def content(event):
    return json.loads(bytes(event.canonical))


def test_an_event_is_canonical_json_with_what_happened():
    event = write(access_kinds.REQUEST_LAPSED, on=("access.grant", "g1"), rung="FULL", hours=24, categories=["A", "B"])

    assert content(event) == {
        "v": 1,
        "id": str(event.pk),
        "at": content(event)["at"],
        "kind": "REQUEST_LAPSED",
        "actor": {"id": str(Somebody.pk), "unit": "310101000001"},
        "target": {"type": "access.grant", "id": "g1"},
        "detail": {"rung": "FULL", "hours": 24, "categories": ["A", "B"]},
        "texts": {},
    }
    assert bytes(event.canonical) == rfc8785.dumps(content(event))


def test_the_columns_are_generated_from_the_content():
    event = write(access_kinds.ANSWER_REFUSED, on=("access.grant", "g1"))
    assert (event.kind, event.actor, event.unit) == ("ANSWER_REFUSED", str(Somebody.pk), "310101000001")
    assert (event.target_type, event.target_id) == ("access.grant", "g1")


def test_the_system_and_no_target_are_named_as_nothing():
    event = write(audit_kinds.TRAIL_ALARM, by=None)
    assert (event.actor, event.unit, event.target_type, event.target_id) == (None, None, None, None)


def test_a_model_instance_is_a_target():
    user = factories.UserFactory()
    event = write(by=user, on=user)
    assert (event.target_type, event.target_id, event.unit) == ("access.user", str(user.pk), user.organisation.code)


def test_the_time_is_the_databases_to_the_microsecond():
    before = trail.database_now()
    event = write()
    said = datetime.strptime(content(event)["at"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    assert before < said < trail.database_now()
    assert abs(event.at - said) < timedelta(seconds=1)


def test_free_text_is_logged_as_a_digest_with_a_nonce():
    event = write(access_kinds.REQUEST_LAPSED, texts={"reason": "不符合最小必要。"})
    with connection.cursor() as cursor:
        cursor.execute("SELECT nonce FROM audit_nonce WHERE event_id = %s AND name = 'reason'", [event.pk])
        nonce = bytes(cursor.fetchone()[0])
    assert content(event)["texts"] == {"reason": hashlib.sha256(nonce + "不符合最小必要。".encode()).hexdigest()}
    assert "最小" not in bytes(event.canonical).decode()
    again = write(access_kinds.REQUEST_LAPSED, texts={"reason": "不符合最小必要。"})
    assert content(again)["texts"] != content(event)["texts"]


def test_words_names_and_id_numbers_never_enter_the_log():
    for value in ("two words", "张三丰", "31010119900101007X", 1.5, {"a": 1}, "x" * 201, object()):
        with pytest.raises(TypeError, match="free text belongs in texts"):
            write(why=value)
        with pytest.raises(TypeError):
            write(why=[value])


def test_codes_of_every_kind_may_enter_the_log():
    day = date(2026, 1, 2)
    event = write(
        a=uuid.UUID(int=1), b=day, c="PSAPL-26-1.2", d=None, e=True, f="310101000001", g=[1, "x"], h={"b", "a"}
    )
    assert content(event)["detail"] == {
        "a": str(uuid.UUID(int=1)), "b": "2026-01-02", "c": "PSAPL-26-1.2", "d": None, "e": True,
        "f": "310101000001", "g": [1, "x"], "h": ["a", "b"],
    }  # fmt: skip


def test_an_event_outside_a_transaction_is_refused():
    with pytest.raises(TransactionManagementError, match="needs a transaction"):
        trail.write(access_kinds.SIGNED_IN, by=Somebody, on=None)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="NOT_A_KIND"):
        write("NOT_A_KIND")


def test_a_rollback_leaves_no_event():
    before = Event.objects.count()
    with pytest.raises(RuntimeError), transaction.atomic():
        trail.write(access_kinds.SIGNED_IN, by=Somebody, on=None, texts={"a": "b"})
        raise RuntimeError
    with connection.cursor() as cursor:
        cursor.execute("SELECT (SELECT count(*) FROM audit_event), (SELECT count(*) FROM audit_nonce)")
        assert cursor.fetchone() == (before, 0)


def test_without_the_right_to_insert_the_trail_is_unavailable_and_says_nothing_else(owner):
    owner.execute("REVOKE EXECUTE ON FUNCTION audit_write FROM seal_app")
    with pytest.raises(TrailUnavailable) as caught:
        write(texts={"reason": "secret words"})
    assert str(caught.value) == "The event SIGNED_IN cannot be written (ProgrammingError)."
    assert caught.value.__suppress_context__


def test_a_statement_timeout_makes_the_trail_unavailable(owner):
    with owner.transaction():
        owner.execute("LOCK TABLE audit_event IN EXCLUSIVE MODE")
        with pytest.raises(TrailUnavailable), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout = 200")
            trail.write(access_kinds.SIGNED_IN, by=Somebody, on=None)


def test_an_event_as_long_as_a_leaf_may_not_be_is_refused():
    with pytest.raises(TrailUnavailable):
        write(many=["x" * 200] * 400)


def test_an_event_turns_synchronous_commit_on_even_if_it_is_turned_off_later():
    """The setting is read by a deferred trigger that fires after the one of the event."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
        trail.write(access_kinds.SIGNED_IN, by=Somebody, on=None)
        cursor.execute("SET LOCAL synchronous_commit = off")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)
