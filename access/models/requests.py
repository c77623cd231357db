"""A request names a person, a legal basis and a reason; a decision answers it; a grant ends by itself."""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import reduce
from operator import or_
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Coalesce, Now
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from access.models.duty import Duty
from access.models.law import CasePurpose, LegalBasis, RecordFilter, Rung, UndertakingText
from access.models.people import Organisation, User, held_duties, history
from access.models.sessions import DATABASE_NOW


class Status(models.TextChoices):
    DRAFT = "DRAFT", _("Draft")
    SUBMITTED = "SUBMITTED", _("Waiting for a decision")
    RETURNED = "RETURNED", _("Returned for correction")
    APPROVED = "APPROVED", _("Approved")
    REFUSED = "REFUSED", _("Refused")
    WITHDRAWN = "WITHDRAWN", _("Withdrawn")
    LAPSED = "LAPSED", _("Lapsed")


# Every legal move (Rule 9); docs/states.md shows the same and a test compares them.
TRANSITIONS: dict[Status, set[Status]] = {
    Status.DRAFT: {Status.SUBMITTED, Status.WITHDRAWN},
    Status.SUBMITTED: {Status.APPROVED, Status.REFUSED, Status.RETURNED, Status.WITHDRAWN},
    Status.RETURNED: {Status.SUBMITTED, Status.WITHDRAWN, Status.LAPSED},
    Status.APPROVED: set(),
    Status.REFUSED: set(),
    Status.WITHDRAWN: set(),
    Status.LAPSED: set(),
}
EDITABLE = {Status.DRAFT, Status.RETURNED}


class Bar(models.TextChoices):
    """What bars somebody from deciding a request (Rule 4), and what they are told."""

    OWN = "OWN", _("You cannot decide your own request.")
    # A deputy of one's own is not somebody else.
    APPOINTED = "APPOINTED", _("The requester gave you the duty to decide; somebody else must decide this request.")
    ELSEWHERE = "ELSEWHERE", _("This request is not in one of your queues.")
    VOTED = "VOTED", _("You have voted; a second person decides.")
    OWN_UNIT = "OWN_UNIT", _("This request comes from your own unit; somebody from another unit must decide it.")
    # Two approvers are two people from two units.
    UNIT_VOTED = (
        "UNIT_VOTED",
        _("Somebody from your unit has already voted; the second approver must come from another unit."),
    )


def bars(user: User, *, of: AccessRequest | None = None) -> dict[Bar, models.Q]:
    """Return, for each bar, which requests it keeps this person from: queue, badge, button and guard all ask here.

    `of` is one that is about to be saved: its round and its approvals are those it will have. The database judges for
    itself (`access_may_decide`); a test compares the two over every state and role.
    """
    votes = Decision.objects.filter(
        access_request=models.OuterRef("pk"), round=of.round if of is not None else models.OuterRef("round")
    )
    requester = models.OuterRef("requester")
    by_requester = models.Q(given_by=requester) | models.Q(consented_by=requester)
    held = held_duties().filter(user=user, permission__codename=Duty.DECIDE_REQUESTS)
    two_or_more = models.Q(approvals_needed__gt=1) if of is None else models.Q(models.Value(of.approvals_needed > 1))
    of_two_units = models.Q(basis__two_units=True) | two_or_more
    reached = Organisation.objects.reached_by(user, Duty.DECIDE_REQUESTS)
    return {
        Bar.OWN: models.Q(requester=user),
        Bar.APPOINTED: models.Q(models.Exists(held.filter(by_requester))),
        Bar.ELSEWHERE: ~models.Q(receiving_organ__in=reached) | models.Q(receiving_organ__isnull=True),
        Bar.VOTED: models.Q(models.Exists(votes.filter(decider=user))),
        Bar.OWN_UNIT: of_two_units & models.Q(organisation=user.organisation_id),
        Bar.UNIT_VOTED: of_two_units & models.Q(models.Exists(votes.filter(decider_organisation=user.organisation_id))),
    }


