"""Who holds which duty where: the only wrapper of guardian.

A duty is an object permission on an organisation and reaches the organisations below it. Nothing is cached: what a
person may do is read when they do it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models
from django.utils.translation import gettext_lazy as _
from guardian.shortcuts import assign_perm  # noqa: TID251

if TYPE_CHECKING:
    from access.models import Grant, Organisation, User


class Duty(models.TextChoices):
    ENTER_VIOLATIONS = "enter_violations", _("Enter violations")
    CONFIRM_VIOLATIONS = "confirm_violations", _("Confirm violations")
    FILE_REQUESTS = "file_requests", _("File access requests")
    DECIDE_REQUESTS = "decide_requests", _("Decide access requests")
    OVERSEE = "oversee", _("Oversee the trail")
    ADMINISTER_PEOPLE = "administer_people", _("Administer people")
    ASSIGN_DUTIES = "assign_duties", _("Assign duties")
    MAINTAIN_LAW = "maintain_law", _("Maintain the law")


# MLPS level 3 keeps system, security and audit administration apart: who holds one holds no other duty at all. What
# fits whom is one rule of the database (`access_duty_refusal`), which pages and actions ask as well.
EXCLUSIVE = frozenset({Duty.OVERSEE, Duty.ADMINISTER_PEOPLE, Duty.ASSIGN_DUTIES})
# Two people give these, one withdraws them (`access_is_dangerous`; a test compares).
DANGEROUS = EXCLUSIVE | {Duty.DECIDE_REQUESTS, Duty.MAINTAIN_LAW}


def _rows() -> models.QuerySet:
    from access.models import OrganisationUserObjectPermission

    return OrganisationUserObjectPermission.objects.filter(user__is_active=True)


def held_by(user: User) -> list[tuple[Duty, Organisation]]:
    """Return this person's duties with the organisation each was given at, in one query."""
    rows = _rows().filter(user=user).select_related("permission", "content_object").order_by("content_object__path")
    return [(Duty(row.permission.codename), row.content_object) for row in rows]


def held_by_each(users: Iterable[User]) -> dict[UUID, list[tuple[Duty, Organisation]]]:
    """Return the duties of several people by their id, in one query."""
    held: dict[UUID, list[tuple[Duty, Organisation]]] = {}
    rows = _rows().filter(user__in=list(users)).select_related("permission", "content_object")
    for row in rows.order_by("permission__codename", "content_object__path"):
        held.setdefault(row.user_id, []).append((Duty(row.permission.codename), row.content_object))
    return held


def holds(user: User, duty: Duty) -> bool:
    """Say whether this person holds the duty anywhere."""
    return _rows().filter(user=user, permission__codename=duty).exists()


def kinds_held(user: User) -> set[Duty]:
    """Return the duties this person holds anywhere, in one query."""
    return {Duty(codename) for codename in _rows().filter(user=user).values_list("permission__codename", flat=True)}


def has(user: User, duty: Duty, organisation: Organisation) -> bool:
    """Say whether this person holds the duty at this organisation or above it."""
    above = _rows().filter(user=user, permission__codename=duty)
    return above.filter(content_object__path__in=_prefixes(organisation.path)).exists()


def organisations(user: User, duty: Duty) -> models.QuerySet[Organisation]:
    """Return the organisations that this person's duty reaches."""
    from access.models import Organisation

    reaching = (
        _rows()
        .filter(user=user, permission__codename=duty)
        .annotate(below=models.ExpressionWrapper(models.OuterRef("path"), models.CharField()))
        .filter(below__startswith=models.F("content_object__path"))
    )
    return Organisation.objects.filter(models.Exists(reaching))


def holders(duty: Duty, organisation: Organisation) -> models.QuerySet[User]:
    """Return the active people whose duty reaches this organisation."""
    from access.models import User

    reaching = _rows().filter(permission__codename=duty, content_object__path__in=_prefixes(organisation.path))
    return User.objects.filter(is_active=True, pk__in=reaching.values("user"))


def let(user: User, permission: str, row: models.Model) -> None:
    """Name a person on one row: a recipient of a grant, a handler of a draft."""
    assign_perm(permission, user, row)


def may_open(user: User, grant: Grant) -> bool:
    """Say whether the grant names this person."""
    from access.models import GrantUserObjectPermission

    return GrantUserObjectPermission.objects.filter(
        user=user, user__is_active=True, content_object=grant, permission__codename="open_grant"
    ).exists()


def _prefixes(path: str) -> list[str]:
    codes = path.strip("/").split("/")
    return ["/".join(codes[: depth + 1]) + "/" for depth in range(len(codes))]
