"""The calls of the database's functions: what must not be invented is written there, recomputed from rows.

Each function checks again what the action before it has checked in words. A refusal here means that something changed
between the two, or that somebody forged a call: nothing was written.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, ProgrammingError, connection
from django.utils.translation import gettext as _
from psycopg.errors import InsufficientPrivilege
from psycopg.types.json import Jsonb

from access.exceptions import Unavailable, WrongState
from audit import trail

if TYPE_CHECKING:
    from access.models import AccessRequest, Grant, Organisation, Proposal, UndertakingText, User

# What the functions raise when something may not be.
REFUSED = "SE001"


@contextmanager
def translated() -> Iterator[None]:
    """Turn a refusal of the database into WrongState, and a missing function into Unavailable."""
    try:
        yield
    except DatabaseError as error:
        if getattr(getattr(error.__cause__, "diag", None), "sqlstate", None) == REFUSED:
            raise WrongState(
                _("Something changed while you were deciding, so nothing was done. Read the page again and repeat it.")
            ) from None
        if isinstance(error.__cause__, InsufficientPrivilege):
            raise Unavailable(
                "The database does not let this role do what this version needs: a grant is missing or was taken away (docs/operations.md)."
            ) from None
        if isinstance(error, ProgrammingError):
            raise Unavailable(
                "The database has not the functions of this version. Run `manage.py migrate` with DATABASE_OWNER_URL."
            ) from None
        raise


def _call(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with translated(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def _text(text: str) -> tuple[bytes, bytes]:
    """Return nonce and digest: what the trail keeps of a free text."""
    nonce = secrets.token_bytes(32)
    return nonce, bytes.fromhex(trail.text_digest(nonce, text))


def vote(
    access_request: AccessRequest,
    *,
    by: User,
    session: bytes,
    version: int,
    decision: uuid.UUID,
    outcome: str,
    rung: str | None,
    window_from: date | None,
    hours: int | None,
    openings: int | None,
    checklist: dict[str, bool],
    reason: str,
    encrypted_reason: bytes,
) -> str:
    """Write a vote on the version that was read, its event and what follows; return the request's state.

    It uses up the confirmation of identity for this vote in this session.
    """
    values = [
        *(access_request.pk, version, by.pk, session, decision, outcome, rung, window_from, hours, openings),
        *(Jsonb(checklist), encrypted_reason, *_text(reason)),
    ]
    [(state,)] = _call(
        "select public.access_vote(%s, %s, %s, %s::bytea, %s, %s, %s, %s, %s, %s, %s, %s::bytea, %s::bytea, %s::bytea)",
        values,
    )
    return state


def ask_population(access_request: AccessRequest, *, by: User, version: int, people: int) -> bool:
    """Write that the population register is about to be asked; False, and nothing written, beyond a day's limit."""
    [(may_ask,)] = _call(
        "select public.access_ask_population(%s, %s, %s, %s)", [access_request.pk, version, by.pk, people]
    )
    return may_ask


def withdraw(access_request: AccessRequest, *, by: User, version: int) -> None:
    """Take a submitted request back, if it still has this version."""
    _call("select public.access_withdraw(%s, %s, %s)", [access_request.pk, version, by.pk])


def revoke(grant: Grant, *, by: User, reason: str, encrypted_reason: bytes) -> None:
    """End a grant at once; it waits for nobody."""
    _call(
        "select public.access_revoke(%s, %s, %s::bytea, %s::bytea, %s::bytea)",
        [grant.pk, by.pk, encrypted_reason, *_text(reason)],
    )


def sign(grant: Grant, *, by: User, name: str, text: UndertakingText) -> bool:
    """Keep an undertaking with the digest of its text; False where no live grant names this person."""
    [(is_signed,)] = _call("select public.access_sign(%s, %s, %s, %s)", [grant.pk, by.pk, name, text.pk])
    return is_signed


