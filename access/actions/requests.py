"""Filing a request: drafting, attaching the letter, submitting, withdrawing; and what time ends."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from access import calendar, content, database, identifiers, kinds, law, permissions, population, vault
from access import subjects as subjects_port
from access.exceptions import Refused, WrongState
from access.models import AccessRequest, CasePurpose, LegalBasis, Letter, Organisation, RequestSubject, User
from access.models.people import OrganisationKind
from access.models.requests import TRANSITIONS, PopulationAnswer, Status
from audit import trail

TABLE = "access_accessrequest"
CONTENT_VERSION = PERSON_VERSION = 1
# An act before the People's Republic is a year that was mistyped.
FIRST_DAY = date(1949, 10, 1)
NUMBER_ALPHABET = (
    "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # nothing that is misread aloud; random, since sequences tell stories
)


@dataclass(frozen=True)
class Person:
    """A person asked about, as typed and checked."""

    name: str
    document_type: str
    number: str


@dataclass(frozen=True)
class Particulars:
    """What a requester writes; kept as ciphertext only."""

    reason: str = ""
    scope_of_use: str = ""
    case_number: str = ""
    decision_number: str = ""
    people: list[Person] = field(default_factory=list)

    def to_bytes(self) -> bytes:
        """Return the content as it is encrypted, with its version."""
        return content.written(CONTENT_VERSION, asdict(self))

    @classmethod
    def from_bytes(cls, data: bytes) -> Particulars:
        """Read content of any version; raises Unavailable for one that this program does not know."""
        return content.read(data, READERS)


def _read_version_1(values: dict[str, Any]) -> Particulars:
    people = [_read_person_version_1(person) for person in values.get("people", [])]
    return Particulars(**{**content.known(Particulars, values), "people": people})


def _read_person_version_1(values: dict[str, Any]) -> Person:
    return Person(**content.known(Person, values))


# One reader for each version ever written; an old one is never changed (access/content.py).
READERS: content.Readers[Particulars] = {1: _read_version_1}
PERSON_READERS: content.Readers[Person] = {1: _read_person_version_1}


def key_of(access_request: AccessRequest) -> vault.DataKey:
    """Return the key that opens all that was typed into this request; call it only for who may see the request."""
    return vault.unwrap(
        bytes(access_request.wrapped_key),
        table=TABLE,
        record=str(access_request.pk),
    )


def read_particulars(access_request: AccessRequest) -> Particulars:
    """Return what the requester wrote; call it only for who may see the request."""
    return Particulars.from_bytes(
        key_of(access_request).decrypt(bytes(access_request.particulars), field="particulars")
    )


def read_person(key: vault.DataKey, subject: RequestSubject) -> Person:
    """Return a person who was asked about, as the request was submitted; call it only for who may see the request."""
    return content.read(key.decrypt(bytes(subject.particulars), field=f"subject:{subject.pk}"), PERSON_READERS)


def read_letter(letter: Letter) -> tuple[str, bytes]:
    """Return a letter's file name and content; call it only for who may see the request."""
    key = key_of(letter.access_request)
    return (
        key.decrypt(bytes(letter.name), field=f"letter-name:{letter.pk}").decode(),
        key.decrypt(bytes(letter.content), field=f"letter:{letter.pk}"),
    )


