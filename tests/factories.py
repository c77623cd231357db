"""Rows for tests. factory_boy makes units and people; every other state is reached by the real actions."""

from __future__ import annotations

import hashlib
import itertools
import uuid
from contextlib import suppress
from datetime import date, timedelta
from functools import cache
from typing import Any

import factory
import psycopg
from django.db import connection, transaction
from django.utils import timezone
from psycopg.conninfo import make_conninfo
from stdnum.cn import ric, uscc

from access import codes, kinds, law, sessions
from access.actions import decisions, identity, opening, people, proposals, requests
from access.actions.decisions import Review, Scope
from access.actions.requests import Particulars, Person
from access.database import Act, CountedOpening
from access.exceptions import WrongState
from access.identifiers import DocumentType
from access.models import (
    AccessRequest,
    CasePurpose,
    Grant,
    LegalBasis,
    Organisation,
    Proposal,
    RequestSubject,
    Session,
    UndertakingText,
    User,
)
from access.models.duty import Duty
from access.models.people import POLICE_KINDS, OrganisationKind
from access.models.requests import PERSON_POINT, CheckPoint, Outcome
from access.models.requests import Status as RequestStatus
from audit import trail
from config import database
from records import actions as records
from records import entry
from records.models import Offence, Status, Violation
from records.penalties import Penalty

PASSWORD = "a password for tests only"
SESSION = "session-of-the-test"
REGION = "310101"
_serial = itertools.count(1)


def id_number(birth: date = date(1990, 1, 1), serial: int | None = None, region: str = REGION) -> str:
    """Return an invented number with a right check digit."""
    body = f"{region}{birth:%Y%m%d}{(serial or next(_serial)) % 1000:03d}"
    return body + ric.calc_check_digit(body + "0")


def _code(kind: str, serial: int) -> str:
    if kind in POLICE_KINDS:
        return f"{REGION}{serial:06d}"
    body = f"12{REGION}MA{serial:07d}"
    return body + uscc.calc_check_digit(body)


class HistoryFactory(factory.django.DjangoModelFactory):
    """Saves a row, its history and its event in one transaction, as the database demands."""

    class Meta:
        abstract = True

    @classmethod
    def _create(cls, model_class, *args, **kwargs):
        with transaction.atomic():
            row = super()._create(model_class, *args, **kwargs)
            trail.write(kinds.ORGANISATION_CREATED, by=None, on=row)
            return row


class OrganisationFactory(HistoryFactory):
    class Meta:
        model = Organisation

    class Params:
        serial = factory.Sequence(lambda n: n + 1)

    kind = OrganisationKind.POLICE_STATION
    name = factory.LazyAttribute(lambda o: f"测试单位{o.serial}")
    name_en = factory.LazyAttribute(lambda o: f"Test unit {o.serial}")
    code = factory.LazyAttribute(lambda o: _code(o.kind, o.serial))
    region_code = REGION
    parent = None
    path = factory.LazyAttribute(lambda o: (o.parent.path if o.parent else "") + o.code + "/")
    agreement_ends_on = factory.LazyAttribute(
        lambda o: None if o.kind in POLICE_KINDS else timezone.localdate() + timedelta(days=365)
    )


class UserFactory(HistoryFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"user{n}")
    full_name = factory.Sequence(lambda n: f"测试员{n}")
    badge_number = factory.Sequence(lambda n: f"{n:06d}")
    organisation = factory.SubFactory(OrganisationFactory)

    @classmethod
    def _create(cls, model_class, *args, password: str = PASSWORD, **kwargs):
        user = model_class(*args, **kwargs)
        user.set_unusable_password()
        with transaction.atomic():
            user.save()
            trail.write(kinds.USER_CREATED, by=None, on=user)
        enrol(user, password)
        return user


# What is done on the server, as the owner -----------------------------------------------------------------------------

_owners: dict[str, psycopg.Connection] = {}
SALT = codes.new_salt()


@cache
def slow_code() -> bytes:
    """What proves the one code that all people of the tests are enrolled with: it takes long to make."""
    return codes.slow(codes.new_part(), SALT)


def end_sessions() -> None:
    """End every session, as time would."""
    sessions.end(Session.objects.all())


