"""The oversight pages through the client: allowed, invisible, and what they say."""

import json
import uuid
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access import kinds as access_kinds
from access.models.duty import Duty
from audit import checkpoints, fingerprint, trail, verification, verify
from audit import kinds as audit_kinds
from audit.models import Event
from tests import factories, signing
from tests.tampering import tamper

pytestmark = pytest.mark.django_db


def write(kind=access_kinds.SIGNED_IN, *, by=None, on=None, **detail):
    with transaction.atomic():
        return trail.write(kind, by=by, on=on, **detail)


def client_of(user):
    client = Client(enforce_csrf_checks=False)
    client.force_login(user)
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def bureau():
    return factories.organisation("PUBLIC_SECURITY_BUREAU")


@pytest.fixture
def auditor(bureau):
    return factories.user_with(Duty.OVERSEE, organisation=bureau, full_name="陈立", badge_number="031245")


@pytest.fixture
def client(auditor):
    return client_of(auditor)


def alter(owner, event_id):
    tamper(owner, "UPDATE audit_event SET canonical = canonical || ' ' WHERE id = %s", event_id)


def addresses(event_id):
    return [reverse("audit:events"), reverse("audit:event", args=[event_id]), reverse("audit:verification")]


def test_for_everybody_who_does_not_oversee_the_pages_do_not_exist(bureau):
    others = [duty for duty in Duty if duty != Duty.OVERSEE]
    event_id = write()
    for duty in others:
        client = client_of(factories.user_with(duty, organisation=bureau))
        for address in addresses(event_id):
            assert client.get(address).status_code == 404
        assert client.post(reverse("audit:verification")).status_code == 404
    assert not Event.objects.filter(kind=audit_kinds.TRAIL_VERIFIED).exists()


def test_nobody_sees_them_without_signing_in():
    for address in addresses(uuid.uuid4()):
        assert Client().get(address).status_code == 302


def test_unused_methods_are_refused(client):
    assert client.post(reverse("audit:events")).status_code == 405
    assert client.post(reverse("audit:event", args=[uuid.uuid4()])).status_code == 405
    assert client.delete(reverse("audit:verification")).status_code == 405


def test_the_list_says_what_happened_newest_first_with_its_place_in_the_log(client, auditor, signer):
    write(access_kinds.REQUEST_LAPSED, by=auditor, on=("access.grant", "g"), number="CX-1", rung="PRESENCE", hours=72)
    signing.sequence()
    signing.checkpoint()
    write(access_kinds.SIGNED_OUT, by=auditor)
    page = client.get(reverse("audit:events")).content.decode()
    assert "陈立 (031245) of " in page
    assert "let the grant of request CX-1 lapse" in page
    assert "Level of detail: presence only" in page and "Hours: 72" in page
    assert page.index("signed out") < page.index("CX-1")
    assert page.index("Waiting") < page.index("Signed</span>")


def test_the_number_of_queries_does_not_grow_with_the_events(client, auditor, signer, django_assert_max_num_queries):
    def queries():
        with django_assert_max_num_queries(30) as captured:
            assert client.get(reverse("audit:events")).status_code == 200
        return len(captured)

    write(by=auditor, on=auditor)
    client.get(reverse("audit:events"))
    few = queries()
    for _number in range(15):
        person = factories.UserFactory()
        write(access_kinds.USER_DISABLED, by=person, on=auditor)
    signing.sequence()
    signing.checkpoint()
    assert queries() == few


def test_pages_follow_the_last_event_and_lose_none(client, auditor):
    ids = [str(write(by=auditor)) for _number in range(120)]
    seen, address = [], "?kind=SIGNED_IN"
    while address:
        page = client.get(reverse("audit:events") + address)
        seen += [str(row["line"].event.pk) for row in page.context["rows"]]
        address = page.context["older"]
    assert seen == ids[::-1]