@transaction.atomic(durable=True)
def save_draft(
    access_request: AccessRequest | None,
    particulars: Particulars,
    *,
    by: User,
    basis: LegalBasis,
    case_purpose: CasePurpose | None = None,
    asked_rung: str,
    asked_from: date | None = None,
    act_on: date | None = None,
    act_kind: str = "",
    decision_on: date | None = None,
    version: int | None,
) -> AccessRequest:
    """Keep a request as it is being written; it need not be complete. `version` is what was on the screen: None for a
    new request only.

    Raises Refused when the basis does not apply to the requester's unit, and WrongState when somebody (or another tab)
    saved it since `version`.
    """
    today = timezone.localdate()
    if access_request is None:
        permissions.check_can_file(by, today)
        pk = uuid.uuid4()
        _key, wrapped = vault.new_key(TABLE, str(pk))
        access_request = AccessRequest(
            pk=pk, number=_number(today), organisation=by.organisation, requester=by, wrapped_key=wrapped, version=0
        )
        kind = kinds.REQUEST_DRAFTED
    else:
        access_request = lock(access_request)
        permissions.check_can_edit(by, access_request)
        permissions.check_can_file(by, today)
        if not access_request.is_editable:
            raise WrongState(_already(access_request))
        if version != access_request.version:
            raise WrongState(
                _(
                    "This request was saved elsewhere since you opened it. What you typed is kept below; compare and save again."
                )
            )
        kind = kinds.REQUEST_EDITED
    permissions.check_basis_applies(basis, by.organisation, today)
    if case_purpose is not None:
        permissions.check_purpose_applies(case_purpose, by.organisation, today)

    access_request.basis = basis
    access_request.case_purpose = case_purpose
    access_request.asked_rung = asked_rung
    access_request.asked_from = asked_from
    access_request.act_on, access_request.act_kind, access_request.decision_on = act_on, act_kind, decision_on
    access_request.particulars = key_of(access_request).encrypt(particulars.to_bytes(), field="particulars")
    access_request.version += 1
    _save(access_request, by)

    trail.write(
        kind, by=by, on=access_request, number=access_request.number, basis=basis.code, basis_version=basis.version
    )
    return access_request


@transaction.atomic(durable=True)
def attach_letter(
    access_request: AccessRequest, *, by: User, version: int, name: str, media_type: str, content: bytes
) -> Letter:
    """Keep the official letter with the request, in place of an earlier one; the earlier one is kept, out of use.

    The request has another version afterwards: nobody decides it from a page that showed another letter.
    """
    access_request = lock(access_request, version=version)
    permissions.check_can_edit(by, access_request)
    if not access_request.is_editable:
        raise WrongState(_already(access_request))
    if not content or len(content) > settings.LETTER_MAX_BYTES:
        raise Refused(
            _("The letter must be a file of at most %(megabytes)s MB.") % {"megabytes": settings.LETTER_MAX_MEGABYTES}
        )

    access_request.current_letters.update(removed_at=trail.database_now())
    key = key_of(access_request)
    pk = uuid.uuid4()
    letter = Letter.objects.create(
        pk=pk,
        access_request=access_request,
        name=key.encrypt(name[:200].encode(), field=f"letter-name:{pk}"),
        content=key.encrypt(content, field=f"letter:{pk}"),
        media_type=media_type,
        size=len(content),
        uploaded_by=by,
    )
    access_request.version += 1
    _save(access_request, by)
    trail.write(kinds.REQUEST_EDITED, by=by, on=access_request, number=access_request.number, letter=str(pk))
    return letter


def submit(access_request: AccessRequest, *, by: User, version: int, insists: bool = False) -> AccessRequest:
    """Send a complete request to the organ that decides it, with a deadline in working days.

    Nothing here depends on whether a record exists (Rule 3). Raises Refused, naming what is missing, when the request
    is incomplete, the law does not carry it, or nobody could decide it; and NamesDiffer where a population register has
    another name for a number, unless its writer `insists` on the document: then those who decide compare.
    """
    answers = _ask_population(access_request, by=by, version=version)
    differing = [place for place, answer in enumerate(answers, 1) if answer == PopulationAnswer.DIFFERS]
    if differing and not insists:
        raise population.NamesDiffer(differing)
    return _submit(access_request, by=by, version=version, answers=answers)