class AccessRequestQuerySet(models.QuerySet["AccessRequest"]):
    def filed_by(self, user: User) -> AccessRequestQuerySet:
        """Keep the requests this person wrote."""
        return self.filter(requester=user)

    def listed(self, *more: str) -> AccessRequestQuerySet:
        """Read what lists show, with unit, basis and purpose by name: of what is written inside, and of the law, nothing."""
        return self.select_related("organisation", "basis", "case_purpose").only(
            "number", "status", "round", "approvals_needed", "submitted_at", "due_at", "decided_at",
            "organisation__name", "organisation__name_en", "basis__title_zh", "basis__title_en",
            "case_purpose__title_zh", "case_purpose__title_en", *more,
        ).with_outcome()  # fmt: skip

    def with_outcome(self) -> AccessRequestQuerySet:
        """Add what "approved" does not say by itself: `is_narrowed`, `revoked_at` and `revoked_by_id`."""
        grants = Grant.objects.filter(access_request=models.OuterRef("pk"))
        of_grant = Grant.objects.filter(access_request=models.OuterRef(models.OuterRef("pk"))).values("pk")
        first = Revocation.objects.filter(grant_id__in=of_grant).order_by("at")
        return self.annotate(
            is_narrowed=models.Exists(grants.filter(narrowed__len__gt=0)),
            revoked_at=models.Subquery(first.values("at")[:1]),
            revoked_by_id=models.Subquery(first.values("by_organisation_id")[:1]),
        )

    def decidable_by(self, user: User) -> AccessRequestQuerySet:
        """Keep the submitted requests that nothing bars this person from deciding (Rule 4)."""
        return self.filter(status=Status.SUBMITTED).exclude(reduce(or_, bars(user).values()))

    def bar_against(self, user: User, *, of: AccessRequest | None = None, but: Bar | None = None) -> Bar | None:
        """Return the first bar that keeps this person from deciding the one request that is here, or None.

        `but` is not looked at, and `of` is the request as it is about to be saved.
        """
        looked_at = {bar: condition for bar, condition in bars(user, of=of).items() if bar != but}
        wrapped = {
            f"bar_{bar.lower()}": models.ExpressionWrapper(condition, models.BooleanField())
            for bar, condition in looked_at.items()
        }
        [stands] = self.annotate(**wrapped).values_list(*wrapped)
        return next((bar for bar, is_so in zip(looked_at, stands, strict=True) if is_so), None)

    def in_queues_of(self, user: User) -> AccessRequestQuerySet:
        """Keep what was ever submitted to a unit this person decides for, except what they wrote themselves."""
        return self.filter(
            submitted_at__isnull=False,
            receiving_organ__in=Organisation.objects.reached_by(user, Duty.DECIDE_REQUESTS),
        ).exclude(requester=user)

    def visible_to(self, user: User) -> AccessRequestQuerySet:
        """Keep the requests whose pages exist for this person: their own, and those in their queues."""
        in_queues = models.Q(pk__in=self.in_queues_of(user).values("pk"))
        return self.filter(models.Q(requester=user) | in_queues)


