import json

import pytest
from django.db import transaction
from django.utils import translation

from audit import sentences, trail
from audit.models import Event
from audit.trail import EventType
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


def written(kind, *, by=None, on=None, **detail):
    with transaction.atomic():
        return Event.objects.get(pk=trail.write(kind, by=by, on=on, **detail))


def said(kind, *, actor=None, target=None, detail=None):
    """Return an event as a function of the database writes it; this test may not."""
    content = {
        "kind": kind,
        "actor": actor or {"id": None, "unit": None},
        "target": target or {"id": None, "type": None},
        "detail": detail or {},
    }
    return Event(canonical=json.dumps(content).encode())


def line(kind, **more):
    return sentences.describe([written(kind, **more)])[0]


def test_every_kind_has_a_sentence():
    assert set(sentences.SENTENCES) == set(EventType)
    lines = sentences.describe([said(kind, target={"type": "access.grant", "id": "x"}) for kind in EventType])
    assert all("unknown" not in line.text and "%" not in line.text for line in lines)


def test_a_sentence_says_who_of_which_unit_did_what_to_what():
    user = factories.UserFactory(full_name="陈立", badge_number="031245")
    event = said(
        EventType.OPENING,
        actor={"id": str(user.pk), "unit": user.organisation.code},
        target={"type": "access.grant", "id": "g1"},
        detail={"number": "CX-2026-0002", "rung": "FULL", "basis": "B-1"},
    )
    [read] = sentences.describe([event])
    assert read.text == (
        f"陈立 (031245) of {user.organisation.code} opened the answer under the grant of request CX-2026-0002:"
        " it may be shown."
    )
    assert sorted(read.details) == [("Legal basis", "B-1"), ("Rung", "full particulars")]


def test_people_who_are_targets_are_named():
    user = factories.UserFactory(full_name="陈立", badge_number="")
    assert line(EventType.USER_DISABLED, on=user).text == "The system disabled the account of 陈立."


def test_an_object_without_a_number_is_named_by_the_beginning_of_its_id():
    target = {"type": "records.violation", "id": "0f8b9f0e-6a3a-4b4f-9a55-5d1f0c9b8a77"}
    [read] = sentences.describe([said(EventType.VIOLATION_SEALED, target=target, detail={"rule": "R-1"})])
    assert read.text == "The system sealed violation 0f8b9f0e."
    assert read.details == [("Sealing rule", "R-1")]


def test_nobody_signed_in_is_not_the_system():
    assert line(EventType.SIGN_IN_FAILED).text == "Somebody who is not signed in tried to sign in and failed."


def test_a_person_unknown_here_is_named_by_id():
    class Gone:
        pk = "0f8b9f0e-6a3a-4b4f-9a55-5d1f0c9b8a77"
        unit_code = "310101000001"

    assert line(EventType.SIGNED_IN, by=Gone).text == "user 0f8b9f0e of 310101000001 signed in."


def test_people_are_looked_up_in_one_query_however_many(django_assert_num_queries):
    users = [factories.UserFactory() for _number in range(5)]
    events = [written(EventType.USER_DISABLED, by=one, on=other) for one in users for other in users]
    for some in (events[:1], events):
        with django_assert_num_queries(1):
            sentences.describe(some)


def test_an_altered_event_is_still_described(owner):
    event = written(EventType.SIGNED_OUT)
    event.canonical = b"\xff not json"
    assert sentences.describe([event])[0].text == "The system signed out."


def test_whatever_stands_in_an_event_it_is_described():
    hostile = [
        b"",
        b"[" * 100_000,
        b'{"kind":' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"kind":5,"actor":7,"target":[],"detail":"x"}',
        b'{"kind":"OPENING","actor":{"id":["a"],"unit":{}},"target":{"id":1,"type":2},"detail":{"number":{"a":1},"x":[[{}]]}}',
        b'{"kind":"DENIED","detail":{"a":' + b"9" * 10_000 + b"}}",
        b'{"kind":"SIGNED_IN","detail":{"rung":{"a":{}},"b":1e999,"c":"\\ud800"}}',
        b'{"kind":"%(who)s","actor":{"id":"%s"}}',
        b"null",
        b"\xff\xfe",
    ]
    events = [
        Event(canonical=one, kind="SIGNED_IN", actor="%(x)s", target_id="\x00", target_type="access.user")
        for one in hostile
    ]
    assert len(sentences.describe(events)) == len(hostile)
    for event in events:
        assert isinstance(sentences.kind(event), str)
        assert sentences.is_listed_as_it_is(event) in (True, False)