def test_filters_narrow_the_list(client, auditor, bureau):
    other = factories.UserFactory(username="liwei", badge_number="777")
    write(access_kinds.SIGNED_IN, by=other)
    write(access_kinds.ANSWER_REFUSED, by=auditor, on=("access.grant", "0f8b9f0e-6a3a-4b4f-9a55-5d1f0c9b8a77"))

    def rows(query):
        page = client.get(reverse("audit:events") + query)
        assert page.status_code == 200
        return sorted(row["line"].event.kind for row in page.context["rows"])

    today = timezone.localdate()
    assert rows("?kind=ANSWER_REFUSED") == ["ANSWER_REFUSED"]
    assert rows("?actor=liwei") == rows("?actor=777") == ["ENROLLED", "SIGNED_IN"]
    assert rows("?actor=nobody") == []
    assert rows("?q=0F8B9F0E-6a3a-4b4f-9a55-5d1f0c9b8a77") == ["ANSWER_REFUSED"]
    assert "ANSWER_REFUSED" in rows(f"?day_from={today}&day_to={today}")
    assert rows(f"?day_from={today + timedelta(days=1)}") == []
    assert rows(f"?day_to={today - timedelta(days=1)}") == []
    assert len(rows("?before=nonsense")) == len(rows(""))


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-30", "9999-12-31"])
@pytest.mark.parametrize("name", ["day_from", "day_to"])
def test_the_first_and_the_last_day_there_is_are_days(client, name, day):
    write()
    page = client.get(reverse("audit:events"), {name: day})
    assert page.status_code == 200
    assert bool(page.context["rows"]) == ((name, day[:4]) in {("day_from", "0001"), ("day_to", "9999")})


def test_applied_filters_are_chips_that_can_be_removed(client):
    page = client.get(reverse("audit:events") + "?kind=ANSWER_REFUSED&actor=liwei")
    assert [chip["url"] for chip in page.context["chips"]] == ["?actor=liwei", "?kind=ANSWER_REFUSED"]
    assert "No event fits these filters" in page.content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "?day_from=2026-02-30",
        "?kind=NONE",
        "?day_from=2026-02-02&day_to=2026-02-01",
        "?day_from=2026-02-02&day_to=2026-02-02&time_from=10:00&time_to=09:59",
        "?q=%00",
        "?time_from=10:00",
    ],
)
def test_a_filter_that_is_none_is_said_beside_its_field(client, query):
    page = client.get(reverse("audit:events") + query)
    assert page.status_code == 200
    assert "error-summary" in page.content.decode()
    assert page.context["rows"] == []


def test_an_event_is_shown_byte_for_byte_with_a_proof_that_holds(client, auditor, signer, tmp_path, capsys):
    event_id = write(access_kinds.ANSWER_REFUSED, by=auditor, on=("access.grant", "g"), rung="FULL")
    for _number in range(5):
        write()
    signing.sequence()
    signing.checkpoint()
    page = client.get(reverse("audit:event", args=[event_id]))
    assert "Proved" in page.content.decode()
    canonical = bytes(Event.objects.get(pk=event_id).canonical)
    assert page.context["canonical"] == canonical.decode()
    (tmp_path / "event").write_bytes(canonical)
    (tmp_path / "proof").write_text(page.context["proof"])
    arguments = ["--event", tmp_path / "event", "--proof", tmp_path / "proof", "--key", checkpoints.verifier_key()]
    assert verify.main([str(one) for one in arguments]) == 0


def test_an_event_is_shown_before_it_has_a_place_and_before_it_is_signed(client, signer):
    event_id = write()
    address = reverse("audit:event", args=[event_id])
    assert "It is waiting for its place" in client.get(address).content.decode()
    signing.sequence()
    assert "No checkpoint covers this event yet" in client.get(address).content.decode()


def test_an_event_that_does_not_exist_is_404(client):
    assert client.get(reverse("audit:event", args=[uuid.uuid4()])).status_code == 404


def test_an_altered_event_is_marked_wherever_it_is_shown(client, signer, owner):
    event_id = write()
    signing.sequence()
    signing.checkpoint()
    alter(owner, event_id)
    assert "Altered" in client.get(reverse("audit:events")).content.decode()
    assert "This event was altered" in client.get(reverse("audit:event", args=[event_id])).content.decode()