class AccessRequest(models.Model):
    """One legal basis, one organisation, one purpose, one or more people; it cannot even name a record."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.CharField(_("number"), max_length=20, unique=True)
    status = models.CharField(_("state"), max_length=10, choices=Status, default=Status.DRAFT)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="access_requests")
    requester = models.ForeignKey(User, models.PROTECT, related_name="access_requests")
    basis = models.ForeignKey(LegalBasis, models.PROTECT)
    case_purpose = models.ForeignKey(CasePurpose, models.PROTECT, null=True)
    receiving_organ = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="received_requests")
    asked_rung = models.CharField(max_length=10, choices=Rung, default=Rung.PRESENCE)
    asked_from = models.DateField(null=True)
    # What the case purpose needs: the day and the kind of the new act, or the day of the decision under review.
    act_on = models.DateField(_("day of the new act"), null=True)
    act_kind = models.CharField(_("kind of the new act"), max_length=40, blank=True)
    decision_on = models.DateField(_("date of the decision under review"), null=True)
    approvals_needed = models.PositiveIntegerField(default=1)
    # What was typed (reason, scope of use, case number, people), as ciphertext under a key of its own.
    particulars = models.BinaryField()
    wrapped_key = models.BinaryField()
    # Each submission is a round: people, votes and letters of earlier rounds stay as they were (Rule 8).
    round = models.PositiveIntegerField(default=0)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    submitted_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    # The working-day clock stops while the request is with the requester for correction.
    returned_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)

    objects = AccessRequestQuerySet.as_manager()
    history = history()
    _history_user: User | None

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            # Both go into events as they stand: codes, never words (access/actions/requests.py makes the numbers).
            models.CheckConstraint(
                name="request_number_is_a_number",
                condition=models.Q(number__regex="^CX-[0-9]{4}-[2-9A-HJKMNP-TV-Z]{7}$"),
            ),
            models.CheckConstraint(
                name="kind_of_act_is_a_code", condition=models.Q(act_kind__regex="^([A-Z][A-Z_]*)?$")
            ),
            models.CheckConstraint(
                name="submitted_request_has_a_deadline",
                condition=models.Q(submitted_at__isnull=True, due_at__isnull=True, receiving_organ__isnull=True)
                | models.Q(submitted_at__isnull=False, due_at__isnull=False, receiving_organ__isnull=False),
            ),
            models.CheckConstraint(
                name="waiting_request_was_submitted",
                condition=models.Q(status__in=[Status.DRAFT, Status.WITHDRAWN]) | models.Q(submitted_at__isnull=False),
            ),
            models.CheckConstraint(
                name="decided_request_says_when",
                condition=models.Q(status__in=[Status.APPROVED, Status.REFUSED], decided_at__isnull=False)
                | (~models.Q(status__in=[Status.APPROVED, Status.REFUSED]) & models.Q(decided_at__isnull=True)),
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["status", "due_at"], name="request_queue")]

    def __str__(self) -> str:
        return self.number

    @property
    def is_editable(self) -> bool:
        """Say whether its requester may still change it."""
        return self.status in EDITABLE

    @cached_property
    def _granted(self) -> Grant | None:
        return Grant.objects.filter(access_request=self).first()

    @cached_property
    def is_narrowed(self) -> bool:
        """Say whether it was approved with less than was asked."""
        return bool(self._granted and self._granted.narrowed)

    @cached_property
    def revoked_at(self) -> datetime | None:
        """When its grant was revoked, if it was."""
        return self._granted.revoked_at if self._granted else None

    @cached_property
    def revoked_by_id(self) -> uuid.UUID | None:
        """The unit of whoever revoked its grant, if anybody did."""
        return self._granted.revoked_by_id if self._granted else None

    @property
    def current_subjects(self) -> models.QuerySet[RequestSubject]:
        """The people asked about in the current round, in their order."""
        return self.subjects.filter(round=self.round).order_by("position")

    @property
    def current_letters(self) -> models.QuerySet[Letter]:
        """The letters attached for the submission being written or decided, newest last."""
        return self.letters.filter(removed_at__isnull=True).order_by("uploaded_at")


class PopulationAnswer(models.TextChoices):
    """What a population register says of a name and a number: of all residents alike, and nothing of records."""

    MATCHES = "MATCHES", _("Name and number belong together")
    DIFFERS = "DIFFERS", _("Another name for this number")
    UNKNOWN = "UNKNOWN", _("This document is not in the register")


class RequestSubject(models.Model):
    """A person somebody asks about: keyed indexes to match by, and ciphertext to read.

    An answer looks for `subject_key`, the document. `identity_key`, document and name, makes the votes prove which name
    they were about.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    access_request = models.ForeignKey(AccessRequest, models.PROTECT, related_name="subjects")
    round = models.PositiveIntegerField()
    position = models.PositiveIntegerField()
    subject_key = models.BinaryField()
    identity_key = models.BinaryField()
    particulars = models.BinaryField()
    # Or may be one: the document does not say when they were born.
    is_minor = models.BooleanField()
    # Empty where no register was asked. Whoever does not match is compared by those who decide (`PERSON_` points).
    population = models.CharField(max_length=10, choices=PopulationAnswer, blank=True, default="", db_default="")

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["access_request", "round", "position"], name="one_subject_a_place"),
            models.CheckConstraint(
                name="population_answer_is_a_code",
                condition=models.Q(population__in=["", *PopulationAnswer.values]),
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class PopulationQuestion(models.Model):
    """That the population register was asked about the people of one version of a request; written by the database only.

    It holds no name and no number: which they were stands, encrypted, in that version.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    access_request = models.ForeignKey(AccessRequest, models.PROTECT)
    version = models.PositiveIntegerField()
    asked_by = models.ForeignKey(User, models.PROTECT, db_index=False)
    people = models.PositiveIntegerField()
    day = models.DateField()
    asked_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        indexes: ClassVar = [models.Index(fields=["asked_by", "day"], name="population_asked_in_a_day")]

    def __str__(self) -> str:
        return str(self.pk)


class Letter(models.Model):
    """The official letter (公函), encrypted with the request's key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    access_request = models.ForeignKey(AccessRequest, models.PROTECT, related_name="letters")
    name = models.BinaryField()
    content = models.BinaryField()
    media_type = models.CharField(max_length=40)
    size = models.PositiveIntegerField()
    uploaded_by = models.ForeignKey(User, models.PROTECT)
    uploaded_at = models.DateTimeField(db_default=Now())
    removed_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)


