"""Every change of the register: lock, guard, change, event, in one durable transaction (Rule 9)."""

from __future__ import annotations

import logging
import uuid
from dataclasses import replace
from datetime import date

from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from access import duties, identifiers, vault
from access.models import User
from audit import trail
from records import entry as entries
from records import keyservice, kinds, permissions
from records.entry import Entry, Particulars
from records.exceptions import Problems, Refused, Unavailable, WrongState
from records.models import (
    TRANSITIONS,
    RecordKey,
    SealingRule,
    SealingTrigger,
    Status,
    Violation,
    ViolationUserObjectPermission,
)

TABLE = "records_violation"
logger = logging.getLogger(__name__)


def read_particulars(violation: Violation) -> Particulars:
    """Return the particulars of an unsealed record; call it only for who handles or reviews it."""
    return Particulars.from_bytes(_key(violation).decrypt(bytes(violation.particulars), field="particulars"))


def entry_of(violation: Violation) -> Entry:
    """Return what was entered, as it can be entered again."""
    return Entry(
        particulars=read_particulars(violation),
        offence=violation.offence,
        acted_on=violation.acted_on,
        decided_on=violation.decided_on,
        penalty=entries.penalties.Penalty(
            warning=violation.warning,
            fine_yuan=violation.fine_yuan,
            detention_days=violation.detention_days,
            licence_revoked=violation.licence_revoked,
            exit_order=violation.exit_order,
            deportation=violation.deportation,
        ),
    )


def handlers_of(violation: Violation) -> models.QuerySet[User]:
    """Return who handles a record: the lead and the co-officer."""
    named = ViolationUserObjectPermission.objects.filter(
        content_object=violation, permission__codename="handle_violation"
    )
    return User.objects.filter(pk__in=named.values("user"))


@transaction.atomic(durable=True)
def save_draft(
    violation: Violation | None, entry: Entry, *, by: User, version: int | None = None, token: uuid.UUID | None = None
) -> Violation:
    """Keep an entry as it is being written; it need not be complete or right.

    Raises WrongState when it was saved elsewhere since `version`, or when the new form named by `token` was sent twice.
    """
    if violation is None:
        permissions.check_can_enter(by, by.organisation)
        # Mixed with who sends it, so that no form can meet the id of a record that somebody else entered.
        pk = uuid.uuid5(by.pk, str(token)) if token else uuid.uuid4()
        key, wrapped = vault.new_key(TABLE, str(pk))
        violation = Violation(pk=pk, organ=by.organisation, entered_by=by, version=0)
        kind = kinds.VIOLATION_DRAFTED
    else:
        violation = _lock(violation)
        permissions.check_can_handle(by, violation)
        if not violation.is_editable:
            raise WrongState(_already(violation))
        if version is not None and version != violation.version:
            raise WrongState(
                _(
                    "This record was saved elsewhere since you opened it. What you typed is kept below; compare and save again."
                )
            )
        key, wrapped = _key(violation), b""
        # The reviewer's remark stays until it is answered by submitting again.
        entry = replace(entry, particulars=replace(entry.particulars, remark=read_particulars(violation).remark))
        kind = kinds.VIOLATION_EDITED

    _fill(violation, entry, key)
    try:
        with transaction.atomic():
            _save(violation, by)
    except IntegrityError:
        if not wrapped:
            raise
        raise WrongState(
            _("This form was sent twice. The first one was saved; you find it among your records.")
        ) from None
    if wrapped:
        RecordKey.objects.create(violation=violation, wrapped=wrapped)
        duties.let(by, "handle_violation", violation)
    trail.write(kind, by=by, on=violation)
    return violation


@transaction.atomic(durable=True)
def name_co_officer(violation: Violation, *, by: User, co_officer: User) -> None:
    """Let a second officer of the unit handle the record too (two officers investigate a case)."""
    violation = _lock(violation)
    permissions.check_can_handle(by, violation)
    permissions.check_can_enter(co_officer, violation.organ)
    if not violation.is_editable:
        raise WrongState(_already(violation))
    duties.let(co_officer, "handle_violation", violation)
    trail.write(kinds.VIOLATION_EDITED, by=by, on=violation, co_officer=str(co_officer.pk))