@dataclass(frozen=True)
class Act:
    """The one act that a confirmation of identity is for."""

    kind: str
    target: uuid.UUID
    detail: str = ""

    @classmethod
    def opening(cls, grant: Grant) -> Act:
        """Opening answers of this grant, whichever person they are about."""
        return cls("GRANT", grant.pk)

    @classmethod
    def vote(
        cls,
        access_request: AccessRequest,
        version: int,
        outcome: str,
        rung: str | None = None,
        window_from: date | None = None,
        hours: int | None = None,
        openings: int | None = None,
    ) -> Act:
        """A vote with this outcome and scope, and no other; as `access_vote` spells it."""
        parts = (version, outcome, rung, window_from, hours, openings)
        return cls("VOTE", access_request.pk, ":".join(str(part) for part in parts if part is not None))

    @classmethod
    def proposal(cls, proposal: Proposal) -> Act:
        """Putting this proposal in force."""
        return cls("PROPOSAL", proposal.pk)

    @classmethod
    def change(cls, user: User, change: str) -> Act:
        """One change of a person's own password or factors."""
        return cls("CHANGE", user.pk, change)

    @property
    def values(self) -> tuple[str, uuid.UUID, str]:
        """The act as functions of the database take it."""
        return self.kind, self.target, self.detail


def confirm(user: User, *, session: bytes, act: Act, factor: str, proved: bool) -> None:
    """Keep that this person proved by `factor` who they are for this act, or that somebody failed to."""
    _call(
        "select public.access_confirm(%s, %s::bytea, %s, %s, %s, %s, %s)",
        [user.pk, session, *act.values, factor, proved],
    )


def is_confirmed(user: User, *, session: bytes, act: Act) -> bool:
    """Say whether this person's confirmation for this act in this session is still fresh, and not used up."""
    [(confirmation,)] = _call(
        "select public.access_confirmation(%s, %s::bytea, %s, %s, %s)", [user.pk, session, *act.values]
    )
    return confirmation is not None


def use_confirmation(user: User, *, session: bytes, act: Act) -> None:
    """Use up this person's confirmation for this act; WrongState when there is none."""
    _call("select public.access_use_confirmation(%s, %s::bytea, %s, %s, %s)", [user.pk, session, *act.values])


@dataclass(frozen=True)
class CountedOpening:
    """One opening of a grant for one person: counted, and its event committed."""

    subject: uuid.UUID
    opening: uuid.UUID
    event: uuid.UUID
    opened_at: datetime
    viewable_until: datetime
    # The database's clock when this was counted: an opening that is looked at again has less time left.
    now: datetime


def seconds_standing(opening: uuid.UUID, *, by: uuid.UUID) -> int:
    """Return for how many seconds an answer that this person has open may still stand; 0 when it may not."""
    [(seconds,)] = _call("select public.access_standing(%s, %s)", [opening, by])
    return seconds


def extend(opening: uuid.UUID, *, by: uuid.UUID) -> int:
    """Give an answer five minutes more where its grant lets it; return for how many seconds it may stand now."""
    [(seconds,)] = _call("select public.access_extend(%s, %s)", [opening, by])
    return seconds


def open_grant(
    grant: uuid.UUID, subjects: Sequence[uuid.UUID], *, by: uuid.UUID, session: bytes, token: uuid.UUID
) -> tuple[str, list[CountedOpening]]:
    """Do the whole first step of an opening in one statement, which outside a transaction commits by itself.

    Returns OPENED with one opening for each person in order, or the reason why not (see `access_open.sql`) with none.
    """
    rows = _call(
        "select * from public.access_open(%s, %s::uuid[], %s, %s::bytea, %s)",
        [grant, list(subjects), by, session, token],
    )
    outcome = rows[0][0]
    return outcome, [CountedOpening(*row[1:]) for row in rows] if outcome == "OPENED" else []


def note_expiry(most: int = 500) -> int:
    """Write the events of grants that time has ended; return how many there were."""
    [(noted,)] = _call("select public.access_note_expiry(%s)", [most])
    return noted


# People, duties and what takes two --------------------------------------------------------------------------------------
# A question returns the name of the first rule that stands against an act, or None; access/refusals.py has the sentences.


