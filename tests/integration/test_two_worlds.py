"""Until a grant, nothing tells whether a person has a sealed record (Rule 3).

Three worlds differ only in the register: in `absent` three sealed records are about other people; in `sealed` one of them
is about the person; in `richer` all three are, with other facts and penalties. What is random is drawn from the same dice
in each, so that ids and numbers agree and everything that still differs tells.
"""

from __future__ import annotations

import hashlib
import os
import random  # noqa: TID251 - a seeded generator, so that ids agree between the worlds
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone
from psycopg.conninfo import make_conninfo

from access import identifiers, kinds
from access.exceptions import NotAllowed
from access.identifiers import DocumentType
from access.models import AccessRequest
from access.models.people import OrganisationKind
from access.models.requests import CheckPoint
from access.models.requests import Status as RequestStatus
from access.vault import datakeys
from audit import trail
from audit.models import Event
from config import database
from records import actions as records
from records.keyservice.connection import register_keys
from records.models import Offence, Status
from records.penalties import Penalty
from tests import databases, factories, residents, signing, worlds
from tests.factories import Duty
from tests.permission_table import USED_UP, cells
from tests.worlds import ANONYMOUS

PERSON = factories.person("欧阳不见", factories.id_number(date(1991, 2, 3), 7))
OTHERS = [factories.person(f"旁人{n}", factories.id_number(date(1985, 5, 5), n)) for n in range(11, 14)]
THEFT = {"offence_code": "PSAPL2025-058-p1-i1", "penalty": Penalty(detention_days=6)}
LETTER = b"%PDF-1.4\n% invented\n%%EOF\n"

