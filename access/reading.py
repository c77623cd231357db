"""What pages say of a decision and of its end: one decision of the organ to who asked, the votes to who decides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access import permissions
from access.actions.decisions import read_reason
from access.actions.requests import key_of
from access.models import AccessRequest, Decision, Grant, Organisation, User
from access.models.law import Gate
from access.models.requests import PERSON_POINT, CheckPoint, Outcome, Status

# What a refusal rests on, where a point of the checklist was answered with no. The interest of a decider is their own.
GROUNDS: dict[str, Promise] = {
    CheckPoint.ORGANISATION.value: gettext_lazy("The unit is not one that this basis covers."),
    CheckPoint.PURPOSE.value: gettext_lazy("The basis does not fit the stated reason."),
    CheckPoint.SCOPE.value: gettext_lazy("The scope is more than the least that serves the purpose."),
    CheckPoint.DOCUMENTS.value: gettext_lazy("The letter is not complete and genuine."),
    PERSON_POINT: gettext_lazy("It is not established that name and number of everybody asked about belong together."),
}


@dataclass(frozen=True)
class OrganDecision:
    """What an organ decided in one round; never who of its people voted how."""

    round: int
    outcome: Outcome
    organ: Organisation | None
    at: datetime
    reason: str
    grounds: list[str]


@dataclass(frozen=True)
class SaidRevocation:
    """When, by which organ and why a grant was ended."""

    at: datetime
    organ: Organisation | None
    reason: str
    # For those who decide; who asked reads the organ.
    by: User | None

    @property
    def sentence(self) -> str:
        """When it ended and which organ ended it; no person is named."""
        if self.organ is None:
            return _("Ended on %(moment)s, because an older state of the database had to be put back.") % {
                "moment": moment(self.at)
            }
        return _("Revoked on %(moment)s by %(organ)s.") % {"moment": moment(self.at), "organ": self.organ}


def moment(at: datetime) -> str:
    """Return a moment in local time, to the minute."""
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}"


def organ_decisions(access_request: AccessRequest) -> list[OrganDecision]:
    """Return what was decided, oldest first: a round that was only begun has no decision, and its votes stay unsaid.

    Where two vote, the reasons are those of the votes that carry the outcome, as one text: neither how many there are
    nor whose tells of somebody who voted otherwise.
    """
    rounds: dict[int, list[Decision]] = {}
    for vote in access_request.decisions.order_by("decided_at"):
        rounds.setdefault(vote.round, []).append(vote)
    decided = [_of_round(access_request, votes) for votes in rounds.values()]
    return [decision for decision in decided if decision]


def _of_round(access_request: AccessRequest, votes: list[Decision]) -> OrganDecision | None:
    outcome: Outcome | None = None
    if any(vote.outcome == Outcome.RETURN for vote in votes):
        outcome = Outcome.RETURN
    elif votes[0].round == access_request.round:
        concluded = {Status.APPROVED.value: Outcome.APPROVE, Status.REFUSED.value: Outcome.REFUSE}
        outcome = concluded.get(access_request.status)
    if outcome is None:
        return None
    carrying = [vote for vote in votes if vote.outcome == outcome]
    key = key_of(access_request)
    reasons = [read_reason(key, vote) for vote in carrying]
    failed = {
        PERSON_POINT if point.startswith(PERSON_POINT) else point
        for vote in carrying
        for point, holds in vote.checklist.items()
        if not holds
    }
    return OrganDecision(
        round=votes[0].round,
        outcome=outcome,
        organ=access_request.receiving_organ,
        at=votes[-1].decided_at,
        reason="\n".join(dict.fromkeys(reasons)),
        grounds=[str(sentence) for point, sentence in GROUNDS.items() if point in failed],
    )


def narrowing_organs(grant: Grant, *, to: User) -> list[Organisation]:
    """Return whose votes narrowed what was asked; to who asked it is the organ that decides, and no unit inside it."""
    access_request = grant.access_request
    if not grant.narrowed:
        return []
    if to.pk == access_request.requester_id or not permissions.allowed(permissions.check_can_revoke, to, grant):
        return [access_request.receiving_organ] if access_request.receiving_organ else []
    votes = access_request.decisions.filter(round=grant.round).select_related("decider_organisation")
    return list(dict.fromkeys(vote.decider_organisation for vote in votes.order_by("decided_at") if vote.narrowed))


def revocation_of(grant: Grant) -> SaidRevocation | None:
    """Return the revocation that counts with its reason; its readers are those of the request and of the grant."""
    found = grant.revocation
    if found is None:
        return None
    if found.by_id is None or found.by_organisation_id is None:
        return SaidRevocation(found.at, organ=None, reason="", by=None)
    reason = key_of(grant.access_request).decrypt(bytes(found.reason), field=f"revocation:{grant.pk}")
    return SaidRevocation(
        found.at,
        organ=Organisation.objects.get(pk=found.by_organisation_id),
        reason=reason.decode(),
        by=User.objects.get(pk=found.by_id),
    )


def revoking_organs(rows: Iterable[AccessRequest | Grant]) -> dict[UUID | None, Organisation]:
    """Return by id the organs that revoked the grants of a list, in one query."""
    ids = {row.revoked_by_id for row in rows if row.revoked_by_id}
    return dict(Organisation.objects.in_bulk(ids)) if ids else {}


def remedy_of(access_request: AccessRequest) -> str:
    """Say what whoever is refused can do about it, with the citation; which it is for a unit, REFUSAL_REMEDY says."""
    if access_request.basis.gate == Gate.STATE_ORGAN_CASE or settings.REFUSAL_REMEDY == "ORGAN_ABOVE":
        return _(
            "If your unit does not agree, it may file a new request with better reasons, or raise the matter with the organ above %(organ)s."
        ) % {"organ": access_request.receiving_organ}
    return _(
        "If your unit does not agree, it may apply for administrative reconsideration within sixty days of the day on which it learned of this decision (Administrative Reconsideration Law, Art. 11(15) and Art. 20(1)), or bring an action before a people's court within six months (Administrative Litigation Law, Art. 44(1) and Art. 46(1))."
    )