def _ask_population(access_request: AccessRequest, *, by: User, version: int) -> list[PopulationAnswer]:
    """Ask the population register about the people of a complete request, once the trail has told of it.

    Returns no answers where no register is connected or reached, or this person has asked it enough today: filing goes on,
    and those who decide compare each person with the document.
    """
    if not population.is_connected():
        return []
    people = _note_question(access_request, by=by, version=version)
    return (population.ask(people) or []) if people else []


@transaction.atomic(durable=True)
def _note_question(access_request: AccessRequest, *, by: User, version: int) -> list[Person]:
    """Count and record a question, and return whom it is about: nobody beyond what one person may ask in a day."""
    access_request, particulars = _ready(access_request, by=by, version=version)
    may_ask = database.ask_population(access_request, by=by, version=version, people=len(particulars.people))
    return particulars.people if may_ask else []


def _ready(access_request: AccessRequest, *, by: User, version: int) -> tuple[AccessRequest, Particulars]:
    """Hold a request that may be submitted as it was last read, and return it with what is written in it."""
    access_request = lock(access_request, to=Status.SUBMITTED)
    permissions.check_can_edit(by, access_request)
    today = timezone.localdate()
    permissions.check_can_file(by, today)
    permissions.check_law_applies(access_request, today)
    if version != access_request.version:
        raise WrongState(_("This request was saved elsewhere since you opened it. Read it again before you submit it."))
    particulars = read_particulars(access_request)
    check_complete(access_request, particulars, today)
    law.keep_what_is_asked(access_request)
    return access_request, particulars


@transaction.atomic(durable=True)
def _submit(
    access_request: AccessRequest, *, by: User, version: int, answers: Sequence[PopulationAnswer]
) -> AccessRequest:
    access_request, particulars = _ready(access_request, by=by, version=version)
    today, now = timezone.localdate(), trail.database_now()
    key = key_of(access_request)
    access_request.round += 1
    indexes = subjects_port.index(particulars.people, by=by.pk)
    said: Sequence[str] = answers or [""] * len(indexes)
    subjects = [
        _subject(access_request, key, position, person, index, answer, today)
        for position, (person, index, answer) in enumerate(zip(particulars.people, indexes, said, strict=True), 1)
    ]
    basis = access_request.basis
    # Two approvers where the basis says so, and where a person asked about is a minor or may be one.
    access_request.approvals_needed = max(basis.approvals, 2 if any(subject.is_minor for subject in subjects) else 1)
    access_request.receiving_organ = _route(access_request)
    access_request.due_at = _deadline(access_request, now)
    access_request.status = Status.SUBMITTED
    access_request.submitted_at = now
    access_request.returned_at = None
    access_request.version += 1
    _save(access_request, by)
    RequestSubject.objects.bulk_create(subjects)

    trail.write(
        kinds.REQUEST_SUBMITTED,
        by=by,
        on=access_request,
        texts={"reason": particulars.reason, "scope_of_use": particulars.scope_of_use},
        number=access_request.number,
        basis=basis.code,
        basis_version=basis.version,
        purpose=access_request.case_purpose.code if access_request.case_purpose else "",
        rung=access_request.asked_rung,
        people=len(subjects),
        established=sum(answer == PopulationAnswer.MATCHES for answer in answers),
        differing=sum(answer == PopulationAnswer.DIFFERS for answer in answers),
        round=access_request.round,
        receiving=access_request.receiving_organ.code,
    )
    return access_request


@transaction.atomic(durable=True)
def withdraw(access_request: AccessRequest, *, by: User, version: int) -> AccessRequest:
    """Take a request back before it is decided; it stays on file."""
    access_request = lock(access_request, to=Status.WITHDRAWN, version=version)
    permissions.check_can_edit(by, access_request)
    if access_request.status == Status.SUBMITTED:
        # Every move out of SUBMITTED is the database's.
        database.withdraw(access_request, by=by, version=version)
        access_request.refresh_from_db()
        return access_request
    access_request.status = Status.WITHDRAWN
    access_request.version += 1
    _save(access_request, by)
    trail.write(kinds.REQUEST_WITHDRAWN, by=by, on=access_request, number=access_request.number)
    return access_request


