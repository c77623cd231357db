"""Deciding: votes, the grant that follows, and its revocation."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from access import duties, law, permissions
from access.actions.requests import _lock, _save, key_of
from access.exceptions import NotAllowed, Refused, WrongState
from access.models import AccessRequest, Decision, Grant, User
from access.models.law import RecordFilter, Rung
from access.models.requests import CheckPoint, Outcome, Status
from audit import trail
from audit.trail import EventType


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


def approve(access_request: AccessRequest, *, by: User, review: Review, scope: Scope) -> AccessRequest:
    """Vote to let the requester open an answer within `scope`; the last approval makes the grant."""
    return _vote(access_request, Outcome.APPROVE, by=by, review=review, scope=scope)


def refuse(access_request: AccessRequest, *, by: User, review: Review) -> AccessRequest:
    """Vote not to show anything; where two must approve, one refusal decides once both have voted."""
    return _vote(access_request, Outcome.REFUSE, by=by, review=review)


def return_for_correction(access_request: AccessRequest, *, by: User, review: Review) -> AccessRequest:
    """Send the request back to be corrected; votes of this round fall, and the clock stops."""
    return _vote(access_request, Outcome.RETURN, by=by, review=review)


@transaction.atomic(durable=True)
def _vote(
    access_request: AccessRequest, outcome: Outcome, *, by: User, review: Review, scope: Scope | None = None
) -> AccessRequest:
    target = {Outcome.APPROVE: Status.APPROVED, Outcome.REFUSE: Status.REFUSED, Outcome.RETURN: Status.RETURNED}[
        outcome
    ]
    access_request = _lock(access_request, to=target)
    permissions.check_can_decide(by, access_request)
    now = trail.database_now()
    today = timezone.localdate(now)
    if not access_request.organisation.agreement_holds(today):
        raise Refused(
            _("The agreement with the requesting unit has ended; this request cannot be decided until it is renewed.")
        )
    if not review.reason.strip():
        raise Refused(_("Give the reason for your decision."))
    if set(review.checklist) != set(CheckPoint.values):
        raise Refused(_("Answer every point of the checklist."))
    if scope is not None:
        if not all(review.checklist.values()):
            raise Refused(_("A point of the checklist is answered with no; refuse the request or return it."))
        permissions.check_basis_applies(access_request.basis, access_request.organisation, today)
        _check_scope(access_request, scope, today)

    pk = uuid.uuid4()
    decision = Decision.objects.create(
        pk=pk,
        access_request=access_request,
        round=access_request.round,
        decider=by,
        decider_organisation=by.organisation,
        outcome=outcome,
        basis=access_request.basis,
        rung=scope.rung if scope else "",
        window_from=scope.window_from if scope else None,
        hours=scope.hours if scope else None,
        openings=scope.openings if scope else None,
        checklist=review.checklist,
        reason=key_of(access_request).encrypt(review.reason.encode(), field=f"decision:{pk}"),
        decided_at=now,
    )
    trail.write(
        EventType.REQUEST_VOTED,
        by=by,
        on=access_request,
        texts={"reason": review.reason},
        number=access_request.number,
        decision=str(pk),
        outcome=outcome.value,
        rung=decision.rung,
        hours=decision.hours or 0,
        openings=decision.openings or 0,
        basis=access_request.basis.code,
        basis_version=access_request.basis.version,
        round=access_request.round,
    )
    if outcome == Outcome.RETURN:
        access_request.returned_at = now
        return _conclude(access_request, Status.RETURNED, EventType.REQUEST_RETURNED, by)
    votes = list(access_request.decisions.filter(round=access_request.round))
    if len(votes) < access_request.approvals_needed:
        return access_request
    access_request.decided_at = now
    if any(vote.outcome == Outcome.REFUSE for vote in votes):
        return _conclude(access_request, Status.REFUSED, EventType.REQUEST_REFUSED, by)
    _conclude(access_request, Status.APPROVED, EventType.REQUEST_APPROVED, by)
    _grant(access_request, votes, now, by=by)
    return access_request


def _conclude(access_request: AccessRequest, status: Status, kind: EventType, by: User) -> AccessRequest:
    access_request.status = status
    access_request.version += 1
    _save(access_request, by)
    trail.write(kind, by=by, on=access_request, number=access_request.number, round=access_request.round)
    return access_request


def _check_scope(access_request: AccessRequest, scope: Scope, today: date) -> None:
    basis = access_request.basis
    if scope.rung not in Rung.up_to(basis.highest_rung) or scope.rung not in Rung.up_to(access_request.asked_rung):
        raise Refused(_("The answer may not say more than was asked, nor more than the legal basis allows."))
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


def widest_window(access_request: AccessRequest, today: date) -> date | None:
    """Return the first day that an answer may reach back to, or None when neither law nor request sets one."""
    return law.window_of(access_request, today).first


def _grant(access_request: AccessRequest, votes: list[Decision], now: datetime, *, by: User) -> Grant:
    """Freeze the narrowest of what the approvers allow (Rules 5 to 7, 10)."""
    basis, purpose = access_request.basis, access_request.case_purpose
    rungs = list(Rung)
    hours = min(vote.hours for vote in votes if vote.hours)
    openings = min(vote.openings for vote in votes if vote.openings)
    people = access_request.current_subjects.count()
    grant = Grant.objects.create(
        access_request=access_request,
        round=access_request.round,
        basis=basis,
        case_purpose=purpose,
        rung=min((vote.rung for vote in votes), key=lambda rung: rungs.index(Rung(rung))),
        categories=law.categories_of(access_request),
        record_filter=RecordFilter(basis.record_filter),
        filter_count=law.least_records(basis, purpose),
        window_from=max((vote.window_from for vote in votes if vote.window_from), default=None),
        window_until=law.window_of(access_request, timezone.localdate(now)).last,
        decision_on=access_request.decision_on,
        adult_acts_only=law.adult_acts_only(access_request.organisation),
        starts_at=now,
        ends_at=now + timedelta(hours=hours),
        openings_allowed=openings * people,
    )
    duties.let(access_request.requester, "open_grant", grant)
    trail.write(
        EventType.REQUEST_APPROVED,
        by=by,
        on=grant,
        number=access_request.number,
        rung=grant.rung,
        categories=list(grant.categories),
        hours=hours,
        openings=grant.openings_allowed,
        basis=basis.code,
        basis_version=basis.version,
    )
    return grant


@transaction.atomic(durable=True)
def revoke(grant: Grant, *, by: User, reason: str) -> Grant:
    """End a grant at once, for answers already on a screen too (Rule 5)."""
    grant = Grant.objects.select_for_update(of=("self",)).select_related("access_request").get(pk=grant.pk)
    permissions.check_can_revoke(by, grant)
    if grant.revoked_at is not None:
        raise WrongState(_("This grant was already revoked."))
    if not reason.strip():
        raise Refused(_("Give the reason for your decision."))
    grant.revoked_at = trail.database_now()
    grant.revoked_by = by
    grant.save(update_fields=["revoked_at", "revoked_by"])
    trail.write(EventType.GRANT_REVOKED, by=by, on=grant, texts={"reason": reason}, number=grant.access_request.number)
    return grant


def visible_decisions(access_request: AccessRequest, *, to: User) -> list[tuple[Decision, str]]:
    """Return the votes this person may read with their reasons: none of an open round but their own (both are blind)."""
    if to.pk != access_request.requester_id and not permissions.allowed(_check_may_read_votes, to, access_request):
        return []
    decisions = access_request.decisions.select_related("decider", "decider_organisation").order_by("decided_at")
    if access_request.status == Status.SUBMITTED:
        open_round = decisions.filter(round=access_request.round)
        decisions = decisions.exclude(pk__in=open_round.exclude(decider=to).values("pk"))
    key = key_of(access_request)
    return [
        (decision, key.decrypt(bytes(decision.reason), field=f"decision:{decision.pk}").decode())
        for decision in decisions
    ]


def _check_may_read_votes(user: User, access_request: AccessRequest) -> None:
    if access_request.receiving_organ is None or not duties.has(
        user, duties.Duty.DECIDE_REQUESTS, access_request.receiving_organ
    ):
        raise NotAllowed(_("This request is not in one of your queues."))
