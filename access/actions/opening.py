"""Before anything is shown: the undertaking, the identity, and the counted, committed opening (Rule 2)."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from access import duties, permissions
from access.exceptions import NothingToShow, Refused, WrongState
from access.models import Grant, IdentityConfirmation, Opening, RequestSubject, Undertaking, User
from audit import trail
from audit.trail import EventType

UNDERTAKING_VERSION = 2

# The door is the one place where statements are written out: each is a round trip while a grant is held.
LOCK = f"""
select {", ".join(field.attname for field in Grant._meta.concrete_fields)} from access_grant where id = %s for update
"""  # noqa: S608
IS_CONFIRMED = """exists (
    select from access_identityconfirmation where user_id = %(user)s and session_digest = %(session)s
       and confirmed_at > clock_timestamp() - make_interval(secs => %(seconds)s)
)"""
# All that the door has to know, read when the grant is held and by the database's clock.
CONDITIONS = f"""
select clock_timestamp() as now,
       exists (
           select from access_grantuserobjectpermission p
             join auth_permission a on a.id = p.permission_id and a.codename = 'open_grant'
             join access_user u on u.id = p.user_id and u.is_active
            where p.content_object_id = %(grant)s and p.user_id = %(user)s
       ) as is_recipient,
       exists (select from access_undertaking where grant_id = %(grant)s and user_id = %(user)s) as is_signed,
       {IS_CONFIRMED} as is_confirmed,
       exists (select from access_opening where token = %(token)s) as is_repeated
"""  # noqa: S608
COUNT = """
with counted as (update access_grant set openings_used = openings_used + 1 where id = %(grant_id)s)
insert into access_opening (id, grant_id, subject_id, user_id, token, opened_at, viewable_until)
values (%(id)s, %(grant_id)s, %(subject_id)s, %(user_id)s, %(token)s, %(opened_at)s, %(viewable_until)s)
"""


class Conditions(NamedTuple):
    """How things stand between a grant and a person while the grant is held."""

    now: datetime
    is_recipient: bool
    is_signed: bool
    is_confirmed: bool
    is_repeated: bool


@transaction.atomic(durable=True)
def sign_undertaking(grant: Grant, *, by: User, signed_name: str) -> Undertaking:
    """Keep a recipient's promise of confidentiality; the name has to be their own, as entered in the system."""
    grant = _lock(grant)
    if not grant.is_live(trail.database_now()) or not duties.may_open(by, grant):
        raise NothingToShow
    if signed_name.strip() != by.full_name:
        raise Refused(_("Type your own full name exactly as it stands at the top of the page."))
    signed, created = Undertaking.objects.get_or_create(
        grant=grant, user=by, defaults={"text_version": UNDERTAKING_VERSION, "signed_name": signed_name.strip()}
    )
    if created:
        trail.write(EventType.UNDERTAKING_SIGNED, by=by, on=grant, text_version=UNDERTAKING_VERSION)
    return signed


def session_digest(session_key: str) -> bytes:
    """Name a session without keeping its key."""
    return hashlib.sha256(session_key.encode()).digest()


@transaction.atomic(durable=True)
def confirm_identity(*, by: User, session_key: str, proved: bool) -> bool:
    """Keep that a person proved again, in this session, who they are - or that somebody failed to."""
    if proved:
        IdentityConfirmation.objects.create(user=by, session_digest=session_digest(session_key))
    trail.write(EventType.IDENTITY_CONFIRMED if proved else EventType.IDENTITY_NOT_CONFIRMED, by=by, on=by)
    return proved


def identity_is_fresh(user: User, session_key: str) -> bool:
    """Say whether this person confirmed their identity in this session within the last minutes, by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute(f"select {IS_CONFIRMED}", _who(user, session_key))
        return cursor.fetchone()[0]


@transaction.atomic(durable=True)
def open_grant(
    grant: Grant, subject: RequestSubject, *, by: User, session_key: str, token: uuid.UUID
) -> tuple[Grant, Opening, uuid.UUID]:
    """Count one opening of a live grant for one person and commit its event; return grant, opening and event.

    Sending the same form again within the viewing time is the same opening, with an event of its own.
    Raises NothingToShow when no live grant of this person covers the subject, Refused when something has to be done
    first (undertaking, identity), WrongState when no opening is left.
    """
    grant = _lock(grant)
    found = _conditions(grant, by, session_key, token)
    now = found.now
    if not grant.is_live(now) or not found.is_recipient:
        raise NothingToShow
    if subject.access_request_id != grant.access_request_id or subject.round != grant.round:
        raise NothingToShow
    permissions.check_agreement_holds(by.organisation, timezone.localdate(now))
    if by.organisation_id != grant.access_request.organisation_id:
        raise NothingToShow  # the grant was given to a person of that unit; whoever moved on has left it behind
    if not found.is_signed:
        raise Refused(_("Sign the confidentiality undertaking first."))
    if not found.is_confirmed:
        raise Refused(_("Confirm your identity again; the last confirmation is too old."))

    opening = Opening.objects.get(token=token) if found.is_repeated else None
    if opening is None:
        if grant.openings_used >= grant.openings_allowed:
            raise WrongState(
                _("Every opening that was granted has been used. File a new request if you still need the answer.")
            )
        opening = Opening(
            grant=grant,
            subject=subject,
            user=by,
            token=token,
            opened_at=now,
            viewable_until=min(now + timedelta(seconds=settings.VIEWING_SECONDS), grant.ends_at),
        )
        _count(opening)
    elif (opening.grant_id, opening.subject_id, opening.user_id) != (grant.pk, subject.pk, by.pk):
        raise NothingToShow
    elif opening.viewable_until <= now:
        raise WrongState(_("The time to look at this answer is over. Open it again from the page of the grant."))
    event = trail.write(
        EventType.DISCLOSED,
        by=by,
        on=grant,
        subject=str(subject.pk),
        opening=str(opening.pk),
        rung=grant.rung,
        basis=grant.basis.code,
        basis_version=grant.basis.version,
        number=grant.access_request.number,
    )
    return grant, opening, event


def _lock(grant: Grant) -> Grant:
    """Fetch the grant afresh and hold it; what was asked, and under which law, no longer changes and is kept."""
    [fresh] = Grant.objects.raw(LOCK, [grant.pk])
    fresh.access_request, fresh.basis = grant.access_request, grant.basis
    return fresh


def _conditions(grant: Grant, by: User, session_key: str, token: uuid.UUID) -> Conditions:
    with connection.cursor() as cursor:
        cursor.execute(CONDITIONS, {**_who(by, session_key), "grant": grant.pk, "token": token})
        return Conditions(*cursor.fetchone())


def _count(opening: Opening) -> None:
    """Use up one opening of the grant and keep when, by whom and about whom."""
    values = {field.attname: getattr(opening, field.attname) for field in Opening._meta.concrete_fields}
    with connection.cursor() as cursor:
        cursor.execute(COUNT, values)
    opening.grant.openings_used += 1


def _who(user: User, session_key: str) -> dict[str, Any]:
    return {"user": user.pk, "session": session_digest(session_key), "seconds": settings.CONFIRMATION_SECONDS}
