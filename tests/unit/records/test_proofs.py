"""Whatever the owner of the tables changes about sealed records and shown answers, verification names it."""

import pytest

from audit import registers
from records import disclosure, proofs
from tests import factories
from tests.tampering import TRAIL, tamper

pytestmark = pytest.mark.django_db
TABLES = (
    *TRAIL,
    "records_stub",
    "sealed.record",
    "sealed.history",
    "sealed.handler",
    "sealed.record_key",
    "sealed.shown",
)


@pytest.fixture
def sealed():
    """Two sealed records of one person, and an answer about them that was shown."""
    city = factories.City()
    subject = factories.person()
    violations = [factories.sealed(city, subject) for _number in range(2)]
    grant = factories.ready(factories.approved(city, subject))
    disclosure.open_answer(
        grant,
        factories.subject_of(grant),
        by=grant.access_request.requester,
        session_key=factories.SESSION,
        token=factories.token(),
    )
    return violations[0].pk


def found():
    return {(fault.what.value, fault.row) for check in proofs.CHECKS for fault in check()}


AT = " where id = %(id)s"
CASES = [
    ("delete from records_stub" + AT, {"SEALED_WITHOUT_STUB", "SEALED_OTHERWISE", "SEALED_BY_HAND"}),
    ("update records_stub set digest = sha256('x')" + AT, {"SEALED_OTHERWISE", "SEALED_BY_HAND", "SEALED_ALTERED"}),
    ("delete from audit_event where kind = 'VIOLATION_SEALED'", {"STUB_WITHOUT_EVENT"}),
    ("update sealed.record set fine_yuan = fine_yuan + 1" + AT, {"SEALED_ALTERED"}),
    ("update sealed.record set subject_key = sha256('another')" + AT, {"SEALED_ALTERED"}),
    ("update sealed.record set particulars = '\\x00'" + AT, {"SEALED_ALTERED"}),
    ("update sealed.history set body = '\\x00' where record_id = %(id)s", {"SEALED_ALTERED"}),
    ("delete from sealed.handler where record_id = %(id)s", {"SEALED_ALTERED"}),
    ("delete from sealed.record" + AT, {"SEALED_MISSING"}),
    (
        "insert into audit_event (id, canonical) select gen_random_uuid(), canonical from audit_event"
        " where kind = 'ANSWER_SHOWN'",
        {"SHOWN_TWICE"},
    ),
    ("delete from audit_event where kind = 'OPENING'", {"SHOWN_WITHOUT_OPENING"}),
    (
        "update audit_event set canonical = convert_to(replace(convert_from(canonical, 'UTF8'), 'PRESENCE', 'FULL'),"
        " 'UTF8') where kind = 'ANSWER_SHOWN'",
        {"SHOWN_WITHOUT_OPENING"},
    ),
]


@pytest.mark.parametrize(("statement", "wrongs"), CASES, ids=[statement[:60] for statement, _wrongs in CASES])
def test_what_was_altered_is_named(sealed, owner, statement, wrongs):
    assert found() == set()
    assert tamper(owner, statement, *([{"id": sealed}] if "%(id)s" in statement else []), tables=TABLES) > 0
    named = found()
    assert {what for what, _row in named} == wrongs
    if "%(id)s" in statement:
        assert f"records.violation:{sealed}" in {row for _what, row in named}


def test_without_the_key_service_that_is_a_fault(sealed, settings, tmp_path):
    settings.SEALED_KEYRING = tmp_path / "none"
    assert found() == {("REGISTER_UNREACHABLE", None)}


def test_every_record_is_asked_about_in_batches(sealed, monkeypatch):
    asked = []
    check = proofs.keyservice.check
    monkeypatch.setattr(proofs.keyservice, "BATCH", 1)
    monkeypatch.setattr(
        proofs.keyservice, "check", lambda ids, **more: asked.append((len(ids), more["strays"])) or check(ids, **more)
    )
    assert found() == set()
    assert asked == [(1, False), (1, False), (0, True)]


def test_a_machine_without_the_key_service_says_what_it_does_not_check(sealed, settings):
    proofs.keyservice.close()
    settings.SEALED_DATABASE_URL = ""
    assert found() == set()
    assert proofs.not_checked()
    assert proofs.not_checked() in registers.not_checked()
