"""May this person do it, in the register? One condition, one reason."""

from __future__ import annotations

from django.utils.translation import gettext as _

from access import duties
from access.exceptions import NotAllowed
from access.models import Organisation, User
from access.models.duty import Duty
from records.models import Violation, ViolationUserObjectPermission


def check_can_enter(user: User, organ: Organisation) -> None:
    """Raise NotAllowed unless this person enters violations for the unit."""
    if not duties.has(user, Duty.ENTER_VIOLATIONS, organ):
        raise NotAllowed(_("You do not enter violations for this unit."))


def check_can_handle(user: User, violation: Violation) -> None:
    """Handlers are the lead and the co-officer of this very record."""
    check_can_enter(user, violation.organ)
    if not ViolationUserObjectPermission.objects.filter(
        user=user, content_object=violation, permission__codename="handle_violation"
    ).exists():
        raise NotAllowed(_("You do not handle this record."))


def check_can_review(user: User, violation: Violation) -> None:
    """Raise NotAllowed unless this person confirms for the unit and has no part in the record."""
    if not duties.has(user, Duty.CONFIRM_VIOLATIONS, violation.organ):
        raise NotAllowed(_("You do not review the records of this unit."))
    handlers = ViolationUserObjectPermission.objects.filter(content_object=violation, user=user)
    if user.pk == violation.entered_by_id or handlers.exists():
        raise NotAllowed(_("Somebody who handles a record cannot review it."))


def check_can_record_service(user: User, violation: Violation) -> None:
    """Whoever handles or reviews the record may say when its decision was served."""
    try:
        check_can_review(user, violation)
    except NotAllowed:
        check_can_handle(user, violation)