@transaction.atomic(durable=True)
def submit(violation: Violation, *, by: User, version: int) -> Violation:
    """Hand a complete entry to the reviewers. Raises Problems with a sentence for each field that is not right."""
    violation = _lock(violation, to=Status.SUBMITTED)
    permissions.check_can_handle(by, violation)
    if version != violation.version:
        raise WrongState(_("This record was saved elsewhere since you opened it. Read it again before you submit it."))
    entry = entry_of(violation)
    found = entries.problems(entry, timezone.localdate())
    if found:
        raise Problems(found)

    entry = replace(entry, particulars=replace(entry.particulars, remark=""))
    _fill(violation, entry, _key(violation))
    violation.status = Status.SUBMITTED
    violation.submitted_at = trail.database_now()
    _save(violation, by)
    # Events say nothing of what will be sealed: no offence, no dates.
    trail.write(kinds.VIOLATION_SUBMITTED, by=by, on=violation)
    return violation


@transaction.atomic(durable=True)
def discard(violation: Violation, *, by: User) -> Violation:
    """Put a draft away for good; the row stays (Rule 8)."""
    violation = _lock(violation, to=Status.DISCARDED)
    permissions.check_can_handle(by, violation)
    violation.status = Status.DISCARDED
    _save(violation, by)
    trail.write(kinds.VIOLATION_DISCARDED, by=by, on=violation)
    return violation


@transaction.atomic(durable=True)
def return_for_correction(violation: Violation, *, by: User, remark: str, version: int) -> Violation:
    """Send a submitted record back to its handlers with a remark."""
    violation = _lock(violation, to=Status.RETURNED)
    permissions.check_can_review(by, violation)
    _check_read(violation, version)
    if not remark.strip():
        raise Refused(_("Say what has to be corrected."))
    key = _key(violation)
    particulars = replace(read_particulars(violation), remark=remark.strip())
    violation.particulars = key.encrypt(particulars.to_bytes(), field="particulars")
    violation.status = Status.RETURNED
    _save(violation, by)
    trail.write(kinds.VIOLATION_RETURNED, by=by, on=violation, texts={"remark": remark})
    return violation


@transaction.atomic(durable=True)
def confirm(violation: Violation, *, by: User, version: int) -> Violation:
    """Confirm a submitted record as it was read; a person who handles it cannot."""
    violation = _lock(violation, to=Status.CONFIRMED)
    permissions.check_can_review(by, violation)
    _check_read(violation, version)
    violation.status = Status.CONFIRMED
    violation.reviewed_by = by
    _save(violation, by)
    trail.write(kinds.VIOLATION_CONFIRMED, by=by, on=violation)
    return violation


def record_service(violation: Violation, *, by: User, served_on: date) -> bool:
    """Say when the decision was served; where the rule in force says so, the record seals itself at once.

    Two transactions: should sealing fail, the service stays recorded and the worker seals the record. Returns whether
    it is sealed.
    """
    _record_service(violation, by=by, served_on=served_on)
    try:
        return bool(seal_due(only=violation.pk))
    except Unavailable as error:
        logger.error("A served record is not sealed yet: %s", error)
        return False


@transaction.atomic(durable=True)
def _record_service(violation: Violation, *, by: User, served_on: date) -> None:
    violation = _lock(violation)
    permissions.check_can_record_service(by, violation)
    if violation.status != Status.CONFIRMED:
        raise WrongState(_already(violation))
    if violation.served_on is not None:
        raise WrongState(_("The service of this decision is already recorded."))
    if served_on > timezone.localdate():
        raise Refused(_("The date of service is in the future; check it."))
    if violation.decided_on is not None and served_on < violation.decided_on:
        raise Refused(_("The decision cannot be served before it was made; check the date."))
    violation.served_on = served_on
    _save(violation, by)
    trail.write(kinds.DECISION_SERVED, by=by, on=violation)


def sealing_rule(on: date) -> SealingRule | None:
    """Return the rule that seals served decisions on this day, newest version first."""
    rules = SealingRule.objects.filter(trigger=SealingTrigger.SERVED, valid_from__lte=on)
    return rules.exclude(valid_until__lt=on).order_by("-version").first()