def as_owner(statement: str, *values):
    """Run one statement as the owner of the tables in the database of this test; return its first value."""
    place = connection.settings_dict
    for _attempt in range(2):
        name = place["NAME"]
        if name not in _owners:
            address = {"dbname": name, "host": place["HOST"], "port": place["PORT"], "user": database.OWNER}
            _owners[name] = psycopg.connect(make_conninfo(**address), autocommit=True)
        try:
            return _owners[name].execute(statement, values).fetchone()[0]
        except psycopg.OperationalError:  # the database of an earlier test had the same name
            _owners.pop(name).close()
    raise AssertionError("The owner cannot connect.")


def part_from_owners() -> None:
    """Close the owner's connections: a database that somebody uses cannot be copied."""
    while _owners:
        _owners.popitem()[1].close()


def enrol(user: User, password: str = PASSWORD) -> None:
    """Let a person choose their password with a code made on the server, by the real functions."""
    user.password = user.hash_of(password)
    as_owner("select access_code(%s, null, %s, %s)", user.pk, SALT, hashlib.sha256(slow_code()).digest())
    newest = "(select id from access_enrolment where user_id = %s order by made_at desc limit 1)"
    assert as_owner(f"select access_enrol({newest}, %s, null, %s)", user.pk, slow_code(), user.password)


def organisation(kind: str = OrganisationKind.POLICE_STATION, **values) -> Organisation:
    return OrganisationFactory(kind=kind, **values)


def user_with(*held: Duty, organisation: Organisation, **values) -> User:
    """Return a person of the organisation who holds the duties there."""
    user = UserFactory(organisation=organisation, **values)
    for duty in held:
        give(user, duty, organisation)
    return user


def give(user: User, duty: Duty, organisation: Organisation) -> None:
    """Give a duty without anybody who gives it, as set-up on the server does."""
    as_owner("select access_give_duty(%s, %s, %s, null)::text", user.pk, duty.value, organisation.pk)


def withdraw(user: User, duty: Duty, organisation: Organisation) -> None:
    """Take a duty away without anybody who takes it."""
    as_owner("select access_withdraw_duty(%s, %s, %s, null)::text", user.pk, duty.value, organisation.pk)


def administrator_of(unit: Organisation) -> User:
    """Return somebody of a police organ who administers the people of this unit, which may be an outside one."""
    user = UserFactory(organisation=organisation(OrganisationKind.PUBLIC_SECURITY_BUREAU))
    give(user, Duty.ADMINISTER_PEOPLE, unit)
    return user


class City:
    """A bureau, a branch with a station, and outside units, with one person for each part; nothing is in the register."""

    def __init__(self) -> None:
        self.bureau = organisation(OrganisationKind.PUBLIC_SECURITY_BUREAU, region_code="310100")
        self.branch = organisation(OrganisationKind.PUBLIC_SECURITY_BRANCH, parent=self.bureau)
        self.station = organisation(parent=self.branch)
        self.kindergarten = organisation(OrganisationKind.KINDERGARTEN)
        self.court = organisation(OrganisationKind.COURT)
        self.employer = organisation(OrganisationKind.EMPLOYER)
        self.officer = user_with(Duty.ENTER_VIOLATIONS, organisation=self.station, username="officer")
        self.officer2 = user_with(Duty.ENTER_VIOLATIONS, organisation=self.station, username="officer2")
        self.reviewer = user_with(Duty.CONFIRM_VIOLATIONS, organisation=self.branch, username="reviewer")
        self.supervisor = user_with(Duty.DECIDE_REQUESTS, organisation=self.branch, username="supervisor")
        self.supervisor2 = user_with(Duty.DECIDE_REQUESTS, organisation=self.bureau, username="supervisor2")
        self.requester = user_with(Duty.FILE_REQUESTS, organisation=self.kindergarten, username="kindergarten")
        self.judge = user_with(Duty.FILE_REQUESTS, organisation=self.court, username="court")
        self.hr = user_with(Duty.FILE_REQUESTS, organisation=self.employer, username="employer")
        self.auditor = user_with(Duty.OVERSEE, organisation=self.bureau, username="auditor")
        self.people_admin = user_with(Duty.ADMINISTER_PEOPLE, organisation=self.bureau, username="people-admin")
        self.people_admin2 = user_with(Duty.ADMINISTER_PEOPLE, organisation=self.bureau, username="people-admin2")
        self.security_admin = user_with(Duty.ASSIGN_DUTIES, organisation=self.bureau, username="security-admin")
        self.security_admin2 = user_with(Duty.ASSIGN_DUTIES, organisation=self.bureau, username="security-admin2")

    def people(self) -> dict[str, User]:
        """Return everybody by user name."""
        return {user.username: user for user in vars(self).values() if isinstance(user, User)}