def test_a_whole_trail_is_verified_on_the_page(client, auditor, signer):
    write()
    signing.sequence()
    signing.checkpoint()
    assert "never verified" in client.get(reverse("audit:verification")).content.decode()
    page = client.post(reverse("audit:verification"), follow=True)
    assert "The trail holds." in page.content.decode()
    event = Event.objects.get(kind=audit_kinds.TRAIL_VERIFIED)
    assert (event.actor, json.loads(bytes(event.canonical))["detail"]["holds"]) == (str(auditor.pk), True)
    assert str(checkpoints.verifier_key()).replace("+", "+") in page.context["verifier_key"]
    assert 'role="alert"' not in client.get(reverse("audit:events")).content.decode()


def test_a_broken_trail_is_a_red_bar_naming_the_first_bad_event(client, signer, owner):
    event_id = write()
    for _number in range(3):
        write()
    signing.sequence()
    signing.checkpoint()
    alter(owner, event_id)
    client.post(reverse("audit:verification"))
    for address in (reverse("audit:verification"), reverse("audit:events")):
        page = client.get(address).content.decode()
        assert "The trail does not hold: 1 fault was found." in page
        assert "notice-seal" in page
        assert reverse("audit:event", args=[event_id]) in page


def test_a_log_that_lags_is_said(client, signer, owner):
    write()
    owner.execute("UPDATE audit_queue SET at = at - interval '1 minute'")
    for address in (reverse("audit:events"), reverse("audit:verification")):
        assert "Start the signer." in client.get(address).content.decode()


def test_looking_changes_nothing(client):
    event_id = write()
    before = Event.objects.count()
    for address in addresses(event_id):
        assert client.get(address).status_code == 200
    assert Event.objects.count() == before


def test_without_the_trail_verifying_answers_503_and_shows_nothing(client, signer, owner):
    owner.execute("REVOKE EXECUTE ON FUNCTION audit_write FROM seal_app")
    page = client.post(reverse("audit:verification"))
    assert page.status_code == 503
    assert "The trail holds" not in page.content.decode()


def test_the_pages_are_in_chinese_too(client):
    client.cookies["django_language"] = "zh-hans"
    for address in addresses(write()):
        assert client.get(address).status_code == 200


# How the database is built
def accept(client, schema):
    return client.post(reverse("audit:accept"), {"schema": schema}, follow=True).content.decode()


def test_two_overseers_accept_a_change_of_the_database_on_the_page(client, bureau, signer, owner):
    write()
    signing.sign()
    assert "How the database is built" not in client.get(reverse("audit:verification")).content.decode()
    owner.execute("GRANT EXECUTE ON FUNCTION audit_staleness() TO public")
    schema = fingerprint.current()
    page = client.get(reverse("audit:verification")).content.decode()
    assert "0 of 2 overseers have accepted it" in page and schema in page

    assert "You have accepted how the database is built now." in accept(client, schema)
    accept(client, schema)
    assert Event.objects.filter(kind=audit_kinds.SCHEMA_ACCEPTED).count() == 1
    second = client_of(factories.user_with(Duty.OVERSEE, organisation=bureau))
    assert "1 of 2 overseers have accepted it" in second.get(reverse("audit:verification")).content.decode()
    assert "two overseers have accepted it" in accept(second, schema)
    assert verification.verify().holds


@pytest.mark.parametrize("schema", ["", "x", "0" * 64, "0" * 65, "\x00"])
def test_only_what_is_there_now_can_be_accepted(client, signer, schema):
    assert "not built like this any more" in accept(client, schema)
    assert not Event.objects.filter(kind=audit_kinds.SCHEMA_ACCEPTED).exists()


def test_nobody_else_accepts_anything(bureau):
    for duty in [one for one in Duty if one != Duty.OVERSEE]:
        client = client_of(factories.user_with(duty, organisation=bureau))
        assert client.post(reverse("audit:accept"), {"schema": "0" * 64}).status_code == 404


def test_where_no_witness_is_kept_the_page_says_so(client, settings):
    assert "not on this machine" not in client.get(reverse("audit:verification")).content.decode()
    settings.AUDIT_WITNESS_FILE = None
    assert "not on this machine" in client.get(reverse("audit:verification")).content.decode()