class Outcome(models.TextChoices):
    APPROVE = "APPROVE", _("Approve")
    REFUSE = "REFUSE", _("Refuse")
    RETURN = "RETURN", _("Return for correction")


class CheckPoint(models.TextChoices):
    """What a decider must answer before any decision (2022 Measures Art. 16 is the model)."""

    ORGANISATION = "ORGANISATION", _("The unit is one that this basis covers")
    PURPOSE = "PURPOSE", _("The basis fits the stated reason")
    SCOPE = "SCOPE", _("The scope is the least that serves the purpose")
    DOCUMENTS = "DOCUMENTS", _("The letter is complete and genuine")
    INTEREST = "INTEREST", _("I have no interest of my own in this request")


# Before the place of a person asked about: the point that name and number belong together, which is answered for each
# person of whom no population register has said so.
PERSON_POINT = "PERSON_"


class Part(models.TextChoices):
    """The sides of a scope on which an approval may give less than was asked (Rule 7)."""

    LEVEL = "LEVEL", _("Level of detail")
    PERIOD = "PERIOD", _("Period")
    OPENINGS = "OPENINGS", _("Openings for each person")
    HOURS = "HOURS", _("Hours")


class Decision(models.Model):
    """One person's vote in one round, with the scope they would allow and their reason; never changed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    access_request = models.ForeignKey(AccessRequest, models.PROTECT, related_name="decisions")
    round = models.PositiveIntegerField()
    decider = models.ForeignKey(User, models.PROTECT)
    decider_organisation = models.ForeignKey(Organisation, models.PROTECT)
    outcome = models.CharField(max_length=10, choices=Outcome)
    basis = models.ForeignKey(LegalBasis, models.PROTECT)
    rung = models.CharField(max_length=10, choices=Rung, blank=True)
    window_from = models.DateField(null=True)
    hours = models.PositiveIntegerField(null=True)
    openings = models.PositiveIntegerField(null=True)
    # On which sides this is less than was asked; the database judges it when the vote is cast.
    narrowed = ArrayField(models.CharField(max_length=10, choices=Part), default=list)
    checklist = models.JSONField()
    reason = models.BinaryField()
    # What was voted on: people, what was written, letters (the database makes it, and again when it verifies).
    digest = models.BinaryField()
    decided_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["access_request", "round", "decider"], name="one_vote_a_person"),
            models.CheckConstraint(
                name="approval_has_a_scope",
                condition=models.Q(outcome=Outcome.APPROVE, hours__isnull=False, openings__isnull=False)
                & ~models.Q(rung="")
                | ~models.Q(outcome=Outcome.APPROVE) & models.Q(rung="", hours__isnull=True, openings__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Revocation(models.Model):
    """Somebody ended a grant at once (Rule 5). Only inserted; the first one of a grant counts.

    No foreign key and no uniqueness: checking either waits for rows that somebody else may be holding.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    grant_id = models.UUIDField(db_index=True)
    # Nobody: the grant was ended because an older database was put back.
    by_id = models.UUIDField(null=True)
    # Their unit on that day: people move, and who asked reads the unit and never the person.
    by_organisation_id = models.UUIDField(null=True)
    # Encrypted with the key of the request.
    reason = models.BinaryField()
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)


REVOKED = models.Exists(Revocation.objects.filter(grant_id=models.OuterRef("pk")))
LIVE = ~models.Q(REVOKED) & models.Q(starts_at__lte=DATABASE_NOW, ends_at__gt=DATABASE_NOW)


