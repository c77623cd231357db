"""What takes two people: a code that lets somebody choose a password, and changes that one proposes and another enacts."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from access.models.duty import Duty
from access.models.people import Organisation, User
from access.refusals import CODE, DUTY, PROPOSAL, Sentences


class EnrolmentQuerySet(models.QuerySet["Enrolment"]):
    def usable(self) -> EnrolmentQuerySet:
        """Keep the codes that still let their holder in, if they are the newest of their person."""
        return self.filter(used_at=None, until__gt=timezone.now())


class Enrolment(models.Model):
    """A one-time code with which its holder, and nobody else, chooses a password.

    The database keeps digests of what is itself a slow digest of the code, so that nothing here lets anybody in. Rows
    are written by `access_code` and `access_enact` alone; the newest of a person counts.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.PROTECT, related_name="enrolments")
    # Whose halves they are; the second only where it takes two. Both are empty for a code made on the server.
    made_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    second_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    salt = models.BinaryField()
    digest = models.BinaryField()
    second_salt = models.BinaryField(null=True)
    second_digest = models.BinaryField(null=True)
    made_at = models.DateTimeField()
    until = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    objects = EnrolmentQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)


class ProposalKind(models.TextChoices):
    """The kinds; `access_proposalkind` in the database has the functions of each."""

    ENROLMENT = "ENROLMENT", _("Second half of a code")
    DUTY = "DUTY", _("Duty")


class ProposalState(models.TextChoices):
    PROPOSED = "PROPOSED", _("Waits for a second person")
    ENACTED = "ENACTED", _("In force")
    TURNED_DOWN = "TURNED_DOWN", _("Turned down")
    WITHDRAWN = "WITHDRAWN", _("Withdrawn")


@dataclass(frozen=True)
class Rules:
    """All that the code knows of a kind of proposal: a new kind is one more of these, and its row and functions in SQL."""

    # Whoever holds the duty, at the unit that the proposal is about, proposes and decides; the database knows the same.
    decided_by: Duty
    # What may stand against it, in words.
    refusals: tuple[Sentences, ...]
    # What is proposed, with the person, the unit and the duty that it names.
    words: Promise
    # Putting it in force makes the second half of a code, which its second person hands over.
    makes_a_code: bool = False


RULES = {
    ProposalKind.ENROLMENT: Rules(
        Duty.ADMINISTER_PEOPLE, (PROPOSAL, CODE), _("a one-time code for %(person)s"), makes_a_code=True
    ),
    ProposalKind.DUTY: Rules(Duty.ASSIGN_DUTIES, (PROPOSAL, DUTY), _("%(duty)s, at %(unit)s, for %(person)s")),
}
DECIDERS = frozenset(rules.decided_by for rules in RULES.values())


class ProposalQuerySet(models.QuerySet["Proposal"]):
    def decidable_by(self, user: User) -> ProposalQuerySet:
        """Keep what waits for this person: neither proposed by them nor about them."""
        return self._in_reach_of(user).filter(state=ProposalState.PROPOSED).exclude(proposed_by=user)

    def visible_to(self, user: User) -> ProposalQuerySet:
        """Keep what this person decides or has decided, and what they proposed; nothing about themselves."""
        return (self._in_reach_of(user) | self.filter(proposed_by=user)).distinct()

    def _in_reach_of(self, user: User) -> ProposalQuerySet:
        reach = models.Q(pk__in=[])
        for kind, rules in RULES.items():
            reach |= models.Q(kind=kind, unit__in=Organisation.objects.reached_by(user, rules.decided_by))
        return self.filter(reach).exclude(person=user)


class Proposal(models.Model):
    """A change that one person proposed and another puts in force or turns down; written by functions alone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=20, choices=ProposalKind)
    subject = models.CharField(max_length=200)
    unit = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="+")
    person = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    payload = models.JSONField()
    # A digest of what the proposal stood on; when that has changed, it can only be turned down.
    based_on = models.CharField(max_length=64)
    reason = models.TextField()
    state = models.CharField(max_length=12, choices=ProposalState)
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    answer = models.TextField()

    objects = ProposalQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="one_open_proposal_a_subject",
                fields=["kind", "subject"],
                condition=models.Q(state="PROPOSED"),
            ),
            models.CheckConstraint(
                name="decided_change_says_who",
                condition=models.Q(state="PROPOSED", decided_by=None, decided_at=None)
                | ~models.Q(state="PROPOSED") & models.Q(decided_by__isnull=False, decided_at__isnull=False),
            ),
            models.CheckConstraint(
                name="two_people_change",
                condition=models.Q(decided_by=None)
                | models.Q(state="WITHDRAWN", decided_by=models.F("proposed_by"))
                | ~models.Q(state="WITHDRAWN") & ~models.Q(decided_by=models.F("proposed_by")),
            ),
        ]

    def __str__(self) -> str:
        return str(self.get_kind_display())

    @property
    def rules(self) -> Rules:
        """What holds for proposals of its kind."""
        return RULES[ProposalKind(self.kind)]

    @property
    def duty(self) -> Duty | None:
        """The duty that is proposed, where it is one."""
        return Duty(self.payload["duty"]) if "duty" in self.payload else None

    def words(self) -> str:
        """Say what is proposed."""
        duty = self.duty.label if self.duty else ""
        return str(self.rules.words) % {"duty": duty, "unit": self.unit, "person": self.person}
