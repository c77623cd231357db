"""Units, people and duties. Three people keep the system: who administers, who assigns duties, who oversees."""

from __future__ import annotations

from datetime import date, timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from access import codes, database, identifiers, kinds, permissions, refusals, sessions
from access.codes import Code, Part
from access.exceptions import NotAllowed, Refused, WrongState
from access.models import Enrolment, Organisation, Proposal, User
from access.models.duty import DANGEROUS, Duty
from access.models.people import POLICE_KINDS
from access.models.proposals import ProposalKind, ProposalState
from access.questions import Question
from audit import trail


@transaction.atomic(durable=True)
def create_organisation(
    *,
    by: User | None,
    name: str,
    name_en: str,
    kind: str,
    code: str,
    region_code: str,
    parent: Organisation | None = None,
    agreement_ends_on: date | None = None,
) -> Organisation:
    """Add a unit to the tree; `by` is None only while a system is set up from the command line."""
    if by is not None:
        if parent is None:
            raise NotAllowed(_("A unit without a unit above it is made when the system is set up."))
        permissions.check_can_administer(by, parent)
    code = identifiers.check_organ_code(code) if kind in POLICE_KINDS else identifiers.check_uscc(code)
    organisation = Organisation(
        name=name,
        name_en=name_en,
        kind=kind,
        code=code,
        region_code=region_code,
        parent=parent,
        path=(parent.path if parent else "") + code + "/",
        agreement_ends_on=agreement_ends_on,
    )
    organisation._history_user = by
    organisation.save()
    trail.write(kinds.ORGANISATION_CREATED, by=by, on=organisation, code=code, unit_kind=kind)
    return organisation


@transaction.atomic(durable=True)
def change_agreement(organisation: Organisation, *, by: User, ends_on: date) -> Organisation:
    """Set the last day of a unit's agreement; a day in the past ends filing, deciding, opening and sessions at once."""
    organisation = Organisation.objects.select_for_update().get(pk=organisation.pk)
    permissions.check_can_administer(by, organisation)
    if organisation.is_police:
        raise Refused(_("A public security organ has no agreement."))
    organisation.agreement_ends_on = ends_on
    organisation._history_user = by
    organisation.save(update_fields=["agreement_ends_on"])
    trail.write(kinds.AGREEMENT_CHANGED, by=by, on=organisation, ends_on=ends_on.isoformat())
    if ends_on < timezone.localdate():
        sessions.end_all(*User.objects.filter(organisation=organisation))
    return organisation


@transaction.atomic(durable=True)
def create_user(
    *,
    by: User | None,
    username: str,
    full_name: str,
    badge_number: str,
    organisation: Organisation,
    by_two: bool = False,
) -> tuple[User, Code]:
    """Enter a person without a password or a duty, and return the code (the first half, `by_two`) that is on no other page.

    `by` is None only on the server, while a system is set up.
    """
    if by is not None:
        permissions.check_can_administer(by, organisation)
    user = User(username=username, full_name=full_name, badge_number=badge_number, organisation=organisation)
    user.set_unusable_password()
    user._history_user = by
    user.save()
    trail.write(kinds.USER_CREATED, by=by, on=user, unit=organisation.code)
    if by is not None and by_two:
        return user, _propose_code(user, by=by, reason="")
    return user, _make_code(user, by=by)


@transaction.atomic(durable=True)
def renew_code(user: User, *, by: User | None, reason: str = "", by_two: bool = False) -> Code:
    """Make a new code for somebody who lost a password or a second factor; both stay until the code is used.

    For who holds a dangerous duty, or is about to (`by_two`), this is the first half; another administrator makes the
    second. `by` is None on the server.
    """
    user = _lock(user)
    if by is not None and (by_two or database.needs_two(user)):
        return _propose_code(user, by=by, reason=reason)
    return _make_code(user, by=by)


@transaction.atomic(durable=True)
def enrol(*, by: str, code: str, password: str) -> User | None:
    """Let whoever holds the code of this user name choose the password; None when name and code do not fit.

    Old second factors go with the old password, and whoever was signed in is not any more. It takes as long for a name
    that does not exist. Refused, with the code unused, when the password is too weak for this person.
    """
    user = User.objects.filter(username__iexact=by).first()
    enrolment = user and Enrolment.objects.filter(user=user).order_by("-made_at").first()
    first, second = codes.read(code)
    first_salt = bytes(enrolment.salt) if enrolment else codes.new_salt()
    second_salt = bytes(enrolment.second_salt or b"") if enrolment else b""
    enrolled = database.enrol(
        enrolment.pk if enrolment else None,
        first=codes.slow(first, first_salt),
        second=codes.slow(second, second_salt or codes.new_salt()) if second else None,
        password=(user or User()).hash_of(password),
    )
    if not enrolled or user is None:
        return None
    try:
        # Only whoever holds the code learns what of the account the password may not hold; the code stays unused.
        validate_password(password, user)
    except ValidationError as error:
        raise Refused(" ".join(error.messages)) from None
    sessions.end_all(user)
    return user


@transaction.atomic(durable=True)
def disable_user(user: User, *, by: User) -> User:
    """Shut a person out: their sessions end now, and with them everything they had open (Rule 5)."""
    user = _lock(user)
    permissions.check_can_administer(by, user.organisation)
    if user.pk == by.pk:
        raise NotAllowed(_("You cannot disable yourself."))
    if database.is_last_overseer(user):
        raise Refused(
            _(
                "Nobody else at the top administers people, assigns duties or oversees as this person does. Let somebody else hold that duty first."
            )
        )
    user.is_active = False
    user._history_user = by
    with database.translated():  # asked again where two at once wait for each other (access_keep_overseers)
        user.save()
    sessions.end_all(user)
    trail.write(kinds.USER_DISABLED, by=by, on=user)
    return user


