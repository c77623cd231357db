"""Proving again who one is: each confirmation is for one act, in one session, and both outcomes are events."""

from __future__ import annotations

from django.db import transaction

from access import database, kinds
from access.database import Act
from access.models import User
from access.sessions import session_digest
from audit import trail


@transaction.atomic(durable=True)
def confirm_identity(*, by: User, session_key: str, act: Act, factor: str, proved: bool) -> bool:
    """Keep that a person proved by `factor`, in this session and for this act, who they are - or that they did not."""
    database.confirm(by, session=session_digest(session_key), act=act, factor=factor, proved=proved)
    return proved


def is_confirmed(user: User, session_key: str, act: Act) -> bool:
    """Say whether this person confirmed their identity for this act, in this session, and has not used it up."""
    return database.is_confirmed(user, session=session_digest(session_key), act=act)


@transaction.atomic(durable=True)
def fail_to_sign_in(*, by: None, user: User | None) -> None:
    """Keep that somebody tried to sign in with something wrong, as this person where there is such a person."""
    trail.write(kinds.SIGN_IN_FAILED, by=by, on=user)
