"""People and organisations; the law as data; requests, decisions and grants."""

from access.models.law import CasePurpose, LegalBasis, WorkingDay
from access.models.people import (
    Organisation,
    OrganisationGroupObjectPermission,
    OrganisationUserObjectPermission,
    User,
)
from access.models.requests import (
    AccessRequest,
    Decision,
    Grant,
    GrantGroupObjectPermission,
    GrantUserObjectPermission,
    IdentityConfirmation,
    Letter,
    Opening,
    RequestSubject,
    Undertaking,
)

__all__ = [
    "AccessRequest",
    "CasePurpose",
    "Decision",
    "Grant",
    "GrantGroupObjectPermission",
    "GrantUserObjectPermission",
    "IdentityConfirmation",
    "LegalBasis",
    "Letter",
    "Opening",
    "Organisation",
    "OrganisationGroupObjectPermission",
    "OrganisationUserObjectPermission",
    "RequestSubject",
    "Undertaking",
    "User",
    "WorkingDay",
]