@transaction.atomic(durable=True)
def enable_user(user: User, *, by: User) -> User:
    """Let a disabled person sign in again, with the duties that they held."""
    user = _lock(user)
    permissions.check_can_administer(by, user.organisation)
    user.is_active = True
    user._history_user = by
    user.save()
    trail.write(kinds.USER_ENABLED, by=by, on=user)
    return user


@transaction.atomic(durable=True)
def give_duty(
    user: User, duty: Duty, organisation: Organisation, *, by: User | None, reason: str = ""
) -> Proposal | None:
    """Give a person a duty, or propose it where two have to agree; `by` is None only on the server."""
    user = _lock(user)
    refusals.check(database.duty_refusal(user, duty.value, organisation, by=by), refusals.DUTY)
    if by is not None and duty in DANGEROUS:
        return _propose_duty(user, duty, organisation, by=by, reason=reason)
    database.give_duty(user, duty.value, organisation, by=by)
    return None


@transaction.atomic(durable=True)
def withdraw_duty(user: User, duty: Duty, organisation: Organisation, *, by: User) -> None:
    """Take a duty away, from now on; what the person has open ends with their sessions."""
    user = _lock(user)
    refusals.check(database.withdrawal_refusal(user, duty.value, organisation, by=by), refusals.DUTY)
    database.withdraw_duty(user, duty.value, organisation, by=by)
    sessions.end_all(user)


@transaction.atomic(durable=True)
def store_password_anew(user: User, password: str) -> None:
    """Keep the same password in the way that is current now; the sign-in that it has just let in is the chance."""
    fresh = _lock(user)
    fresh.set_password(password)
    fresh._history_user = user
    fresh.save()
    trail.write(kinds.PASSWORD_REHASHED, by=user, on=user)
    user.password = fresh.password


CODES_MADE = Question(
    lambda user: Enrolment.objects.filter(user=user).select_related("made_by", "second_by").order_by("-made_at")
)
# How long the desk tells somebody that their password was chosen anew.
TOLD = timedelta(days=14)


def notices(user: User) -> list[str]:
    """Say what somebody has to know about codes for their account: one that waits to be used, one that was used lately.

    The first code of an account is left out: its holder has just used it.
    """
    codes_made = CODES_MADE.of(user)[:2]
    if not codes_made or (len(codes_made) == 1 and codes_made[0].used_at):
        return []
    newest, now = codes_made[0], timezone.now()
    moment = timezone.localtime(newest.used_at or newest.made_at)
    words = {"day": f"{moment:%Y-%m-%d %H:%M}", "by": _makers(newest)}
    if newest.used_at is None and newest.until > now:
        return [
            _(
                "A new one-time code for your account was made on %(day)s by %(by)s. If you did not ask for one, tell whoever assigns duties or oversees at once."
            )
            % words
        ]
    if newest.used_at and newest.used_at > now - TOLD:
        return [
            _(
                "Your password was chosen anew on %(day)s with a one-time code of %(by)s, and older second factors were removed. If that was not you, tell whoever assigns duties or oversees at once."
            )
            % words
        ]
    return []


def _makers(enrolment: Enrolment) -> str:
    if enrolment.made_by is None:
        return _("the server's administrator")
    return " · ".join(str(one) for one in (enrolment.made_by, enrolment.second_by) if one)


def _make_code(user: User, *, by: User | None) -> Code:
    """Make a code of which one person knows the whole."""
    refusals.check(database.code_refusal(user, by=by), refusals.CODE)
    part, salt = codes.new_part(), codes.new_salt()
    until = database.make_code(user, by=by, salt=salt, digest=codes.digest(part, salt))
    return Code(codes.grouped(part), Part.WHOLE, until)


def _propose_code(user: User, *, by: User, reason: str) -> Code:
    """Make the first half of a code, whose second half somebody else has to make."""
    refusals.check(database.code_refusal(user, by=by), refusals.CODE)
    if Proposal.objects.filter(
        kind=ProposalKind.ENROLMENT, subject=str(user.pk), state=ProposalState.PROPOSED
    ).exists():
        raise Refused(
            _(
                "The first half of a code for this person waits for its second half already. Whoever made it may withdraw the proposal."
            )
        )
    part, salt = codes.new_part(), codes.new_salt()
    payload = {"salt": salt.hex(), "digest": codes.digest(part, salt).hex()}
    database.propose(
        ProposalKind.ENROLMENT.value,
        str(user.pk),
        by=by,
        payload=payload,
        reason=reason,
        person=user,
        unit=user.organisation,
    )
    return Code(codes.grouped(part), Part.FIRST)


def _propose_duty(user: User, duty: Duty, organisation: Organisation, *, by: User, reason: str) -> Proposal:
    """Propose a dangerous duty as `give_duty` has asked every rule."""
    if not reason.strip():
        raise Refused(_("This duty takes two people: give the reason, so that the second one can judge it."))
    subject = f"{user.pk}/{organisation.pk}/{duty.value}"
    if Proposal.objects.filter(kind=ProposalKind.DUTY, subject=subject, state=ProposalState.PROPOSED).exists():
        raise WrongState(_("This duty is proposed already and waits for a second person."))
    pk = database.propose(
        ProposalKind.DUTY.value,
        subject,
        by=by,
        payload={"duty": duty.value},
        reason=reason.strip(),
        person=user,
        unit=organisation,
    )
    return Proposal.objects.get(pk=pk)


def _lock(user: User) -> User:
    return User.objects.select_for_update(of=("self",)).select_related("organisation").get(pk=user.pk)
