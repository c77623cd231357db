"""Units, people and duties. Three people keep the system: who administers, who assigns duties, who oversees."""

from __future__ import annotations

from datetime import date

from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.utils.translation import gettext as _

from access import duties, identifiers, permissions, sessions
from access.duties import EXCLUSIVE, Duty
from access.exceptions import NotAllowed, Refused
from access.models import Organisation, User
from access.models.people import POLICE_KINDS
from audit import trail
from audit.trail import EventType


@transaction.atomic(durable=True)
def create_organisation(
    *,
    by: User | None,
    name: str,
    name_en: str,
    kind: str,
    code: str,
    region_code: str,
    parent: Organisation | None = None,
    agreement_ends_on: date | None = None,
) -> Organisation:
    """Add a unit to the tree; `by` is None only while a system is set up from the command line."""
    if by is not None:
        if parent is None:
            raise NotAllowed(_("A unit without a unit above it is made when the system is set up."))
        permissions.check_can_administer(by, parent)
    code = identifiers.check_organ_code(code) if kind in POLICE_KINDS else identifiers.check_uscc(code)
    organisation = Organisation(
        name=name,
        name_en=name_en,
        kind=kind,
        code=code,
        region_code=region_code,
        parent=parent,
        path=(parent.path if parent else "") + code + "/",
        agreement_ends_on=agreement_ends_on,
    )
    organisation._history_user = by
    organisation.save()
    trail.write(EventType.ORGANISATION_CREATED, by=by, on=organisation, code=code, unit_kind=kind)
    return organisation


@transaction.atomic(durable=True)
def change_agreement(organisation: Organisation, *, by: User, ends_on: date) -> Organisation:
    """Set the last day of a unit's agreement; a day in the past ends filing, deciding and opening at once."""
    organisation = Organisation.objects.select_for_update().get(pk=organisation.pk)
    permissions.check_can_administer(by, organisation)
    if organisation.is_police:
        raise Refused(_("A public security organ has no agreement."))
    organisation.agreement_ends_on = ends_on
    organisation._history_user = by
    organisation.save(update_fields=["agreement_ends_on"])
    trail.write(EventType.AGREEMENT_CHANGED, by=by, on=organisation, ends_on=ends_on.isoformat())
    return organisation


@transaction.atomic(durable=True)
def create_user(
    *, by: User | None, username: str, full_name: str, badge_number: str, organisation: Organisation, password: str
) -> User:
    """Enter a person, who holds no duty until one is given; `by` is None only while a system is set up."""
    if by is not None:
        permissions.check_can_administer(by, organisation)
    user = User(username=username, full_name=full_name, badge_number=badge_number, organisation=organisation)
    if by is not None:
        validate_password(password, user)
    user.set_password(password)
    user._history_user = by
    user.save()
    trail.write(EventType.USER_CREATED, by=by, on=user, unit=organisation.code)
    return user


@transaction.atomic(durable=True)
def disable_user(user: User, *, by: User) -> User:
    """Shut a person out: their sessions end now, and with them everything they had open (Rule 5)."""
    user = _lock(user)
    permissions.check_can_administer(by, user.organisation)
    if user.pk == by.pk:
        raise NotAllowed(_("You cannot disable yourself."))
    user.is_active = False
    user._history_user = by
    user.save()
    sessions.end_all(user)
    trail.write(EventType.USER_DISABLED, by=by, on=user)
    return user


@transaction.atomic(durable=True)
def enable_user(user: User, *, by: User) -> User:
    user = _lock(user)
    permissions.check_can_administer(by, user.organisation)
    user.is_active = True
    user._history_user = by
    user.save()
    trail.write(EventType.USER_ENABLED, by=by, on=user)
    return user


@transaction.atomic(durable=True)
def give_duty(user: User, duty: Duty, organisation: Organisation, *, by: User | None) -> None:
    """Give a person a duty; nobody gives one to themselves, and the three keepers of the system stay three people."""
    user = _lock(user)
    if by is not None:
        permissions.check_can_assign(by, organisation)
        if by.pk == user.pk:
            raise NotAllowed(_("You cannot give yourself a duty."))
    if not user.is_active:
        # Their other duties sleep and would not be compared.
        raise Refused(_("This person is disabled. Enable them before you give them a duty."))
    held = duties.kinds_held(user)
    if duty in EXCLUSIVE and held & EXCLUSIVE - {duty}:
        raise Refused(
            _(
                "Administering people, assigning duties and oversight are three people (MLPS level 3). Take the other duty away first."
            )
        )
    duties.give(user, duty, organisation)
    trail.write(EventType.DUTY_GIVEN, by=by, on=user, duty=duty.value, at=organisation.code)


@transaction.atomic(durable=True)
def withdraw_duty(user: User, duty: Duty, organisation: Organisation, *, by: User) -> None:
    """Take a duty away, from now on."""
    user = _lock(user)
    permissions.check_can_assign(by, organisation)
    if by.pk == user.pk:
        raise NotAllowed(_("You cannot change your own duties."))
    duties.withdraw(user, duty, organisation)
    trail.write(EventType.DUTY_WITHDRAWN, by=by, on=user, duty=duty.value, at=organisation.code)


@transaction.atomic(durable=True)
def store_password_anew(user: User, password: str) -> None:
    """Keep the same password in the way that is current now, as Django asks for at a sign-in."""
    fresh = _lock(user)
    fresh.set_password(password)
    fresh._history_user = user
    fresh.save()
    trail.write(EventType.PASSWORD_REHASHED, by=user, on=user)
    user.password = fresh.password


def _lock(user: User) -> User:
    return User.objects.select_for_update(of=("self",)).select_related("organisation").get(pk=user.pk)
