"""Who holds which duty where: the only wrapper of guardian.

A duty is an object permission on an organisation and reaches the organisations below it. Nothing is cached: what a
person may do is read when they do it.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import models
from guardian.shortcuts import assign_perm  # noqa: TID251

from access.models import Organisation, User
from access.models.duty import Duty
from access.models.people import held_duties


def held_by(user: User) -> list[tuple[Duty, Organisation]]:
    """Return this person's duties with the organisation each was given at, in one query."""
    rows = (
        held_duties().filter(user=user).select_related("permission", "content_object").order_by("content_object__path")
    )
    return [(Duty(row.permission.codename), row.content_object) for row in rows]


def held_by_each(users: Iterable[User]) -> dict[UUID, list[tuple[Duty, Organisation]]]:
    """Return the duties of several people by their id, in one query."""
    held: dict[UUID, list[tuple[Duty, Organisation]]] = {}
    rows = held_duties().filter(user__in=list(users)).select_related("permission", "content_object")
    for row in rows.order_by("permission__codename", "content_object__path"):
        held.setdefault(row.user_id, []).append((Duty(row.permission.codename), row.content_object))
    return held


def holds(user: User, duty: Duty) -> bool:
    """Say whether this person holds the duty anywhere."""
    return held_duties().filter(user=user, permission__codename=duty).exists()


def kinds_held(user: User) -> set[Duty]:
    """Return the duties this person holds anywhere, in one query."""
    return {
        Duty(codename) for codename in held_duties().filter(user=user).values_list("permission__codename", flat=True)
    }


def has(user: User, duty: Duty, organisation: Organisation) -> bool:
    """Say whether this person holds the duty at this organisation or above it."""
    above = held_duties().filter(user=user, permission__codename=duty)
    return above.filter(content_object__path__in=_prefixes(organisation.path)).exists()


def holders(duty: Duty, organisation: Organisation) -> models.QuerySet[User]:
    """Return the active people whose duty reaches this organisation."""
    reaching = held_duties().filter(permission__codename=duty, content_object__path__in=_prefixes(organisation.path))
    return User.objects.filter(is_active=True, pk__in=reaching.values("user"))


def let(user: User, permission: str, row: models.Model) -> None:
    """Name a person on one row: a recipient of a grant, a handler of a draft."""
    assign_perm(permission, user, row)


def _prefixes(path: str) -> list[str]:
    codes = path.strip("/").split("/")
    return ["/".join(codes[: depth + 1]) + "/" for depth in range(len(codes))]