class GrantQuerySet(models.QuerySet["Grant"]):
    def openable_by(self, user: User) -> GrantQuerySet:
        """Keep the grants that name this person, ended ones too; whoever moved to another unit left theirs behind."""
        named = GrantUserObjectPermission.objects.filter(
            content_object=models.OuterRef("pk"), user=user, permission__codename="open_grant"
        )
        return self.filter(models.Exists(named), access_request__organisation=user.organisation_id)

    def listed(self) -> GrantQuerySet:
        """Read what lists show, with request and basis by name."""
        return self.select_related("access_request", "basis").only(
            "round", "openings", "narrowed", "starts_at", "ends_at", "access_request__number", "basis__title_zh",
            "basis__title_en",
        )  # fmt: skip

    def with_revocation(self) -> GrantQuerySet:
        """Add `revoked_at` and `revoked_by_id`, of the revocation that counts."""
        first = Revocation.objects.filter(grant_id=models.OuterRef("pk")).order_by("at")
        return self.annotate(
            revoked_at=models.Subquery(first.values("at")[:1]),
            revoked_by_id=models.Subquery(first.values("by_organisation_id")[:1]),
        )

    def live(self) -> GrantQuerySet:
        """Keep the grants that neither time nor revocation has ended."""
        return self.filter(LIVE)

    def with_openings(self) -> GrantQuerySet:
        """Add `openings_used` and `openings_allowed`, over all the people asked about."""
        used = Opening.objects.filter(grant=models.OuterRef("pk")).order_by().values("grant")
        people = RequestSubject.objects.filter(
            access_request=models.OuterRef("access_request"), round=models.OuterRef("round")
        ).order_by()
        count = models.Count("pk")
        return self.annotate(
            openings_used=Coalesce(models.Subquery(used.annotate(count=count).values("count")), 0),
            openings_allowed=models.F("openings")
            * models.Subquery(people.values("access_request").annotate(count=count).values("count")),
        )

    def with_openings_left(self) -> GrantQuerySet:
        """Keep the grants with which somebody may still be looked at."""
        return self.with_openings().filter(models.Q(openings_allowed__gt=models.F("openings_used")))

    def with_database_time(self) -> GrantQuerySet:
        """Add `database_now`."""
        return self.annotate(database_now=DATABASE_NOW)


class Grant(models.Model):
    """What may be shown, why and until when: the decision's scope, frozen (Rules 5 to 7).

    Made by the database from the votes, and never changed: what happens to a grant is rows of its own.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    access_request = models.OneToOneField(AccessRequest, models.PROTECT, related_name="grant")
    round = models.PositiveIntegerField()
    basis = models.ForeignKey(LegalBasis, models.PROTECT)
    case_purpose = models.ForeignKey(CasePurpose, models.PROTECT, null=True)
    rung = models.CharField(max_length=10, choices=Rung)
    categories = ArrayField(models.CharField(max_length=40))
    record_filter = models.CharField(max_length=20, choices=RecordFilter)
    filter_count = models.PositiveIntegerField(default=1)
    window_from = models.DateField(null=True)
    # An earlier penalty took effect before the new act; a review is about one decision; and what a person did under
    # eighteen stays closed to organs that Article 59(2) of the Law on the Prevention of Juvenile Delinquency leaves out.
    window_until = models.DateField(null=True)
    decision_on = models.DateField(null=True)
    adult_acts_only = models.BooleanField(default=False)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    # For each person asked about.
    openings = models.PositiveIntegerField()
    # On which sides this is less than was asked: those on which any of the votes was.
    narrowed = ArrayField(models.CharField(max_length=10, choices=Part), default=list)

    objects = GrantQuerySet.as_manager()
    database_now: datetime  # set by `with_database_time`

    class Meta:
        permissions: ClassVar = [("open_grant", "Open a grant")]
        default_permissions = ()
        constraints: ClassVar = [
            models.CheckConstraint(name="grant_ends", condition=models.Q(ends_at__gt=models.F("starts_at"))),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @cached_property
    def revocation(self) -> Revocation | None:
        """The revocation that counts, if there is one."""
        return Revocation.objects.filter(grant_id=self.pk).order_by("at").first()

    @cached_property
    def revoked_at(self) -> datetime | None:
        """When it was revoked, if it was."""
        return self.revocation.at if self.revocation else None

    @cached_property
    def revoked_by_id(self) -> uuid.UUID | None:
        """The unit of whoever revoked it."""
        return self.revocation.by_organisation_id if self.revocation else None

    def is_live(self, now: datetime | None = None) -> bool:
        """Say whether time and revocation still let it be opened; the door asks the database's clock, pages may guess."""
        return self.starts_at <= (now or timezone.now()) < self.ends_at and self.revocation is None

    @cached_property
    def openings_used(self) -> int:
        """How many openings were counted, for all the people together."""
        return self.counted_openings.count()

    @cached_property
    def openings_allowed(self) -> int:
        """How many openings there may be, for all the people together."""
        return self.openings * self.access_request.subjects.filter(round=self.round).count()

    @property
    def openings_left(self) -> int:
        """How many openings are left for all the people together."""
        return self.openings_allowed - self.openings_used

    def openings_left_for(self, subject: RequestSubject) -> int:
        """Return how often the answer about this person may still be opened."""
        return self.openings - self.counted_openings.filter(subject=subject).count()