def proposed_duty(city: City) -> Proposal:
    """Return a dangerous duty for somebody new that waits for a second person."""
    user = UserFactory(organisation=city.station)
    return people.give_duty(user, Duty.DECIDE_REQUESTS, city.branch, by=city.security_admin, reason="任命。")


def proposed_code(city: City) -> Proposal:
    """Return the first half of a code for somebody that waits for its second half."""
    user = UserFactory(organisation=city.station)
    people.renew_code(user, by=city.people_admin, reason="手机遗失。", by_two=True)
    return Proposal.objects.get(person=user)


def appointed_by(city: City) -> tuple[User, User]:
    """Return somebody who once appointed a supervisor of the branch, and files requests now, and that supervisor."""
    former, deputy = UserFactory(organisation=city.station), UserFactory(organisation=city.branch)
    give(former, Duty.ASSIGN_DUTIES, city.bureau)
    proposal = people.give_duty(deputy, Duty.DECIDE_REQUESTS, city.branch, by=former, reason="任命。")
    enact(proposal, by=city.security_admin2)
    withdraw(former, Duty.ASSIGN_DUTIES, city.bureau)
    give(former, Duty.FILE_REQUESTS, city.station)
    return former, deputy


def person(name: str = "张三丰", number: str | None = None) -> Person:
    return Person(name=name, document_type=DocumentType.RESIDENT_ID.value, number=number or id_number())


def entry_about(
    subject: Person, *, offence_code: str = "PSAPL2025-051-p1-i1", day: date | None = None, **values
) -> entry.Entry:
    """Return a complete entry: by default an assault, five days and 500 yuan, in January 2026."""
    day = day or date(2026, 1, 15)
    texts = {
        "name": subject.name,
        "document_type": subject.document_type,
        "number": subject.number,
        "address": "测试路1号",
        "facts": "经查明的违法事实。",
        "evidence": "陈述、证人证言。",
        "case_number": f"A{REGION}000000{day:%Y%m}0001",
        "decision_number": f"测公（治）行罚决字〔{day.year}〕00001号",
        **values.pop("texts", {}),
    }
    defaults = {
        "offence": Offence.objects.get(code=offence_code),
        "acted_on": day,
        "decided_on": day + timedelta(days=1),
        "penalty": Penalty(detention_days=5, fine_yuan=500),
    }
    return entry.Entry(particulars=entry.Particulars(**texts), **{**defaults, **values})


def violation_at(status: Status, city: City, subject: Person | None = None, **values) -> Violation:
    """Return a violation that reached `status` by the real moves; a sealed one is returned as it last was."""
    violation = records.save_draft(None, entry_about(subject or person(), **values), by=city.officer)
    if status == Status.DRAFT:
        return violation
    if status == Status.DISCARDED:
        return records.discard(violation, by=city.officer)
    violation = records.submit(violation, by=city.officer, version=violation.version)
    if status == Status.SUBMITTED:
        return violation
    if status == Status.RETURNED:
        return records.return_for_correction(
            violation, by=city.reviewer, version=violation.version, remark="缺少告知笔录。"
        )
    violation = records.confirm(violation, by=city.reviewer, version=violation.version)
    if status == Status.SEALED:
        records.record_service(violation, by=city.reviewer, served_on=violation.decided_on)
    return violation


def sealed(city: City, subject: Person, **values) -> Violation:
    return violation_at(Status.SEALED, city, subject, **values)


def basis(code: str = "PRESCHOOL-44") -> LegalBasis:
    return LegalBasis.objects.filter(code=code).latest("version")