# All that may differ between two runs of the same world: tokens, clock times, digests, ciphertext.
VARIES = [
    (re.compile(r'(name="csrfmiddlewaretoken" value=")[^"]*'), r"\1"),
    (re.compile(r'(data-left="|"left": )\d+'), r"\1"),  # how long the session lasts
    (re.compile(r"\b\d{8}T\d{12,}"), "<moment>"),
    (re.compile(r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?([+-]\d{2}:\d{2}|Z)?"), "<moment>"),
    (re.compile(r"\b\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\b"), "<time>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<digest>"),
    (re.compile(r'SAVEPOINT "[^"]*"'), "SAVEPOINT"),  # numbered by the connection
    (re.compile(r"[A-Za-z0-9+/]{43,}={0,2}"), "<base64>"),
]


ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b")
SHORT_ID = re.compile(r"\b[0-9a-f]{8}\b")


class Dice:
    """Stands for the machine's randomness: the same bytes after the same `restart`."""

    def __init__(self) -> None:
        self.restart("")

    def restart(self, label: str) -> None:
        self.label, self.drawn = label, 0

    def __call__(self, size: int) -> bytes:
        self.drawn += 1
        return hashlib.shake_256(f"{self.label} {self.drawn}".encode()).digest(size)


@contextmanager
def thrown() -> Iterator[Dice]:
    """Let uuid4, secrets, keys and nonces draw from the dice; how long the log lags is a matter of the machine."""
    dice = Dice()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "urandom", dice)
        patch.setattr(random, "_urandom", dice)
        patch.setattr(settings, "UNSEQUENCED_SECONDS", 10**9)
        patch.setattr(settings, "UNSIGNED_SECONDS", 10**9)
        yield dice


@pytest.fixture
def dice() -> Iterator[Dice]:
    with thrown() as dice:
        assert uuid.uuid4() == (dice.restart(""), uuid.uuid4())[1]
        yield dice


# The worlds ---------------------------------------------------------------------------------------------------------


@dataclass
class Base:
    """What is the same in every world: people, requests about the person in every state before a grant, open records."""

    name: str
    city: factories.City
    elsewhere: SimpleNamespace
    sessions: dict[str, str | None]
    requests: dict[str, uuid.UUID]
    violations: dict[str, uuid.UUID]
    idle: uuid.UUID
    proposals: list[uuid.UUID]
    unit: uuid.UUID


@pytest.fixture(scope="module")
def base(template_database: str, worker_id: str, django_db_blocker) -> Iterator[Base]:
    name = f"worlds_{worker_id}_{os.getpid()}"
    with django_db_blocker.unblock(), databases.clone(template_database, name) as values:
        with worlds.inside(values):
            base = _fill(name)
        yield base


def _fill(name: str) -> Base:
    city = factories.City()
    far = factories.organisation(OrganisationKind.PUBLIC_SECURITY_BRANCH, region_code="310115", parent=city.bureau)
    station = factories.organisation(parent=far)
    elsewhere = SimpleNamespace(
        officer=factories.user_with(Duty.ENTER_VIOLATIONS, organisation=station),
        reviewer=factories.user_with(Duty.CONFIRM_VIOLATIONS, organisation=far),
    )
    nobody = factories.UserFactory(organisation=city.station, username=worlds.NOBODY)
    idle = factories.UserFactory(organisation=city.station)
    school = factories.organisation(OrganisationKind.SCHOOL, parent=city.bureau)
    states = ["DRAFT", "SUBMITTED", "RETURNED", "REFUSED", "WITHDRAWN"]  # every one but a grant
    asked = {state: factories.request_at(RequestStatus(state), city, PERSON).pk for state in states}
    asked["COURT"] = factories.submitted(city, PERSON, by=city.judge, code="PSAPL-136-CASE").pk
    violations = {
        state: factories.violation_at(Status(state), city, OTHERS[0]).pk
        for state in ("DRAFT", "SUBMITTED", "CONFIRMED")
    }
    people = {**city.people(), nobody.username: nobody}
    sessions = {who: worlds.sign_in(user) for who, user in people.items()} | {ANONYMOUS: None}
    proposals = [factories.proposed_duty(city).pk, factories.proposed_code(city).pk]
    return Base(name, city, elsewhere, sessions, asked, violations, idle.pk, proposals, school.pk)


def plant(base: Base, world: str, dice: Dice) -> None:
    """Seal three records at another station, by the real moves."""
    subjects = {
        "absent": OTHERS,
        "sealed": [PERSON, *OTHERS[1:]],
        "richer": [PERSON, PERSON, PERSON],
    }[world]
    richer = {"penalty": Penalty(detention_days=3), "texts": {"facts": "另外的事实，更长一些。", "address": "别处2号"}}
    for place, subject in enumerate(subjects):
        dice.restart(f"plant {place}")
        factories.sealed(base.elsewhere, subject, **(richer if world == "richer" else {}))
    while signing.sequence():
        pass


@contextmanager
def world_of(base: Base, world: str, dice: Dice) -> Iterator[dict[str, str]]:
    with worlds.new_database(base.name, f"{base.name}_run") as values:
        plant(base, world, dice)
        yield values


# What a world tells -------------------------------------------------------------------------------------------------


@dataclass
class Told:
    """Everything that comes back from one request, and everything that it asked of the database."""

    status: int
    headers: dict[str, str]
    cookies: dict[str, int]
    body: str
    mail: list[tuple[str, str]]
    statements: list[str]

    def differs_from(self, other: Told) -> list[str]:
        """Name each part that differs, with the first difference."""
        pairs = [(name, str(mine), str(getattr(other, name))) for name, mine in vars(self).items()]
        return [f"{name} {_first_difference(one, two)}" for name, one, two in pairs if one != two]


def _first_difference(one: str, two: str) -> str:
    at = next(
        (at for at, pair in enumerate(zip(one, two, strict=False)) if pair[0] != pair[1]), min(len(one), len(two))
    )
    return f"{one[max(0, at - 40) : at + 40]!r} / {two[max(0, at - 40) : at + 40]!r}"


@dataclass
class Run:
    """One browser a role, and what each request told, by its name."""

    sessions: dict[str, str | None]
    dice: Dice
    told: dict[str, Told] = field(default_factory=dict)
    clients: dict[str, Any] = field(default_factory=dict)
    # Ids of grants, openings and events are the database's own chance: each is named by its turn in this run, so that
    # which is which still has to agree.
    ids: dict[str, str] = field(default_factory=dict)

    def __call__(self, role: str, method: str, url: str, data: dict[str, Any] | None = None) -> Any:
        name = f"{len(self.told)} {role} {method} {self.steady(url)}"
        self.dice.restart(name)
        if role == "auditor":
            signing.sequence()  # or the page says for how many seconds the newest event has waited
        client = self.clients.setdefault(role, worlds.client_of(self.sessions[role]))
        statements: list[str] = []

        def watch(execute, sql, params, many, context):
            statements.append(self.steady(sql))
            return execute(sql, params, many, context)

        mail.outbox.clear()
        with connection.execute_wrapper(watch):
            response = getattr(client, method.lower())(url, data)
        self.told[name] = Told(
            status=response.status_code,
            headers={key: self.steady(text) for key, text in response.headers.items() if key != "Content-Length"},
            cookies={key: len(cookie.value) for key, cookie in response.cookies.items()},
            body=self.steady(response.content.decode()),
            mail=[(message.subject, message.body) for message in mail.outbox],
            statements=statements,
        )
        return response

    def steady(self, text: str) -> str:
        named = ID.sub(lambda found: self.ids.setdefault(found[0], f"<id {len(self.ids)}>"), text)
        short = {whole[:8]: name for whole, name in self.ids.items()}
        return steady(SHORT_ID.sub(lambda found: short.get(found[0], found[0]), named))


def steady(text: str) -> str:
    for pattern, replacement in VARIES:
        text = pattern.sub(replacement, text)
    return text


def differences(one: Run, other: Run) -> list[str]:
    """Name each request that tells the two runs apart, and by what."""
    found = [f"only in one: {name}" for name in one.told.keys() ^ other.told.keys()]
    for name in one.told.keys() & other.told.keys():
        found += [f"{name}: {part}" for part in one.told[name].differs_from(other.told[name])]
    return sorted(found)


# Every page -----------------------------------------------------------------------------------------------------------


def addresses(base: Base, sealed: list[uuid.UUID]) -> Iterator[tuple[str, str, str]]:
    """Yield page, method and address for every page and for ids in every state; what uses something up comes last."""
    ids: dict[str, dict[str, list[dict[str, Any]]]] = {
        "": {"GET": [{}]},
        "request": {
            "GET": [{"pk": base.requests[state]} for state in ("SUBMITTED", "COURT")],
            "POST": [{"pk": base.requests["RETURNED"]}],
        },
        "violation": {
            "GET": [{"pk": base.violations["SUBMITTED"]}, {"pk": sealed[0]}],
            "POST": [{"pk": sealed[0]}],
        },
        # A grant does not exist yet; the ids of sealed records are asked for in its place.
        "grant": {"GET": [{"pk": sealed[0]}]},
        "opening": {"GET": [{"pk": sealed[0], "subject_id": sealed[1]}]},
        "viewing": {"GET": [{"opening_id": sealed[0]}]},
        "person": {"GET": [{"pk": base.idle}]},
        "proposal": {"GET": [{"pk": pk} for pk in base.proposals]},
        "unit": {"GET": [{"pk": base.unit}]},
        "basis": {"GET": [{"code": "PRESCHOOL-44"}]},
        "event": {
            "GET": [
                {"event_id": event.pk} for event in Event.objects.filter(target_id=str(sealed[0])).order_by("at")[:2]
            ]
        },
        "key": {"GET": [{"pk": 1}]},
        "change": {"GET": [{"change": "password"}]},
        "session": {"GET": [{"pk": sealed[0]}]},
    }
    pages = {(cell.page, cell.kind, cell.method) for cell in cells() if cell.method in ("GET", "POST")}
    late = [*USED_UP, "account_logout", "account_login"]
    for page, kind, method in sorted(pages, key=lambda one: (one[0] in late, one[2], one)):
        for values in ids[kind].get(method) or ids[kind]["GET"]:
            yield page, method, reverse(page, kwargs=values)


def drive(base: Base, world: str, dice: Dice) -> Run:
    """Ask for everything as everybody."""
    with world_of(base, world, dice):
        run = Run(base.sessions, dice)
        sealed = [pk for (pk,) in _rows("select id from records_stub order by id")]
        for page, method, url in addresses(base, sealed):
            for role in base.sessions:
                if _looks(page, method, role):
                    run(role, method, url)
    return run


def _looks(page: str, method: str, role: str) -> bool:
    """Everybody asks for every id; of the pages without one, the same refusal is asked for by two roles only."""
    if page.startswith(("account_", "mfa_")) or page in ("components", "set_language"):
        return role in ("kindergarten", "officer")  # no matter of the register
    cell = next(cell for cell in cells() if (cell.page, cell.method) == (page, method))
    return bool(cell.kind) or cell.expected(role) < 400 or role in (worlds.NOBODY, ANONYMOUS)


def _rows(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


@pytest.mark.parametrize("role_of_the_register", ["sealed", "richer"])
def test_no_page_tells_anybody_whether_the_person_has_a_record(base, dice, absent, role_of_the_register):
    found = drive(base, role_of_the_register, dice)
    assert len(found.told) > 500
    assert differences(absent, found) == []


@pytest.fixture(scope="module")
def absent(base) -> Run:
    with thrown() as dice:
        return drive(base, "absent", dice)


# A request from its first word to its refusal, and an entry about the person ------------------------------------------


def version_on(page: str) -> str:
    return re.search(r'name="version" value="(\d+)"', page)[1]


def asked(**values: Any) -> dict[str, Any]:
    return {
        "rows": "1",
        "name_1": PERSON.name,
        "document_type_1": PERSON.document_type,
        "number_1": PERSON.number,
        "reason": "拟聘用为保育员。",
        "scope_of_use": "仅供园长决定是否聘用。",
        "asked_rung": "PRESENCE",
        "action": "continue",
        **values,
    }


def vote(outcome: str, version: str) -> dict[str, str]:
    points = {f"point_{point.lower()}": "yes" for point in [*CheckPoint.values, "PERSON_1"]}
    proof = {"proof": "1", "password": factories.PASSWORD}
    return {**points, **proof, "version": version, "outcome": outcome, "reason": "不符合最小必要。"}


def entered() -> dict[str, str]:
    return {
        "token": str(uuid.UUID(int=5)),
        "document_type": DocumentType.RESIDENT_ID.value,
        "number": PERSON.number,
        "name": PERSON.name,
        "address": "测试路1号",
        "offence": str(Offence.objects.get(code=THEFT["offence_code"]).pk),
        "acted_on": "2026-01-15",
        "facts": "经查明的违法事实。",
        "evidence": "陈述、证人证言。",
        "case_number": "A3101010000002026010001",
        "detention_days": "6",
        "decided_on": "2026-01-16",
        "decision_number": "测公（治）行罚决字〔2026〕00001号",
        "continue": "",
    }


def journey(base: Base, world: str, dice: Dice) -> Run:
    """Ask, return, ask again, refuse; then enter a new violation of the same person."""
    with world_of(base, world, dice) as values:
        ORACLE.update(values)
        run = Run(base.sessions, dice)
        asking, deciding = "kindergarten", "supervisor"
        begin = reverse("access:request_begin", args=["PRESCHOOL-44"])
        run(asking, "get", begin)
        letter = SimpleUploadedFile("公函.pdf", LETTER)
        check = run(asking, "post", begin, asked(token=str(uuid.UUID(int=3)), letter=letter))["Location"]
        pk = uuid.UUID(check.split("/")[2])

        def page(name: str) -> str:
            return reverse(f"access:{name}", args=[pk])

        def submit() -> None:
            version = version_on(run(asking, "get", check).content.decode())
            run(asking, "post", page("request_submit"), {"version": version, "declared": "on"})
            for name in ("receipt", "request", "request_letter"):
                run(asking, "get", page(name))
            for name in ("desk", "access:requests", "records:answers"):
                run(asking, "get", reverse(name))

        def decide(outcome: str) -> None:
            for url in (reverse("desk"), reverse("access:queue"), page("request")):
                run(deciding, "get", url)
            version = version_on(run(deciding, "get", page("review")).content.decode())
            run(deciding, "post", page("decide"), vote(outcome, version))
            run(deciding, "get", reverse("access:queue"))

        submit()
        decide("return")

        def correct(**values: str) -> str:
            version = version_on(run(asking, "get", page("request_edit")).content.decode())
            run(asking, "post", page("request_edit"), asked(version=version, reason="更正后的理由。", **values))
            return version_on(run(asking, "get", check).content.decode())

        # From here on a population register is connected, which knows people with and without records.
        with override_settings(POPULATION_REGISTER=residents.PATH):
            residents.live(PERSON, *OTHERS)
            sent = {"version": correct(name_1="欧阳不建"), "declared": "on"}
            assert "insists" in run(asking, "post", page("request_submit"), sent).content.decode()
            correct()
            submit()
        decide("refuse")
        run(asking, "get", page("request"))

        run("officer", "get", reverse("records:new"))
        sent = run("officer", "post", reverse("records:new"), entered())
        version = version_on(run("officer", "get", sent["Location"]).content.decode())
        record = sent["Location"].split("/")[2]
        run("officer", "post", reverse("records:submit", args=[record]), {"version": version})
        for role, name in (("officer", "violation"), ("reviewer", "review")):
            run(role, "get", reverse(f"records:{name}", args=[record]))
        for url in (reverse("audit:events"), reverse("desk")):
            run("auditor", "get", url)
        for pk_ in [pk for (pk,) in _rows("select id from records_stub order by id")]:
            run("officer", "get", reverse("records:violation", args=[pk_]))
        assert AccessRequest.objects.get(pk=pk).status == RequestStatus.REFUSED
        assert _rows("select count(*) from records_violation where status = 'SUBMITTED'") == [(2,)]
    return run


@pytest.fixture(scope="module")
def silent(base) -> Run:
    """The journey where the person is absent."""
    with thrown() as dice:
        return journey(base, "absent", dice)


@pytest.mark.parametrize("world", ["sealed", "richer"])
def test_no_step_of_asking_deciding_and_entering_tells(base, dice, silent, world):
    assert differences(silent, journey(base, world, dice)) == []


# Planted leaks: the harness has to catch each ------------------------------------------------------------------------

# Where the planted leaks look: the owner's connection sees what the application does not.
ORACLE: dict[str, str] = {}


def known(subject_key: bytes, record: uuid.UUID | None = None) -> bool:
    """Say whether a sealed record (this one, if given) is about the person."""
    where = "subject_key = %s and (%s::uuid is null or id = %s)"
    with psycopg.connect(make_conninfo(**{**ORACLE, "user": database.OWNER})) as owner:
        sql = f"select exists (select from sealed.record where {where})"
        return owner.execute(sql, [subject_key, record, record]).fetchone()[0]


def key_of_person() -> bytes:
    text = identifiers.subject_text(PERSON.document_type, PERSON.number)
    return datakeys.index(register_keys(), "subject", text)


def around(module: str, name: str, leak: Callable[..., Any]) -> Callable[[pytest.MonkeyPatch], None]:
    """Return what replaces a function by one that calls `leak(original, ...)`."""

    def plant_leak(patch: pytest.MonkeyPatch) -> None:
        import importlib

        owner = importlib.import_module(module)
        original = getattr(owner, name)
        patch.setattr(owner, name, lambda *args, **values: leak(original, *args, **values))

    return plant_leak


def rendering(template: str, change: Callable[[Any], None]) -> Callable[..., Any]:
    def leak(original, request, name, *args, **values):
        response = original(request, name, *args, **values)
        if name == template and known(key_of_person()):
            change(response)
        return response

    return leak


def a_header(response) -> None:
    response["X-Cache"] = "HIT"


def a_cookie(response) -> None:
    response.set_cookie("seen", "1")


def a_sentence(response) -> None:
    response.content = response.content.replace(b"</h1>", "。</h1>".encode(), 1)


def a_count(response) -> None:
    response.content += b"<!-- 1 -->"


def a_status(original, user, pk):
    if known(key_of_person(), pk):
        raise NotAllowed("not for you")
    return original(user, pk)


def a_query(original, access_request, **values):
    if known(key_of_person()):
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    return original(access_request, **values)


def a_mail(original, access_request, **values):
    if known(key_of_person()):
        mail.send_mail("Look", "There is something.", None, ["officer@example.invalid"])
    return original(access_request, **values)


def another_way_on(original, to, *args, **values):
    response = original(to, *args, **values)
    if to == "access:receipt" and known(key_of_person()):
        response["Location"] += "?more=1"
    return response


def an_event(original, violation, entry, **values):
    saved = original(violation, entry, **values)
    if known(key_of_person()):
        with transaction.atomic():
            trail.write(kinds.SIGNED_OUT, by=values["by"], on=values["by"])
    return saved


def a_duplicate_warning(original, violation, entry, **values):
    from records.exceptions import WrongState

    if violation is None and known(key_of_person()):
        raise WrongState("This person is in the register already.")
    return original(violation, entry, **values)


LEAKS = {
    "header": around("access.views.requests", "render", rendering("access/request.html", a_header)),
    "cookie": around("access.views.requests", "render", rendering("access/request_receipt.html", a_cookie)),
    "sentence": around("access.views.requests", "render", rendering("access/request_receipt.html", a_sentence)),
    "count": around("access.views.queue", "render", rendering("access/review.html", a_count)),
    "status": around("records.views.violations", "_worked_on", a_status),
    "query": around("access.actions.requests", "submit", a_query),
    "mail": around("access.actions.requests", "submit", a_mail),
    "redirect": around("access.views.requests", "redirect", another_way_on),
    "event": around("records.actions", "save_draft", an_event),
}


# Where each leak shows: the harness has to see it there, and not stumble over something else.
SHOWS_IN = {
    "header": "headers",
    "cookie": "cookies",
    "sentence": "body",
    "count": "body",
    "status": "status",
    "query": "statements",
    "mail": "mail",
    "redirect": "headers",
    "event": "statements",
}


@pytest.mark.parametrize("leak", LEAKS)
def test_the_harness_catches_a_planted_leak(base, dice, silent, monkeypatch, leak):
    LEAKS[leak](monkeypatch)
    found = differences(silent, journey(base, "sealed", dice))
    assert any(f": {SHOWS_IN[leak]} " in difference for difference in found), found


def test_a_planted_leak_says_nothing_where_there_is_nothing(base, dice, silent, monkeypatch):
    """What the harness catches is the difference between the worlds, not the leak's own noise."""
    for plant_leak in LEAKS.values():
        plant_leak(monkeypatch)
    assert differences(silent, journey(base, "absent", dice)) == []


# After a grant: "none" and "not for you" -----------------------------------------------------------------------------


def opened(base: Base, dice: Dice, kind: str, **record: Any) -> Run:
    """Open a fresh grant about the person after one record with these values was sealed."""
    with worlds.new_database(base.name, f"{base.name}_run"):
        dice.restart("plant")
        factories.sealed(base.elsewhere, record.pop("subject", PERSON), **record)
        dice.restart("grant")
        role, values = {
            "kindergarten": ("kindergarten", {}),
            "court": ("court", {"by": base.city.judge, "code": "PSAPL-136-CASE", "asked_from": date(2026, 6, 1)}),
        }[kind]
        grant = factories.ready(factories.approved(base.city, PERSON, **values), base.sessions[role])
        run = Run(base.sessions, dice)
        url = reverse("records:open", args=[grant.pk, factories.subject_of(grant).pk])
        run(role, "get", reverse("records:grant", args=[grant.pk]))
        run(role, "get", url)
        run(role, "post", url, {"token": str(uuid.UUID(int=9))})
        run(role, "get", reverse("records:answers"))
    return run


@pytest.mark.parametrize(
    ("kind", "record"),
    [
        ("kindergarten", {**THEFT}),
        ("court", {**THEFT, "day": date(2026, 1, 2)}),
        ("court", {"offence_code": "PSAPL2025-051-p1-i1", "day": date(2026, 7, 1)}),
    ],
    ids=["outside the categories", "outside the window", "outside the purpose"],
)
def test_none_and_not_for_you_are_the_same_answer(base, dice, kind, record):
    none = opened(base, dice, kind, **record, subject=OTHERS[0])
    not_for_you = opened(base, dice, kind, **record)
    assert [told.status for told in none.told.values()] == [200, 200, 200, 200]
    assert differences(none, not_for_you) == []


def test_what_the_grant_covers_is_told(base, dice):
    """Otherwise the comparison above would prove nothing."""
    day = timezone.localdate() - timedelta(days=60)
    record = {"offence_code": "PSAPL2025-051-p1-i1", "day": day}
    none = opened(base, dice, "kindergarten", **record, subject=OTHERS[0])
    assert differences(none, opened(base, dice, "kindergarten", **record)) != []


# What the database itself tells the application's role: plans, statistics, counters and marks on rows ------------------


def readable_tables(app: psycopg.Connection) -> list[str]:
    """Name every table of which the application's role reads something."""
    rows = app.execute(
        "select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'"
        " and has_any_column_privilege(c.oid, 'select') order by 1"
    )
    return [name for (name,) in rows]


Marks = dict[str, dict[str, tuple[str, str]]]


def marks(app: psycopg.Connection) -> Marks:
    """Return where each row lies, who wrote it and who locked or took it: what every reader of a table is told."""
    return {
        name: {
            place: (xmin, xmax)
            for place, xmin, xmax in app.execute(f'select ctid::text, xmin::text, xmax::text from public."{name}"')
        }
        for name in readable_tables(app)
    }


def plan_of(app: psycopg.Connection, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return what EXPLAIN ANALYZE says, but for times: each node, what it expected, found, threw away and touched."""
    rows = app.execute("explain (analyze, buffers, timing off, summary off, format json) " + statement, values)
    [(plan,)] = rows.fetchall()
    found, todo = [], [plan[0]["Plan"]]
    while todo:
        node = todo.pop(0)
        touched = node.get("Shared Hit Blocks", 0) + node.get("Shared Read Blocks", 0)
        names = ("Node Type", "Relation Name", "Index Name", "Plan Rows", "Actual Rows", "Rows Removed by Filter")
        found.append((*(node.get(name) for name in names), touched))
        todo += node.get("Plans", [])
    return found


def refusal_of(app: psycopg.Connection, statement: str, values: tuple[Any, ...] = ()) -> str:
    try:
        return f"{app.execute(statement, values).fetchall()}"
    except psycopg.Error as error:
        return f"{error.sqlstate} {error.diag.message_primary}"


COUNTING_VIEWS = (
    "select relname from pg_class where relnamespace = 'pg_catalog'::regnamespace and relkind = 'v'"
    " and relname ~ '^pg_stat' and relname !~ '^pg_stats' order by 1"
)
SEALED_TABLES = ("record", "record_key", "history", "handler", "shown", "asked")


def overheard(base: Base, world: str, dice: Dice) -> dict[str, Any]:
    """Seal the records of this world with the application's role watching; return everything that it can find out."""
    told: dict[str, Any] = {}
    with worlds.new_database(base.name, f"{base.name}_run") as values:
        subjects = {"absent": OTHERS, "sealed": [PERSON, *OTHERS[1:]], "richer": [PERSON] * 3}[world]
        richer = {"penalty": Penalty(detention_days=3), "texts": {"facts": "另外的事实，更长一些。"}}
        with worlds.connect(database.APP) as app:
            for place, subject in enumerate(subjects):
                dice.restart(f"plant {place}")
                record = factories.violation_at(
                    Status.CONFIRMED, base.elsewhere, subject, **(richer if world == "richer" else {})
                )
                records._record_service(record, by=base.elsewhere.reviewer, served_on=record.decided_on)
                before = marks(app)
                assert records.seal_due(only=record.pk) == 1
                told |= around_sealing(place, before, marks(app))
            superuser = psycopg.connect(make_conninfo(**values), autocommit=True)
            with superuser:
                # What `manage.py maintain` does each night: until then pages of what was moved are still there, and they
                # are as many as its ciphertexts were long while everybody could read those.
                superuser.execute("vacuum (analyze)")
            told |= by_plans(app) | by_statistics(app) | by_counters(app)
    return told


def around_sealing(place: int, before: Marks, after: Marks) -> dict[str, Any]:
    told = {}
    for name, rows in before.items():
        stayed = {at for at in rows if at in after[name] and after[name][at][0] == rows[at][0]}
        told[f"marked by sealing {place} in {name}"] = sorted(at for at in stayed if rows[at] != after[name][at])
        told[f"gone and come with sealing {place} in {name}"] = (
            len(rows) - len(stayed),
            len(after[name]) - len(stayed),
        )
    return told


# How many pages a scan of the events touches is the size of their compressed bytes, which their random ids decide; whoever
# sees the plan may read those events as well, and how many there are is compared.
BY_CHANCE = {"stubs with their events", "every row of audit_event"}


def by_plans(app: psycopg.Connection) -> dict[str, Any]:
    key = key_of_person()
    told: dict[str, Any] = {}
    statements: dict[str, tuple[str, tuple[Any, ...]]] = {
        f"every row of {name}": (f'select * from public."{name}"', ()) for name in readable_tables(app)
    }
    for column in ("subject_key", "identity_key"):
        statements[f"asked about by {column}"] = (f"select * from access_requestsubject where {column} = %s", (key,))
    statements["worked on by document"] = (
        "select * from records_violation where document_key = %s",
        (identifiers.document_key(PERSON.document_type, PERSON.number),),
    )
    statements["stubs by decision number"] = (
        "select * from records_stub where decision_number_key = %s",
        (identifiers.decision_number_key("测公（治）行罚决字〔2026〕00001号"),),
    )
    statements["stubs with their events"] = (
        "select * from records_stub s join audit_event e on e.id = s.event_id left join access_user u on u.id::text = e.actor",
        (),
    )
    statements["the digest of a request"] = ("select access_request_digest(id, round) from access_accessrequest", ())
    for name, (statement, values) in statements.items():
        for _time in range(2):  # the first one warms what the second one counts
            plan = plan_of(app, statement, values)
        # The ids of events are the database's own chance, and so is how many pages of their index a look-up touches.
        told[f"plan of {name}"] = [node[:-1] for node in plan] if name in BY_CHANCE else plan
    for table in SEALED_TABLES:
        for statement in (
            "explain select from sealed.{}",
            "explain (analyze) select from sealed.{}",
            "select count(*) from sealed.{}",
        ):
            told[statement.format(table)] = refusal_of(app, statement.format(table))
    told["plan of the door"] = refusal_of(app, "explain (analyze) select sealed.disclosed(array[gen_random_uuid()])")
    return told


def by_statistics(app: psycopg.Connection) -> dict[str, Any]:
    shapes = app.execute(
        "select schemaname, tablename, attname, null_frac, n_distinct, avg_width from pg_stats"
        " where schemaname not in ('pg_catalog', 'information_schema') order by 1, 2, 3"
    ).fetchall()
    assert len(shapes) > 100  # there is something to be told by
    sizes = app.execute(
        "select n.nspname, c.relname, c.reltuples from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = 'public' order by 1, 2"
    ).fetchall()
    kept = ("pg_statistic", "pg_statistic_ext_data", "pg_stats_ext", "pg_stats_ext_exprs")
    return {
        "pg_stats": shapes,
        "pg_stats of sealed": app.execute("select * from pg_stats where schemaname = 'sealed'").fetchall(),
        "pg_class": sizes,
        **{name: refusal_of(app, f"select * from {name} limit 1") for name in kept},
    }


def by_counters(app: psycopg.Connection) -> dict[str, Any]:
    views = [name for (name,) in app.execute(COUNTING_VIEWS)]
    assert len(views) > 40
    told = {name: refusal_of(app, f'select * from "{name}"') for name in views}
    # Whoever is told a place in the log of writes is told how much was written since the last time.
    told["functions that say where the log of writes is"] = app.execute(
        "select oid::regprocedure::text from pg_proc where has_function_privilege(oid, 'execute')"
        " and ('pg_lsn'::regtype = prorettype or 'pg_lsn'::regtype = any (proallargtypes))"
        " and proname not in ('max', 'min', 'numeric_pl_pg_lsn') and proname !~ '^pg_lsn'"
        " and proname !~ '_slot(_|$)' order by 1"  # those ask by themselves for a role that replicates
    ).fetchall()
    return told


@pytest.fixture(scope="module")
def overheard_in_silence(base) -> dict[str, Any]:
    with thrown() as dice:
        return overheard(base, "absent", dice)


def test_no_view_that_counts_is_open_and_nothing_of_what_is_sealed_is_either(overheard_in_silence):
    told = overheard_in_silence
    denied = {name for name, said in told.items() if isinstance(said, str) and said.startswith("42501 ")}

    assert {name for name in told if re.match("pg_statio?_", name)} <= denied
    assert {name for name in told if "sealed." in name} <= denied
    assert "pg_statistic" in denied
    assert told["pg_stats of sealed"] == told["functions that say where the log of writes is"] == []


def test_sealing_leaves_no_mark_on_any_row_that_stays(overheard_in_silence):
    """A foreign key would lock the row of the offence, and its xmax would name it to every reader."""
    marked = {name: rows for name, rows in overheard_in_silence.items() if name.startswith("marked") and rows}
    assert marked == {}
    moved = {name.split(" in ")[1] for name, change in overheard_in_silence.items() if "gone" in name and change[0]}
    assert moved == {
        "records_violation",
        "records_historicalviolation",
        "records_recordkey",
        "records_violationuserobjectpermission",
    }


@pytest.mark.parametrize("world", ["sealed", "richer"])
def test_no_plan_statistic_counter_or_mark_tells(base, dice, overheard_in_silence, world):
    told = overheard(base, world, dice)

    assert told.keys() == overheard_in_silence.keys()
    assert {
        name: (overheard_in_silence[name], told[name]) for name in told if told[name] != overheard_in_silence[name]
    } == {}


def test_a_planted_statistic_is_heard(base, dice, overheard_in_silence, monkeypatch):
    """A table of the application with one row for each sealed offence, and the comparison names it."""

    def leaky(original, *args, **values):
        sealed = original(*args, **values)
        with worlds.connect(database.OWNER) as owner:
            owner.execute(
                "create table if not exists public.leak (offence uuid);"
                " truncate public.leak; grant select on public.leak to seal_app"
            )
            owner.execute(
                "insert into public.leak select id from sealed.record where subject_key = %s", [key_of_person()]
            )
        return sealed

    around("records.actions", "seal_due", leaky)(monkeypatch)
    told = overheard(base, "sealed", dice)
    assert told["plan of every row of leak"] != []
    assert overheard_in_silence.keys() != told.keys()