@transaction.atomic(durable=True)
def lapse_one(now: datetime) -> bool:
    """End one returned request that nobody corrected in time; say whether there was one."""
    limit = now - timedelta(days=settings.RETURNED_LAPSES_DAYS)
    access_request = (
        AccessRequest.objects.select_for_update(skip_locked=True)
        .filter(status=Status.RETURNED, returned_at__lt=limit)
        .first()
    )
    if access_request is None:
        return False
    access_request.status = Status.LAPSED
    access_request.version += 1
    _save(access_request, None)
    trail.write(kinds.REQUEST_LAPSED, by=None, on=access_request, number=access_request.number)
    return True


def check_complete(access_request: AccessRequest, particulars: Particulars, today: date) -> None:
    """Raise Refused naming the first thing that a submission lacks (2022 Measures Art. 16: reason, basis, scope, letter)."""
    missing = missing_parts(access_request, particulars)
    if missing:
        raise Refused(missing[0])
    if access_request.asked_from is not None and access_request.asked_from > today:
        raise Refused(_("The period must begin today or earlier."))
    if access_request.asked_from and access_request.act_on and access_request.asked_from > access_request.act_on:
        raise Refused(_("The period must begin on the day of the new act or earlier; otherwise nothing is left of it."))
    if access_request.act_on is not None and access_request.act_on > today:
        raise Refused(_("The new act cannot be in the future; check its day."))
    if impossible := why_not_the_day(access_request.act_on, particulars.people, today):
        raise Refused(impossible)
    if access_request.decision_on is not None and access_request.decision_on > today:
        raise Refused(_("The date of the decision is in the future; check it."))
    purpose, act_on = access_request.case_purpose, access_request.act_on
    why_not = law.why_not_act(purpose, act_on) or law.why_not_rung(
        access_request.basis, purpose, access_request.asked_rung
    )
    if why_not:
        raise Refused(why_not)
    for row, person in enumerate(particulars.people, 1):
        if not person.name.strip():
            raise Refused(_("Give name and number of person %(row)d; both are needed.") % {"row": row})
        number = identifiers.parse_id_number(person.number, today, identifiers.DocumentType(person.document_type))
        if why_not := law.why_not_age(purpose, act_on, number):
            raise Refused(_("Person %(row)d: %(reason)s") % {"row": row, "reason": why_not})


def why_not_the_day(act_on: date | None, people: list[Person], today: date) -> str:
    """Say why nobody who is asked about can have acted on this day; empty where it is possible."""
    if act_on is None:
        return ""
    if act_on < FIRST_DAY:
        return _("The day of the new act is before %(day)s; check its year.") % {"day": FIRST_DAY.isoformat()}
    for row, person in enumerate(people, 1):
        try:
            born = identifiers.parse_id_number(person.number, today, person.document_type).birth_date
        except identifiers.IdentifierError:
            continue  # said beside the number
        if born is not None and act_on < born:
            return _("The day of the new act is before the birth of person %(row)d; check both.") % {"row": row}
    return ""


def missing_parts(access_request: AccessRequest, particulars: Particulars) -> list[str]:
    """Return one sentence for each thing that has to be added before the request can be submitted."""
    basis = access_request.basis
    wanted = [
        (not particulars.people, _("Name at least one person.")),
        (not particulars.reason.strip(), _("Give the reason for the query.")),
        (not particulars.scope_of_use.strip(), _("Say how the answer will be used, and by whom.")),
        (basis.needs_case_purpose and not access_request.case_purpose_id, _("Choose the case purpose.")),
        (
            basis.needs_case_number and not particulars.case_number.strip(),
            _("Give the case number; a state organ asks for a case."),
        ),
        (basis.needs_letter and not access_request.current_letters.exists(), _("Attach the official letter.")),
    ]
    missing = [sentence for is_missing, sentence in wanted if is_missing]
    return missing + law.missing_for_purpose(access_request, particulars.decision_number)