def version_of(row, version: int, **values):
    """Return another version of a row of the law, which the owner has yet to load (the fixture `enact`)."""
    changed = type(row)(**{field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields})
    changed.pk, changed.version = token(), version
    for name, value in values.items():
        setattr(changed, name, value)
    return changed


def theft_in_full() -> CasePurpose:
    """Return the newest purpose that is that of theft but lets particulars be read; it is put there first.

    In the catalogue a test for earlier penalties reads none; the tests of the door need somebody who reads all there is.
    """
    code = "CRIM-THEFT-FULL"
    if not CasePurpose.objects.filter(code=code).exists():
        columns = [field.column for field in CasePurpose._meta.concrete_fields]
        other = {"id": "gen_random_uuid()", "code": f"'{code}'", "highest_rung": "'FULL'"}
        values = ", ".join(other.get(column, column) for column in columns)
        as_owner(
            f"insert into access_casepurpose ({', '.join(columns)}) select {values} from access_casepurpose"
            " where code = 'CRIM-THEFT' and version = 1 returning id"
        )
    return CasePurpose.objects.filter(code=code).latest("version")


def request_draft(
    city: City, *people: Person, by: User | None = None, code: str = "PRESCHOOL-44", **values
) -> AccessRequest:
    """Return a complete draft with its letter: by default a kindergarten about to hire."""
    by = by or city.requester
    wanted = basis(code)
    particulars = Particulars(
        reason=values.pop("reason", "拟聘用为保育员，依法查询。"),
        scope_of_use=values.pop("scope_of_use", "仅供园长作出是否聘用的决定。"),
        case_number="（2026）沪0101刑初123号" if wanted.needs_case_number else "",
        decision_number=values.pop("decision_number", ""),
        people=list(people) or [person()],
    )
    purpose = theft_in_full() if wanted.needs_case_purpose and "case_purpose" not in values else None
    purpose = values.pop("case_purpose", purpose)
    counted = purpose is not None and purpose.counts_from_act
    access_request = requests.save_draft(
        None,
        particulars,
        version=None,
        by=by,
        basis=wanted,
        case_purpose=purpose,
        asked_rung=values.pop("asked_rung", law.highest_rung(wanted, purpose)),
        asked_from=values.pop("asked_from", date(2006, 3, 1) if purpose is not None and purpose.case_bound else None),
        act_on=values.pop("act_on", timezone.localdate() if counted else None),
        act_kind=values.pop("act_kind", ""),
        decision_on=values.pop("decision_on", None),
    )
    requests.attach_letter(
        access_request,
        version=access_request.version,
        by=by,
        name="公函.pdf",
        media_type="application/pdf",
        content=b"%PDF-1.4\n% invented\n%%EOF\n",
    )
    access_request.refresh_from_db()
    return access_request


def submitted(city: City, *people: Person, **values) -> AccessRequest:
    draft = request_draft(city, *people, **values)
    return requests.submit(draft, by=draft.requester, version=draft.version)


def review(reason: str = "依据与用途相符，范围最小必要。", people: int = 1, **answers: bool) -> Review:
    """Say yes to every point, name and number of so many people included, except to what a test answers otherwise."""
    points = [*CheckPoint.values, *(f"{PERSON_POINT}{place}" for place in range(1, people + 1))]
    return Review(checklist={**dict.fromkeys(points, True), **answers}, reason=reason)


def scope_for(access_request: AccessRequest, **values) -> Scope:
    """Return the widest scope that may be allowed."""
    widest = {
        "rung": access_request.asked_rung,
        "hours": access_request.basis.grant_hours,
        "openings": access_request.basis.grant_openings,
        "window_from": decisions.widest_window(access_request, timezone.localdate()),
    }
    return Scope(**{**widest, **values})


def confirm_identity(*, by: User, session_key: str = SESSION, grant: Grant, proved: bool = True) -> bool:
    """Prove by the password, for this grant, who somebody is - or fail to."""
    return identity.confirm_identity(
        by=by, session_key=session_key, act=Act.opening(grant), factor="password", proved=proved
    )


