"""People and organisations; the law as data; requests, decisions and grants."""

from access.models.attempts import Attempt
from access.models.law import CasePurpose, LegalBasis, UndertakingText, WorkingDay
from access.models.people import (
    Organisation,
    OrganisationGroupObjectPermission,
    OrganisationUserObjectPermission,
    User,
)
from access.models.proposals import Enrolment, Proposal
from access.models.requests import (
    AccessRequest,
    ActKind,
    ConfirmationUse,
    Decision,
    Grant,
    GrantExpiry,
    GrantGroupObjectPermission,
    GrantUserObjectPermission,
    IdentityConfirmation,
    Letter,
    Opening,
    OpeningExtension,
    PopulationQuestion,
    RequestSubject,
    Revocation,
    Undertaking,
)
from access.models.sessions import Session, SessionEnd

__all__ = [
    "AccessRequest",
    "ActKind",
    "Attempt",
    "CasePurpose",
    "ConfirmationUse",
    "Decision",
    "Enrolment",
    "Grant",
    "GrantExpiry",
    "GrantGroupObjectPermission",
    "GrantUserObjectPermission",
    "IdentityConfirmation",
    "LegalBasis",
    "Letter",
    "Opening",
    "OpeningExtension",
    "Organisation",
    "OrganisationGroupObjectPermission",
    "OrganisationUserObjectPermission",
    "PopulationQuestion",
    "Proposal",
    "RequestSubject",
    "Revocation",
    "Session",
    "SessionEnd",
    "Undertaking",
    "UndertakingText",
    "User",
    "WorkingDay",
]