def seal_due(*, only: uuid.UUID | None = None, batch: int = keyservice.BATCH) -> int:
    """Seal every record that its rule says is due, in batches that each commit; return how many.

    It may be stopped at any moment and run again, and any number may run: what is sealed is no longer due. One record
    that cannot be sealed does not keep the others: they are sealed one by one, and then Unavailable is raised.
    """
    rule = sealing_rule(timezone.localdate())
    if rule is None:
        return 0
    due = Violation.objects.filter(status=Status.CONFIRMED, served_on__isnull=False)
    if only is not None:
        due = due.filter(pk=only)
    total = 0
    after = uuid.UUID(int=0)
    trouble: Unavailable | None = None
    while ids := list(due.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:batch]):
        after = ids[-1]
        try:
            total += len(keyservice.seal(ids, rule.pk))
        except Unavailable as error:
            trouble = error
            if len(ids) > 1 and _is_reachable():
                total += sum(_sealed_alone(one, rule) for one in ids)
    if trouble is not None:
        raise trouble
    return total


def _is_reachable() -> bool:
    """Say whether the key service answers at all."""
    try:
        keyservice.check([])
    except Unavailable:
        return False
    return True


def _sealed_alone(one: uuid.UUID, rule: SealingRule) -> int:
    try:
        return len(keyservice.seal([one], rule.pk))
    except Unavailable:
        return 0


def _fill(violation: Violation, entry: Entry, key: vault.DataKey) -> None:
    """Set the index columns from what was entered, as far as it is right, and encrypt the particulars."""
    violation.offence = entry.offence
    violation.acted_on = entry.acted_on
    violation.decided_on = entry.decided_on
    violation.warning = entry.penalty.warning
    violation.fine_yuan = entry.penalty.fine_yuan
    violation.detention_days = entry.penalty.detention_days
    violation.licence_revoked = entry.penalty.licence_revoked
    violation.exit_order = entry.penalty.exit_order
    violation.deportation = entry.penalty.deportation
    person = entry.identity(timezone.localdate())
    texts = entry.particulars
    violation.name_key = identifiers.name_key(texts.name) if texts.name.strip() else None
    violation.case_number_key = identifiers.case_number_key(texts.case_number) if texts.case_number.strip() else None
    violation.decision_number_key = (
        identifiers.decision_number_key(texts.decision_number) if texts.decision_number.strip() else None
    )
    violation.document_key = None
    violation.age_band = ""
    if person is not None and violation.name_key:
        violation.document_key = identifiers.document_key(texts.document_type, person.number)
        if entry.acted_on and person.birth_date and person.birth_date <= entry.acted_on:
            violation.age_band = identifiers.age_band(person.birth_date, entry.acted_on)
        elif person.birth_date is None:
            violation.age_band = identifiers.AgeBand.UNKNOWN
    violation.particulars = key.encrypt(entry.particulars.to_bytes(), field="particulars")


def _key(violation: Violation) -> vault.DataKey:
    return vault.unwrap(
        bytes(violation.key.wrapped),
        table=TABLE,
        record=str(violation.pk),
    )


def _lock(violation: Violation, *, to: Status | None = None) -> Violation:
    """Fetch the row afresh, hold it until commit, and refuse an illegal move."""
    fresh = (
        Violation.objects.select_for_update(of=("self",))
        .select_related("organ", "offence", "key")
        .filter(pk=violation.pk)
        .first()
    )
    if fresh is None:
        # It was sealed in the meantime: for the application there is no such row any more.
        raise WrongState(_("This record has been sealed. Nothing was changed."))
    if to is not None and to not in TRANSITIONS[Status(fresh.status)]:
        raise WrongState(_already(fresh))
    return fresh


def _check_read(violation: Violation, version: int) -> None:
    """What is decided is what was on the screen."""
    if version != violation.version:
        raise WrongState(_("This record has changed since you opened it. Read it again before you decide."))


def _already(violation: Violation) -> str:
    return _("This record has moved on: it is now “%(state)s”. Nothing was changed.") % {
        "state": violation.get_status_display()
    }


def _save(violation: Violation, by: User | None) -> None:
    violation.version += 1
    violation._history_user = by
    violation.save()
