"""Before anything is shown: the undertaking, the identity, and the counted, committed opening (Rule 2)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Never

from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access import database
from access.actions.identity import is_confirmed
from access.database import Act, CountedOpening
from access.exceptions import NothingToShow, Refused, Unavailable, WrongState
from access.models import Grant, RequestSubject, UndertakingText, User
from access.sessions import session_digest

OTHER_TEXT = gettext_lazy("The text of the undertaking has changed meanwhile. Read it as it is now and sign again.")


@transaction.atomic(durable=True)
def sign_undertaking(grant: Grant, *, by: User, signed_name: str, text: UndertakingText) -> None:
    """Keep a recipient's promise of confidentiality, with the digest of the text that was on their screen.

    Raises Refused where the name is not their own as entered in the system, WrongState where another text is in force
    by now, and NothingToShow where no live grant names this person.
    """
    if text != UndertakingText.objects.to_sign(by):
        raise WrongState(OTHER_TEXT)
    if signed_name.strip() != by.full_name:
        raise Refused(_("Type your own full name exactly as it stands at the top of the page."))
    if not database.sign(grant, by=by, name=by.full_name, text=text):
        raise NothingToShow


def identity_is_fresh(user: User, session_key: str, grant: Grant) -> bool:
    """Say whether this person confirmed their identity for this grant, in this session, within the last minutes."""
    return is_confirmed(user, session_key, Act.opening(grant))


def seconds_standing(opening: uuid.UUID, *, by: uuid.UUID) -> int:
    """Return for how many seconds an answer that this person has open may still stand; 0 when it may not (Rule 5).

    It is asked every few seconds by each open page: it leaves no event and prolongs nothing.
    """
    return database.seconds_standing(opening, by=by)


def extend(opening: uuid.UUID, *, by: User) -> int:
    """Give an answer that this person is reading five minutes more, with an event, until its grant ends (Rule 2).

    Returns for how many seconds it may stand then; 0 when it may not at all. One statement, which commits by itself.
    """
    if connection.in_atomic_block:
        raise RuntimeError("An extension commits by itself; it cannot be part of a transaction.")
    return database.extend(opening, by=by.pk)


def open_grant(
    grant: Grant, subjects: Sequence[RequestSubject], *, by: User, session_key: str, token: uuid.UUID
) -> list[CountedOpening]:
    """Count one opening of a live grant for each of these people and commit its event; return them in order.

    One statement, which is a durable transaction by itself; inside an outer one it raises RuntimeError, since an event
    that can still be rolled back proves nothing (Rule 2). Sending the same form again within the viewing time is the
    same opening, with an event of its own. Raises NothingToShow when no live grant of this person covers the people,
    Refused when something has to be done first (undertaking, identity, agreement), WrongState when no opening is left,
    and Unavailable while the trail is not fresh enough to disclose anything.
    """
    if connection.in_atomic_block:
        raise RuntimeError("An opening commits by itself; it cannot be part of a transaction.")
    outcome, counted = database.open_grant(
        grant.pk, [subject.pk for subject in subjects], by=by.pk, session=session_digest(session_key), token=token
    )
    if outcome != "OPENED":
        _say_why_not(outcome)
    return counted


def _say_why_not(outcome: str) -> Never:
    if outcome == "AGREEMENT_ENDED":
        raise Refused(
            _(
                "The agreement with your unit has ended, so it cannot file or open requests. Ask the public security organ to renew it."
            )
        )
    if outcome == "SIGN_FIRST":
        raise Refused(_("Sign the confidentiality undertaking first."))
    if outcome == "CONFIRM_FIRST":
        raise Refused(_("Confirm your identity again; the last confirmation is too old."))
    if outcome == "OVER":
        raise WrongState(_("The time to look at this answer is over. Open it again from the page of the grant."))
    if outcome == "USED_UP":
        raise WrongState(
            _("Every opening that was granted has been used. File a new request if you still need the answer.")
        )
    if outcome == "TRAIL_STALE":
        # Rule 12: what is not signed in time could be rewritten.
        raise Unavailable(
            "The trail is not sequenced or signed in time, so nothing is disclosed. Start the worker of the signing machine."
        )
    raise NothingToShow
