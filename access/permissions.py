"""May this person do it? One condition, one reason; pages ask the same functions through `allowed`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from access import duties, law
from access.exceptions import NotAllowed, Refused
from access.models import AccessRequest, CasePurpose, Grant, LegalBasis, Organisation, User
from access.models.duty import Duty
from access.models.law import Gate
from access.models.requests import Bar

Law = TypeVar("Law", LegalBasis, CasePurpose)


def allowed(check: Callable[..., None], *subjects: Any) -> bool:
    """Say whether a check passes, so that a button and its action cannot disagree."""
    try:
        check(*subjects)
    except (NotAllowed, Refused):
        return False
    return True


def check_can_file(user: User, today: date) -> None:
    """Raise NotAllowed unless this person files for their unit and its agreement is in force."""
    if not duties.has(user, Duty.FILE_REQUESTS, user.organisation):
        raise NotAllowed(_("You do not file access requests for your unit. Ask whoever assigns duties."))
    check_agreement_holds(user.organisation, today)


def check_agreement_holds(organisation: Organisation, today: date) -> None:
    """Rule 12: without an agreement in force a unit neither asks nor looks."""
    if not organisation.agreement_holds(today):
        raise NotAllowed(
            _(
                "The agreement with your unit has ended, so it cannot file or open requests. Ask the public security organ to renew it."
            )
        )


def check_basis_applies(basis: LegalBasis, organisation: Organisation, today: date) -> None:
    """Refuse, with the citation, a basis that this kind of organisation cannot ask under."""
    if reason := law.why_not_basis(basis, organisation, today, newest=newest_begun(basis, today)):
        raise Refused(reason)


def check_purpose_applies(purpose: CasePurpose, organisation: Organisation, today: date) -> None:
    """Refuse, with the citation, a purpose that this kind of organisation cannot ask for."""
    if reason := law.why_not_purpose(purpose, organisation, today, newest=newest_begun(purpose, today)):
        raise Refused(reason)


def check_law_applies(access_request: AccessRequest, today: date) -> None:
    """Refuse what basis or purpose of a request do not carry today, be it that they did when it was written."""
    check_basis_applies(access_request.basis, access_request.organisation, today)
    if access_request.case_purpose is not None:
        check_purpose_applies(access_request.case_purpose, access_request.organisation, today)


def why_not_law(access_request: AccessRequest, today: date) -> str:
    """Return the reason why basis or purpose of a request carry nothing today; empty where they do."""
    try:
        check_law_applies(access_request, today)
    except Refused as reason:
        return str(reason)
    return ""


def newest_begun(row: Law, today: date) -> Law:
    """Return the newest version of a row of the law that has begun, or the row itself while none has."""
    versions = type(row)._default_manager.filter(code=row.code, valid_from__lte=today)
    return versions.order_by("-version").first() or row


def check_can_edit(user: User, access_request: AccessRequest) -> None:
    """Raise NotAllowed unless this person wrote the request."""
    if user.pk != access_request.requester_id:
        raise NotAllowed(_("Only the person who wrote this request may change it."))


def check_can_decide(user: User, access_request: AccessRequest) -> None:
    """Rule 4: raise NotAllowed with the first bar that keeps this person from voting; the queue asks the same bars."""
    bar = AccessRequest.objects.filter(pk=access_request.pk).bar_against(user)
    if bar is not None:
        raise NotAllowed(bar.label)


def eligible_deciders(access_request: AccessRequest, organ: Organisation) -> list[User]:
    """Return the people who could vote first, were the request sent to this organ."""
    here = AccessRequest.objects.filter(pk=access_request.pk)
    return [
        person
        for person in duties.holders(Duty.DECIDE_REQUESTS, organ)
        if here.bar_against(person, of=access_request, but=Bar.ELSEWHERE) is None
    ]


def check_can_revoke(user: User, grant: Grant) -> None:
    """Raise NotAllowed unless this person decides for the receiving organ and did not ask themselves."""
    organ = grant.access_request.receiving_organ
    if organ is None or not duties.has(user, Duty.DECIDE_REQUESTS, organ):
        raise NotAllowed(_("Only those who decide for the receiving organ may revoke this grant."))
    if user.pk == grant.access_request.requester_id:
        raise NotAllowed(_("You cannot decide your own request."))


def check_can_administer(user: User, organisation: Organisation) -> None:
    """Raise NotAllowed unless this person administers the people of this unit."""
    if not duties.has(user, Duty.ADMINISTER_PEOPLE, organisation):
        raise NotAllowed(_("You do not administer the people of this unit."))


def applicable_bases(organisation: Organisation, today: date) -> tuple[list[LegalBasis], list[tuple[LegalBasis, str]]]:
    """Return the newest versions that this organisation may ask under, and the others each with the reason why not."""
    newest: dict[str, LegalBasis] = {}
    for basis in LegalBasis.objects.filter(valid_from__lte=today).order_by("code", "-version"):
        newest.setdefault(basis.code, basis)
    usable, closed = [], []
    for basis in newest.values():
        if reason := law.why_not_basis(basis, organisation, today, newest=basis):
            closed.append((basis, reason))
        else:
            usable.append(basis)
    usable.sort(key=lambda basis: (basis.gate != Gate.STATE_ORGAN_CASE, basis.code))
    return usable, closed