class GrantExpiry(models.Model):
    """That the trail was told of a grant which time has ended."""

    grant_id = models.UUIDField(primary_key=True)
    noted_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)


class GrantUserObjectPermission(UserObjectPermissionBase):
    """The named recipients of a grant; written by access.duties only."""

    content_object = models.ForeignKey(Grant, models.PROTECT)


class GrantGroupObjectPermission(GroupObjectPermissionBase):
    """Unused: recipients are people. guardian falls back to a generic table when this is missing."""

    content_object = models.ForeignKey(Grant, models.PROTECT)


class Undertaking(models.Model):
    """A recipient's signed promise to keep the answer confidential (Article 136, second sentence)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    grant = models.ForeignKey(Grant, models.PROTECT, related_name="undertakings")
    user = models.ForeignKey(User, models.PROTECT)
    text = models.ForeignKey(UndertakingText, models.PROTECT)
    signed_name = models.CharField(max_length=60)
    signed_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [models.UniqueConstraint(fields=["grant", "user"], name="one_undertaking_a_person")]

    def __str__(self) -> str:
        return str(self.pk)


class ActKind(models.TextChoices):
    """What a confirmation of identity is for; each is for one act of its kind."""

    GRANT = "GRANT", _("Opening answers of one grant")
    VOTE = "VOTE", _("One vote on one version of a request, with one outcome and scope")
    PROPOSAL = "PROPOSAL", _("Putting one proposal in force")
    CHANGE = "CHANGE", _("One change of one's own password or factors")


class IdentityConfirmation(models.Model):
    """A person proved again who they are, in one session and for one act; written by the database only."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.PROTECT)
    session_digest = models.BinaryField()
    kind = models.CharField(max_length=10, choices=ActKind)
    # The grant, the request, the proposal or the person themselves; which vote on the request, or which change.
    target_id = models.UUIDField()
    which = models.CharField(max_length=80, blank=True)
    # What it was proved with.
    factor = models.CharField(max_length=20)
    confirmed_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        indexes: ClassVar = [models.Index(fields=["target_id", "user", "-confirmed_at"], name="newest_confirmation")]

    def __str__(self) -> str:
        return str(self.pk)


class ConfirmationUse(models.Model):
    """That a confirmation was used up by the one act that it was for."""

    confirmation_id = models.UUIDField(primary_key=True)
    used_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)


class Opening(models.Model):
    """One counted opening of a grant for one person; it may be looked at again for some minutes.

    Only `access_open` writes it, from rows that it has just read and that nobody can take away. Foreign keys would look
    for them again and write on each.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    grant = models.ForeignKey(
        Grant, models.PROTECT, related_name="counted_openings", db_constraint=False, db_index=False
    )
    subject = models.ForeignKey(RequestSubject, models.PROTECT, db_constraint=False, db_index=False)
    user = models.ForeignKey(User, models.PROTECT, db_constraint=False, db_index=False)
    # From the form that was sent: sending it twice is one opening of each person.
    token = models.UUIDField()
    confirmation = models.ForeignKey(IdentityConfirmation, models.PROTECT, db_constraint=False, db_index=False)
    opened_at = models.DateTimeField()
    viewable_until = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [models.UniqueConstraint(fields=["token", "subject"], name="one_opening_a_form")]
        # What is counted: one index for both, so that no plan goes through all openings of a grant for one person.
        indexes: ClassVar = [models.Index(fields=["grant", "subject"], name="openings_counted")]

    def __str__(self) -> str:
        return str(self.pk)


class OpeningExtension(models.Model):
    """Five minutes more for an answer that somebody is reading (WCAG 2.2.1); written by `access_extend` alone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    opening = models.ForeignKey(Opening, models.PROTECT, related_name="extensions", db_constraint=False)
    until = models.DateTimeField()
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)