def duty_refusal(user: User, duty: str, organisation: Organisation, *, by: User | None) -> str | None:
    """Name what stands against giving this duty."""
    [(refusal,)] = _call(
        "select public.access_duty_refusal(%s, %s, %s, %s)", [user.pk, duty, organisation.pk, by and by.pk]
    )
    return refusal


def withdrawal_refusal(user: User, duty: str, organisation: Organisation, *, by: User | None) -> str | None:
    """Name what stands against withdrawing this duty."""
    [(refusal,)] = _call(
        "select public.access_withdrawal_refusal(%s, %s, %s, %s)", [user.pk, duty, organisation.pk, by and by.pk]
    )
    return refusal


def give_duty(user: User, duty: str, organisation: Organisation, *, by: User | None) -> None:
    """Write an ordinary duty and its event."""
    _call("select public.access_give_duty(%s, %s, %s, %s)", [user.pk, duty, organisation.pk, by and by.pk])


def withdraw_duty(user: User, duty: str, organisation: Organisation, *, by: User | None) -> None:
    """Take a duty away, with its event."""
    _call("select public.access_withdraw_duty(%s, %s, %s, %s)", [user.pk, duty, organisation.pk, by and by.pk])


def is_last_overseer(user: User) -> bool:
    """Say whether nobody else at the top holds an oversight duty of this person."""
    return bool(_call("select 1 from public.access_last_held(%s)", [user.pk]))


def code_refusal(user: User, *, by: User | None) -> str | None:
    """Name what stands against a new code for this person."""
    [(refusal,)] = _call("select public.access_code_refusal(%s, %s)", [user.pk, by and by.pk])
    return refusal


def needs_two(user: User) -> bool:
    """Say whether a new code for this person takes two administrators."""
    [(needed,)] = _call("select public.access_needs_two(%s)", [user.pk])
    return needed


def make_code(user: User, *, by: User | None, salt: bytes, digest: bytes) -> datetime:
    """Keep a code of one part, with its event; return until when it may be used."""
    [(until,)] = _call("select public.access_code(%s, %s, %s::bytea, %s::bytea)", [user.pk, by and by.pk, salt, digest])
    return until


def enrol(enrolment: uuid.UUID | None, *, first: bytes, second: bytes | None, password: str) -> bool:
    """Let the holder of a code choose a password (already hashed); False, with an event, when the code is not right."""
    [(enrolled,)] = _call(
        "select public.access_enrol(%s, %s::bytea, %s::bytea, %s)", [enrolment, first, second, password]
    )
    return enrolled


def propose(
    kind: str,
    subject: str,
    *,
    by: User,
    payload: dict[str, str],
    reason: str,
    person: User | None = None,
    unit: Organisation | None = None,
) -> uuid.UUID:
    """Write a proposal and its event, and return its id."""
    values = [kind, subject, person and person.pk, unit and unit.pk, Jsonb(payload), by.pk, reason, *_text(reason)]
    [(proposal,)] = _call("select public.access_propose(%s, %s, %s, %s, %s, %s, %s, %s::bytea, %s::bytea)", values)
    return proposal


def proposal_refusal(proposal: Proposal, *, by: User) -> str | None:
    """Name what stands against this person's putting the proposal in force."""
    [(refusal,)] = _call("select public.access_proposal_refusal(%s, %s)", [proposal.pk, by.pk])
    return refusal


def enact(proposal: Proposal, *, by: User, session: bytes, secret: dict[str, str] | None = None) -> None:
    """Put a proposal in force, with the rows and events of its kind; it uses up the confirmation for this."""
    values = [proposal.pk, by.pk, session, Jsonb(secret) if secret else None]
    _call("select public.access_enact(%s, %s, %s::bytea, %s)", values)


def turn_down(proposal: Proposal, *, by: User, reason: str) -> None:
    """Turn a proposal down, or take back one's own."""
    _call(
        "select public.access_turn_down(%s, %s, %s, %s::bytea, %s::bytea)", [proposal.pk, by.pk, reason, *_text(reason)]
    )