def confirmed(
    access_request: AccessRequest,
    outcome: Outcome = Outcome.APPROVE,
    scope: Scope | None = None,
    *,
    by: User,
    version: int | None = None,
) -> dict[str, Any]:
    """Prove who is about to vote like this, and return what the vote needs beside its content.

    What may not even be confirmed (a request that moved on, a person who is disabled) is for the vote itself to refuse.
    """
    version = access_request.version if version is None else version
    with suppress(WrongState):
        act = decisions.act_of(access_request, version, outcome, scope)
        identity.confirm_identity(by=by, session_key=SESSION, act=act, factor="password", proved=True)
    return {"by": by, "session_key": SESSION, "version": version}


def enact(proposal: Proposal, *, by: User) -> codes.Code | None:
    """Put a proposal in force after proving, for it, who somebody is."""
    with suppress(WrongState):
        identity.confirm_identity(
            by=by, session_key=SESSION, act=Act.proposal(proposal), factor="password", proved=True
        )
    return proposals.enact(proposal, by=by, session_key=SESSION)


def approve(access_request: AccessRequest, *, by: User, version: int | None = None, **values: Any) -> AccessRequest:
    proved = confirmed(access_request, Outcome.APPROVE, values.get("scope"), by=by, version=version)
    return decisions.approve(access_request, **proved, **values)


def refuse(access_request: AccessRequest, *, by: User, version: int | None = None, **values: Any) -> AccessRequest:
    proved = confirmed(access_request, Outcome.REFUSE, by=by, version=version)
    return decisions.refuse(access_request, **proved, **values)


def return_for_correction(
    access_request: AccessRequest, *, by: User, version: int | None = None, **values: Any
) -> AccessRequest:
    proved = confirmed(access_request, Outcome.RETURN, by=by, version=version)
    return decisions.return_for_correction(access_request, **proved, **values)


def approved(city: City, *people: Person, **values) -> Grant:
    """Return the grant of a request that everybody who has to has approved as asked."""
    scope = values.pop("scope", {})
    access_request = submitted(city, *people, **values)
    deciders = [city.supervisor, city.supervisor2][: access_request.approvals_needed]
    for decider in deciders:
        access_request = approve(
            access_request,
            by=decider,
            version=access_request.version,
            review=review(people=len(decisions.to_compare(access_request))),
            scope=scope_for(access_request, **scope),
        )
    return access_request.grant


def ready(grant: Grant, session_key: str = SESSION) -> Grant:
    """Sign the undertaking and confirm the identity, so that the grant can be opened."""
    requester = grant.access_request.requester
    opening.sign_undertaking(
        grant, by=requester, signed_name=requester.full_name, text=UndertakingText.objects.to_sign(requester)
    )
    confirm_identity(by=requester, session_key=session_key, grant=grant)
    return grant


def counted(grant: Grant, session_key: str = SESSION) -> CountedOpening:
    """Count one opening of a grant that is ready, as its recipient does, without reading anything."""
    [one] = opening.open_grant(
        grant, [subject_of(grant)], by=grant.access_request.requester, session_key=session_key, token=token()
    )
    return one


def subject_of(grant: Grant, position: int = 1) -> RequestSubject:
    return grant.access_request.current_subjects.get(position=position)


def token() -> uuid.UUID:
    return uuid.uuid4()


def request_at(status: RequestStatus, city: City, *people: Person, **values) -> AccessRequest:
    """Return a request that reached `status` by the real moves."""
    if status == RequestStatus.DRAFT:
        return request_draft(city, *people, **values)
    if status == RequestStatus.APPROVED:
        return approved(city, *people, **values).access_request
    access_request = submitted(city, *people, **values)
    if status == RequestStatus.REFUSED:
        for decider in [city.supervisor, city.supervisor2][: access_request.approvals_needed]:
            access_request = refuse(
                access_request,
                by=decider,
                version=access_request.version,
                review=review("不符合最小必要。", people=len(decisions.to_compare(access_request))),
            )
    elif status == RequestStatus.RETURNED:
        access_request = return_for_correction(
            access_request,
            by=city.supervisor,
            version=access_request.version,
            review=review("公函缺章。", people=len(decisions.to_compare(access_request))),
        )
    elif status == RequestStatus.WITHDRAWN:
        access_request = requests.withdraw(access_request, by=access_request.requester, version=access_request.version)
    return access_request
