"""What takes two people: one proposes, another puts it in force or turns it down."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from access import codes, database, refusals
from access.codes import Code, Part
from access.exceptions import NotAllowed, Refused
from access.models import Enrolment, Proposal, User
from access.models.proposals import ProposalState
from access.sessions import session_digest


@transaction.atomic(durable=True)
def enact(proposal: Proposal, *, by: User, session_key: str) -> Code | None:
    """Put a proposal in force as its second person, who has confirmed their identity for it in this session.

    Of a code, return the second half, which is on no other page.
    """
    proposal = _fresh(proposal)
    refusals.check(database.proposal_refusal(proposal, by=by), *proposal.rules.refusals)
    session = session_digest(session_key)
    if not proposal.rules.makes_a_code:
        database.enact(proposal, by=by, session=session)
        return None
    part, salt = codes.new_part(), codes.new_salt()
    secret = {"salt": salt.hex(), "digest": codes.digest(part, salt).hex()}
    database.enact(proposal, by=by, session=session, secret=secret)
    until = Enrolment.objects.filter(user=proposal.person).latest("made_at").until
    return Code(codes.grouped(part), Part.SECOND, until)


@transaction.atomic(durable=True)
def turn_down(proposal: Proposal, *, by: User, reason: str) -> None:
    """Turn a proposal down with a reason; whoever proposed it takes it back so, without one."""
    proposal = _fresh(proposal)
    if proposal.state != ProposalState.PROPOSED:
        refusals.check("DECIDED", refusals.PROPOSAL)
    is_own = proposal.proposed_by_id == by.pk
    if not is_own and not Proposal.objects.decidable_by(by).filter(pk=proposal.pk).exists():
        raise NotAllowed(_("You do not decide this proposal."))
    if not is_own and not reason.strip():
        raise Refused(_("Give the reason why it is turned down."))
    database.turn_down(proposal, by=by, reason=reason.strip())


def _fresh(proposal: Proposal) -> Proposal:
    """Read it anew; the function that decides it locks the row, which the application may not."""
    return Proposal.objects.select_related("person", "unit").get(pk=proposal.pk)
