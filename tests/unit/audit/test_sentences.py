import json

import pytest
from django.db import transaction
from django.utils import translation

from access import kinds as access_kinds
from access.actions import opening
from audit import kinds, sentences, trail
from audit import kinds as audit_kinds
from audit.models import Event
from records import kinds as records_kinds
from tests import factories
from tests.permission_table import patterns

pytestmark = pytest.mark.django_db
# No person is ever refused these: they belong to developers and to whoever watches the processes.
NEVER_REFUSED = {"components", "healthz", "readyz"}


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
    lines = sentences.describe([said(kind, target={"type": "access.grant", "id": "x"}) for kind in kinds.registered()])
    assert len(lines) > 50
    assert all("unknown" not in line.text and "%" not in line.text for line in lines)


def test_a_sentence_says_who_of_which_unit_did_what_to_what():
    user = factories.UserFactory(full_name="陈立", badge_number="031245")
    event = said(
        access_kinds.OPENING,
        actor={"id": str(user.pk), "unit": user.organisation.code},
        target={"type": "access.grant", "id": "g1"},
        detail={"number": "CX-2026-0002", "rung": "FULL", "basis": "B-1"},
    )
    [read] = sentences.describe([event])
    assert read.text == (
        f"陈立 (031245) of {user.organisation} opened the answer under the grant of request CX-2026-0002:"
        " it was counted and may be shown."
    )
    assert sorted(read.details) == [("Legal basis", "B-1"), ("Level of detail", "full particulars")]
    assert read.number == "CX-2026-0002"


def test_people_who_are_targets_are_named():
    user = factories.UserFactory(full_name="陈立", badge_number="031245")
    assert line(access_kinds.USER_DISABLED, on=user).text == "The system disabled the account of 陈立 (031245)."


def test_people_without_a_badge_are_named_with_their_user_name():
    user = factories.UserFactory(full_name="林小满", badge_number="", username="kindergarten7")
    assert (
        line(access_kinds.USER_DISABLED, on=user).text == "The system disabled the account of 林小满 (kindergarten7)."
    )


def test_codes_are_read_in_the_words_of_the_app_that_owns_them():
    unit = factories.organisation("KINDERGARTEN")
    basis = factories.basis("PRESCHOOL-44")
    detail = {
        "basis": basis.code,
        "categories": ["SEXUAL", "*"],
        "receiving": unit.code,
        "rung": "PRESENCE",
        "duty": "oversee",
        "unit_kind": "KINDERGARTEN",
        "view": "access:request_begin",
        "method": "GET",
        "change": "key-remove-7",
        "unknown": "X-1",
    }
    [read] = sentences.describe([said(audit_kinds.DENIED, detail=detail)])
    assert dict(read.details) == {
        "Legal basis": basis.title_en,
        "Categories": "sexual violation (molestation), every offence",
        "Deciding organ": str(unit),
        "Level of detail": "presence only",
        "Duty": "Oversee the trail",
        "Kind of unit": "Kindergarten",
        "Page": "New request",
        "Method": "looking at it",
        "Change": "removing a security key",
        "unknown": "X-1",
    }


@pytest.mark.parametrize("name", sorted({name for name, _pattern in patterns()} - NEVER_REFUSED))
def test_every_page_has_a_title_for_whoever_reads_that_it_was_refused(name):
    assert kinds.words("view", [name]).get(name), "Give it one in PAGES of the app's naming.py."


def test_a_vote_says_what_it_was_and_what_follows_says_what_it_adds():
    target = {"type": "access.accessrequest", "id": "x"}

    def text(kind, **detail):
        [read] = sentences.describe([said(kind, target=target, detail={"number": "CX-1", **detail})])
        return read.text, dict(read.details)

    assert text(access_kinds.REQUEST_VOTED, outcome="APPROVE", hours=72) == (
        "The system voted to approve request CX-1.",
        {"Hours": "72"},
    )
    assert text(access_kinds.REQUEST_VOTED, outcome="REFUSE", hours=0, openings=0) == (
        "The system voted to refuse request CX-1.",
        {},
    )
    assert text(access_kinds.REQUEST_VOTED, outcome="RETURN")[0].endswith(
        "voted to return request CX-1 for correction."
    )
    assert "no vote is missing" in text(access_kinds.REQUEST_APPROVED)[0]
    assert "The approval became" in text(access_kinds.GRANT_MADE)[0]
    assert "does not hold" in text(audit_kinds.TRAIL_VERIFIED, holds=False)[0]


def test_a_grant_or_request_without_its_number_in_the_event_is_named_by_it():
    grant = factories.approved(factories.City())
    number = grant.access_request.number
    for kind, target in (("GRANT_EXPIRED", grant), ("REQUEST_LAPSED", grant.access_request)):
        [read] = sentences.describe([said(kind, target={"type": target._meta.label_lower, "id": str(target.pk)})])
        assert f"request {number}" in read.text
        assert read.number == number


def test_openings_are_counted_for_each_person_and_a_repeat_is_no_new_one():
    city = factories.City()
    grant = factories.ready(factories.approved(city, factories.person("甲子", None), factories.person("乙丑", None)))
    first, second = (factories.subject_of(grant, position) for position in (1, 2))
    token = factories.token()
    for subjects, sent in (
        ([first], token),
        ([first], token),
        ([second], factories.token()),
        ([first], factories.token()),
    ):
        opening.open_grant(grant, subjects, by=city.requester, session_key=factories.SESSION, token=sent)
    events = Event.objects.filter(kind=access_kinds.OPENING).order_by("at")
    assert [one.remark for one in sentences.describe(events)] == [
        "Opening 1 of 3, person 1",
        "Opening 1 of 3, person 1 – shown again",
        "Opening 1 of 3, person 2",
        "Opening 2 of 3, person 1",
    ]


def test_an_object_without_a_number_is_named_by_the_beginning_of_its_id():
    target = {"type": "records.violation", "id": "0f8b9f0e-6a3a-4b4f-9a55-5d1f0c9b8a77"}
    [read] = sentences.describe([said(records_kinds.VIOLATION_SEALED, target=target, detail={"rule": "R-1"})])
    assert read.text == "The system sealed violation 0f8b9f0e."
    assert read.details == [("Sealing rule", "R-1")]


def test_nobody_signed_in_is_not_the_system():
    assert line(access_kinds.SIGN_IN_FAILED).text == "Somebody who is not signed in tried to sign in and failed."


def test_a_person_unknown_here_is_named_by_id():
    class Gone:
        pk = "0f8b9f0e-6a3a-4b4f-9a55-5d1f0c9b8a77"
        unit_code = "310101000001"

    assert line(access_kinds.SIGNED_IN, by=Gone).text == "user 0f8b9f0e of 310101000001 signed in."


def test_people_and_units_are_looked_up_in_one_query_each_however_many(django_assert_num_queries):
    users = [factories.UserFactory() for _number in range(5)]
    events = [written(access_kinds.USER_DISABLED, by=one, on=other) for one in users for other in users]
    for some in (events[:1], events):
        with django_assert_num_queries(2):  # people, and their units
            sentences.describe(some)


def test_an_altered_event_is_still_described(owner):
    event = written(access_kinds.SIGNED_OUT)
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