def test_the_row_of_a_fault_is_named_on_the_page(client, signer, owner):
    person = factories.UserFactory()
    tamper(owner, "delete from audit_event where kind = 'USER_CREATED' and target_id = %s", str(person.pk))
    client.post(reverse("audit:verification"))
    page = client.get(reverse("audit:verification")).content.decode()
    assert f"access.user:{person.pk}" in page


# Rule 12: whatever stands in a row, the auditors' pages open
HOSTILE = [
    '{"kind":"SIGNED_IN","x":' + "[" * 6000 + "]" * 6000 + "}",
    '{"kind":"SIGNED_IN","x":' + "[" * 900 + "]" * 900 + "}",
    '{"kind":"OPENING","actor":{"id":[1],"unit":{}},"target":{"id":{},"type":[]},"detail":[1]}',
    '{"kind":"DENIED","actor":5,"target":"x","detail":{"number":{"a":1},"rung":{},"a":[[[]]],"b":1e400}}',
    '{"kind":"%(who)s","actor":{"id":"%s","unit":"<b>"},"target":{"type":"access.user","id":"x"},"detail":null}',
    '{"kind":"TRAIL_VERIFIED","detail":{"fault_kinds":[[]],"fault_indexes":5,"holds":true}}',
    '{"kind":"SCHEMA_ACCEPTED","actor":[],"detail":"x"}',
    '{"kind":"TRAIL_ALARM","detail":{"reason":["x"]}}',
    '{"kind":"VIOLATION_SEALED","detail":{"records":{"a":1}}}',
    '{"kind":""}',
]


def test_hostile_events_stop_no_page_no_verification_and_no_signer(client, auditor, signer, owner):
    ids = [
        owner.execute(
            "INSERT INTO audit_event (id, canonical) VALUES (gen_random_uuid(), convert_to(%s, 'UTF8')) RETURNING id",
            [one],
        ).fetchone()[0]
        for one in HOSTILE
    ]
    for _round in ("waiting", "signed"):
        for address in [reverse("audit:events"), reverse("audit:verification")]:
            assert client.get(address).status_code == 200
        for event_id in ids:
            assert client.get(reverse("audit:event", args=[event_id])).status_code == 200
        assert client.post(reverse("audit:verification")).status_code == 302
        signing.sign()
    assert client.get(reverse("desk")).status_code == 200
    page = client.get(reverse("audit:verification")).content.decode()
    assert "The trail does not hold" in page
    tamper(owner, "UPDATE audit_event SET at = 'infinity' WHERE id = %s", ids[0])
    assert client.get(reverse("audit:event", args=[ids[0]])).status_code == 404
    assert client.get(reverse("audit:events")).status_code == 200
    assert client.post(reverse("audit:verification")).status_code == 302


def test_hostile_checkpoints_and_states_stop_no_page(client, signer, owner):
    event_id = write()
    signing.sign()
    for size in (-1, 0, 10**6, 2**63 - 1):
        owner.execute(
            "INSERT INTO audit_checkpoint (size, root, note, frontier, at) VALUES (%s, sha256(''), 'x', '{null}', 'infinity')",
            [size],
        )
    for statement in (
        "UPDATE audit_log_state SET confirmed_at = 'infinity'",
        "UPDATE audit_queue SET at = '-infinity'",
        "UPDATE audit_log_state SET frontier = array[array['\\x00'::bytea]]",
        "UPDATE audit_log_state SET size = -5",
    ):
        owner.execute(statement)
        for address in [*addresses(event_id), reverse("desk")]:
            assert client.get(address).status_code == 200
        assert client.post(reverse("audit:verification")).status_code == 302


def test_a_hash_taken_out_of_the_tree_leaves_the_events_page(client, signer, owner):
    event_id = write()
    for _number in range(5):
        write()
    signing.sign()
    tamper(owner, "DELETE FROM audit_leaf WHERE event_id <> %s", event_id)
    assert client.get(reverse("audit:event", args=[event_id])).status_code == 200