def _subject(
    access_request: AccessRequest,
    key: vault.DataKey,
    position: int,
    person: Person,
    index: subjects_port.Indexes,
    population_answer: str,
    today: date,
) -> RequestSubject:
    document_type = identifiers.DocumentType(person.document_type)
    number = identifiers.parse_id_number(person.number, today, document_type)
    pk = uuid.uuid4()
    return RequestSubject(
        pk=pk,
        access_request=access_request,
        round=access_request.round,
        position=position,
        subject_key=index.subject_key,
        identity_key=index.identity_key,
        particulars=key.encrypt(content.written(PERSON_VERSION, asdict(person)), field=f"subject:{pk}"),
        # Whose age is not known may be one.
        is_minor=number.birth_date is None or identifiers.age_band(number.birth_date, today) in identifiers.MINORS,
        population=population_answer,
    )


def _deadline(access_request: AccessRequest, now: datetime) -> datetime:
    """Return when the decision is due: the clock stands still while a request is returned, and runs on working days."""
    working = calendar.load()
    days = access_request.basis.decision_working_days
    if access_request.due_at is not None and access_request.returned_at is not None:
        returned_on, due_on = timezone.localdate(access_request.returned_at), timezone.localdate(access_request.due_at)
        waiting = (returned_on + timedelta(days=passed) for passed in range(1, (due_on - returned_on).days + 1))
        days = max(1, sum(map(working.is_working, waiting)))
    return working.add_working_days(now, days)


def _route(access_request: AccessRequest) -> Organisation:
    """Choose the nearest public security organ of the requester's region where enough people may decide."""
    region = access_request.organisation.region_code
    candidates = list(
        Organisation.objects.filter(
            kind__in=[OrganisationKind.PUBLIC_SECURITY_BRANCH, OrganisationKind.PUBLIC_SECURITY_BUREAU], is_active=True
        )
    )
    # The district branch first, then the city bureau; regions nest by their leading digits (GB/T 2260).
    candidates.sort(
        key=lambda organ: (organ.kind != OrganisationKind.PUBLIC_SECURITY_BRANCH, organ.region_code, organ.code)
    )
    near = [organ for organ in candidates if organ.region_code == region]
    city = [
        organ
        for organ in candidates
        if organ.kind == OrganisationKind.PUBLIC_SECURITY_BUREAU
        and organ.region_code[:4] == region[:4]
        and organ not in near
    ]
    for organ in [*near, *city]:
        deciders = permissions.eligible_deciders(access_request, organ)
        if len({decider.organisation_id for decider in deciders}) >= access_request.approvals_needed:
            return organ
    raise Refused(
        _(
            "Nobody can decide this request at the moment, so it was not submitted. Ask the public security organ of your district who decides."
        )
    )


def lock(access_request: AccessRequest, *, to: Status | None = None, version: int | None = None) -> AccessRequest:
    """Fetch the row afresh, hold it until commit, refuse an illegal move and a page that shows an older version."""
    fresh = AccessRequest.objects.select_for_update().get(pk=access_request.pk)
    if to is not None and to not in TRANSITIONS[Status(fresh.status)]:
        raise WrongState(_already(fresh))
    if version is not None and fresh.version != version:
        raise WrongState(
            _("This request has changed since you opened it, so nothing was done. Read it again before you go on.")
        )
    return fresh


def _already(access_request: AccessRequest) -> str:
    return _("This request has moved on: it is now “%(state)s”. Nothing was changed.") % {
        "state": access_request.get_status_display()
    }


def _save(access_request: AccessRequest, by: User | None) -> None:
    access_request._history_user = by
    access_request.save()


def _number(today: date) -> str:
    return f"CX-{today.year}-" + "".join(secrets.choice(NUMBER_ALPHABET) for _place in range(7))
