"""Deciding: votes, the grant that follows, and its revocation."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from access import database, duties, law, permissions, vault
from access.actions.requests import key_of, lock
from access.database import Act
from access.exceptions import NotAllowed, Refused, WrongState
from access.models import AccessRequest, Decision, Grant, User
from access.models.duty import Duty
from access.models.law import Rung
from access.models.requests import PERSON_POINT, CheckPoint, Outcome, PopulationAnswer, RequestSubject, Status
from access.sessions import session_digest
from audit import trail


@dataclass(frozen=True)
class Scope:
    """What an approver would allow: never more than was asked, nor than the basis allows (Rule 11)."""

    rung: str
    hours: int
    openings: int
    window_from: date | None = None


@dataclass(frozen=True)
class Review:
    """The answered checklist and the reason; both are mandatory whatever the outcome."""

    checklist: dict[str, bool]
    reason: str

    def check_allows_approval(self) -> None:
        """Raise Refused when a point is answered with no: then nothing is approved."""
        if not all(self.checklist.values()):
            raise Refused(_("A point of the checklist is answered with no; refuse the request or return it."))


def to_compare(access_request: AccessRequest) -> list[RequestSubject]:
    """Return the people of this round of whom no population register has said that name and number belong together."""
    return list(access_request.current_subjects.exclude(population=PopulationAnswer.MATCHES))


def point_of(subject: RequestSubject) -> str:
    """Return the point that name and number of this person belong together."""
    return f"{PERSON_POINT}{subject.position}"


def points(access_request: AccessRequest) -> list[str]:
    """Return the points that a vote answers, as the database demands them (`access_points`)."""
    return [*CheckPoint.values, *map(point_of, to_compare(access_request))]


def act_of(access_request: AccessRequest, version: int, outcome: Outcome, scope: Scope | None = None) -> Act:
    """Return the one vote that a confirmation of identity is for: this version, this outcome, this scope."""
    return Act.vote(access_request, version, outcome.value, **(vars(scope) if scope else {}))


def approve(
    access_request: AccessRequest, *, by: User, session_key: str, version: int, review: Review, scope: Scope
) -> AccessRequest:
    """Vote to let the requester open an answer within `scope`; the last approval makes the grant.

    `version` is the version that was on the screen, here and below: a request that moved on raises WrongState. The vote
    uses up this person's confirmation of identity for it, in this session.
    """
    return _vote(
        access_request, Outcome.APPROVE, by=by, session_key=session_key, version=version, review=review, scope=scope
    )


def refuse(access_request: AccessRequest, *, by: User, session_key: str, version: int, review: Review) -> AccessRequest:
    """Vote not to show anything; where two must approve, one refusal decides once both have voted."""
    return _vote(access_request, Outcome.REFUSE, by=by, session_key=session_key, version=version, review=review)


def return_for_correction(
    access_request: AccessRequest, *, by: User, session_key: str, version: int, review: Review
) -> AccessRequest:
    """Send the request back to be corrected; votes of this round fall, and the clock stops."""
    return _vote(access_request, Outcome.RETURN, by=by, session_key=session_key, version=version, review=review)


@transaction.atomic(durable=True)
def _vote(
    access_request: AccessRequest,
    outcome: Outcome,
    *,
    by: User,
    session_key: str,
    version: int,
    review: Review,
    scope: Scope | None = None,
) -> AccessRequest:
    target = {Outcome.APPROVE: Status.APPROVED, Outcome.REFUSE: Status.REFUSED, Outcome.RETURN: Status.RETURNED}[
        outcome
    ]
    access_request = lock(access_request, to=target, version=version)
    permissions.check_can_decide(by, access_request)
    today = timezone.localdate(trail.database_now())
    if not access_request.organisation.agreement_holds(today):
        raise Refused(
            _("The agreement with the requesting unit has ended; this request cannot be decided until it is renewed.")
        )
    if not review.reason.strip():
        raise Refused(_("Give the reason for your decision."))
    if set(review.checklist) != set(points(access_request)):
        raise Refused(_("Answer every point of the checklist."))
    if scope is not None:
        review.check_allows_approval()
        permissions.check_law_applies(access_request, today)
        _check_scope(access_request, scope, today)

    pk = uuid.uuid4()
    # The database writes the vote and its event, and when it was the last one the new state and the grant.
    database.vote(
        access_request,
        by=by,
        session=session_digest(session_key),
        version=version,
        decision=pk,
        outcome=outcome.value,
        rung=scope.rung if scope else None,
        window_from=scope.window_from if scope else None,
        hours=scope.hours if scope else None,
        openings=scope.openings if scope else None,
        checklist=review.checklist,
        reason=review.reason,
        encrypted_reason=key_of(access_request).encrypt(review.reason.encode(), field=f"decision:{pk}"),
    )
    access_request.refresh_from_db()
    return access_request


def _check_scope(access_request: AccessRequest, scope: Scope, today: date) -> None:
    basis = access_request.basis
    if scope.rung not in Rung.up_to(
        law.highest_rung(basis, access_request.case_purpose)
    ) or scope.rung not in Rung.up_to(access_request.asked_rung):
        raise Refused(_("The answer may not say more than was asked, nor more than the legal basis allows."))
    if why_not := law.why_not_rung(basis, access_request.case_purpose, scope.rung):
        raise Refused(why_not)
    if not 1 <= scope.hours <= basis.grant_hours:
        raise Refused(
            _("Choose between 1 and %(hours)d hours; the legal basis sets the limit.") % {"hours": basis.grant_hours}
        )
    if not 1 <= scope.openings <= basis.grant_openings:
        raise Refused(
            _("Choose between 1 and %(openings)d openings for each person; the legal basis sets the limit.")
            % {"openings": basis.grant_openings}
        )
    earliest = widest_window(access_request, today)
    if earliest is not None and (scope.window_from is None or scope.window_from < earliest):
        raise Refused(
            _("The period may not begin before %(day)s; that is what was asked and what the legal basis allows.")
            % {"day": earliest.isoformat()}
        )
    if scope.window_from is not None and scope.window_from > today:
        raise Refused(_("The period must begin today or earlier."))
    if empty := why_empty(scope.window_from, law.window_of(access_request, today).last):
        raise Refused(empty)


def why_empty(window_from: date | None, last: date | None) -> str:
    """Say why a period that begins after the last day that counts covers nothing; empty where it covers something."""
    if window_from is None or last is None or window_from <= last:
        return ""
    return _(
        "The period may not begin after the new act of %(day)s: nothing would be left of it. Choose that day or an earlier one."
    ) % {"day": last.isoformat()}


def widest_window(access_request: AccessRequest, today: date) -> date | None:
    """Return the first day that an answer may reach back to, or None when neither law nor request sets one."""
    return law.window_of(access_request, today).first


@transaction.atomic(durable=True)
def revoke(grant: Grant, *, by: User, reason: str) -> Grant:
    """End a grant at once, for answers already on a screen too (Rule 5)."""
    permissions.check_can_revoke(by, grant)
    grant = Grant.objects.select_related("access_request").get(pk=grant.pk)
    if grant.revocation is not None:
        raise WrongState(_("This grant was already revoked."))
    if not reason.strip():
        raise Refused(_("Give the reason for your decision."))
    encrypted = key_of(grant.access_request).encrypt(reason.encode(), field=f"revocation:{grant.pk}")
    database.revoke(grant, by=by, reason=reason, encrypted_reason=encrypted)
    del grant.revocation  # what was looked up before is no longer so
    return grant


def visible_decisions(access_request: AccessRequest, *, to: User) -> list[tuple[Decision, str]]:
    """Return the votes this person may read with their reasons: none of an open round but their own (both are blind).

    Who asked reads none: to them one organ decides (access/reading.py).
    """
    if to.pk == access_request.requester_id or not permissions.allowed(_check_may_read_votes, to, access_request):
        return []
    decisions = access_request.decisions.select_related("decider", "decider_organisation").order_by("decided_at")
    if access_request.status == Status.SUBMITTED:
        open_round = decisions.filter(round=access_request.round)
        decisions = decisions.exclude(pk__in=open_round.exclude(decider=to).values("pk"))
    key = key_of(access_request)
    return [(decision, read_reason(key, decision)) for decision in decisions]


def read_reason(key: vault.DataKey, decision: Decision) -> str:
    """Return the reason of a vote; call it only for who may read it."""
    return key.decrypt(bytes(decision.reason), field=f"decision:{decision.pk}").decode()


def _check_may_read_votes(user: User, access_request: AccessRequest) -> None:
    if access_request.receiving_organ is None or not duties.has(
        user, Duty.DECIDE_REQUESTS, access_request.receiving_organ
    ):
        raise NotAllowed(_("This request is not in one of your queues."))
