"""The register: offences, violations and their keys, sealing rules, and the stub that stays visible of a sealed record."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from access.identifiers import AgeBand
from access.models import Organisation, User
from access.models.duty import Duty
from access.models.law import in_reader_language
from access.models.people import history

# The only standing of a name that comes from the Ministry; every other is ours (records/catalogue/offences.json, meta).
OFFICIAL_NAME = "MPS_CARRIED_OVER"


class Offence(models.Model):
    """One row of the catalogue: an offence as the law of its time has it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    code = models.CharField(max_length=40, unique=True)
    law = models.CharField(max_length=20)
    section = models.PositiveIntegerField()
    section_zh = models.CharField(max_length=60)
    section_en = models.CharField(max_length=120)
    article = models.PositiveIntegerField()
    paragraph = models.PositiveIntegerField(null=True)
    item = models.CharField(max_length=10, blank=True)
    citation_zh = models.CharField(max_length=120)
    citation_en = models.CharField(max_length=120)
    name_zh = models.CharField(max_length=200)
    name_en = models.CharField(max_length=200)
    # What the law provides, band by band, as `records.penalties.from_data` reads it.
    bands = models.JSONField(default=list)
    max_detention_days = models.PositiveIntegerField(null=True)
    max_fine_yuan = models.PositiveIntegerField(null=True)
    warning_possible = models.BooleanField(null=True)
    tags = ArrayField(models.CharField(max_length=40))
    debatable_tags = ArrayField(models.CharField(max_length=40), default=list)
    predecessor = models.CharField(max_length=40, blank=True)
    pinyin = models.CharField(max_length=400, blank=True)
    name_status = models.CharField(max_length=120)
    valid_from = models.DateField()
    valid_until = models.DateField(null=True)

    class Meta:
        default_permissions = ()
        ordering: ClassVar = ["code"]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The name in the reader's language."""
        return in_reader_language(self, "name")

    @property
    def citation(self) -> str:
        """Article, paragraph and item in the reader's language."""
        return in_reader_language(self, "citation")

    @property
    def section_title(self) -> str:
        """The section of the law in the reader's language."""
        return in_reader_language(self, "section")

    @property
    def is_named_by_this_project(self) -> bool:
        """Say whether the name is no official one; the page that shows it says so."""
        return self.name_status != OFFICIAL_NAME


class SealingTrigger(models.TextChoices):
    SERVED = "SERVED", _("when the decision is served")
    IMPORTED = "IMPORTED", _("when it is imported")


class SealingRule(models.Model):
    """When a record seals itself. The law names no moment: the default is the service of the decision (Rule 11)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    code = models.CharField(max_length=40)
    version = models.PositiveIntegerField()
    trigger = models.CharField(max_length=10, choices=SealingTrigger)
    title_zh = models.CharField(max_length=200)
    title_en = models.CharField(max_length=200)
    citation_zh = models.CharField(max_length=300)
    citation_en = models.CharField(max_length=300)
    note = models.TextField(blank=True)
    valid_from = models.DateField()
    valid_until = models.DateField(null=True)

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [models.UniqueConstraint(fields=["code", "version"], name="one_row_a_rule_version")]

    def __str__(self) -> str:
        return in_reader_language(self, "title")

    @property
    def citation(self) -> str:
        """Article and law in the reader's language."""
        return in_reader_language(self, "citation")


class Status(models.TextChoices):
    DRAFT = "DRAFT", _("Draft")
    SUBMITTED = "SUBMITTED", _("Waiting for review")
    RETURNED = "RETURNED", _("Returned for correction")
    CONFIRMED = "CONFIRMED", _("Confirmed")
    SEALED = "SEALED", _("Sealed")
    DISCARDED = "DISCARDED", _("Discarded")


# Every legal move (Rule 9); docs/states.md shows the same and a test compares them.
TRANSITIONS: dict[Status, set[Status]] = {
    Status.DRAFT: {Status.SUBMITTED, Status.DISCARDED},
    Status.SUBMITTED: {Status.RETURNED, Status.CONFIRMED},
    Status.RETURNED: {Status.SUBMITTED, Status.DISCARDED},
    Status.CONFIRMED: {Status.SEALED},
    Status.SEALED: set(),
    Status.DISCARDED: set(),
}
EDITABLE = {Status.DRAFT, Status.RETURNED}


class ViolationQuerySet(models.QuerySet["Violation"]):
    def handled_by(self, user: User) -> ViolationQuerySet:
        """Keep the unsealed violations this person handles."""
        return self.filter(
            models.Exists(self._handlers(user)),
            organ__in=Organisation.objects.reached_by(user, Duty.ENTER_VIOLATIONS),
        )

    def listed(self) -> ViolationQuerySet:
        """Read what lists show, with unit and offence by name; nothing of what is written inside."""
        return self.select_related("organ", "offence").only(
            "status", "created_at", "submitted_at", "decided_on", "organ__name", "organ__name_en",
            "offence__name_zh", "offence__name_en",
        )  # fmt: skip

    def reviewable_by(self, user: User) -> ViolationQuerySet:
        """Keep what this person reviews: submitted or confirmed in their units, and not handled by themselves."""
        return self.filter(
            status__in=[Status.SUBMITTED, Status.CONFIRMED],
            organ__in=Organisation.objects.reached_by(user, Duty.CONFIRM_VIOLATIONS),
        ).exclude(models.Exists(self._handlers(user)))

    @staticmethod
    def _handlers(user: User) -> models.QuerySet[ViolationUserObjectPermission]:
        return ViolationUserObjectPermission.objects.filter(
            content_object=models.OuterRef("pk"), user=user, permission__codename="handle_violation"
        )

    def worked_on_by(self, user: User) -> ViolationQuerySet:
        """Keep the unsealed violations this person handles or reviews; nobody gets extra."""
        return self.filter(
            models.Q(pk__in=self.handled_by(user).values("pk")) | models.Q(pk__in=self.reviewable_by(user).values("pk"))
        )


class Violation(models.Model):
    """One violation by one person, while it is worked on: columns that identify nobody, and the particulars as
    ciphertext from the first save.

    Sealing takes the row, its key, its history and its handlers away, to where no application can look (Rule 1).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    status = models.CharField(_("state"), max_length=10, choices=Status, default=Status.DRAFT)
    organ = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    entered_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    reviewed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    offence = models.ForeignKey(Offence, models.PROTECT, null=True)
    acted_on = models.DateField(_("date of the act"), null=True)
    decided_on = models.DateField(_("date of the decision"), null=True)
    served_on = models.DateField(_("date of service"), null=True)
    warning = models.BooleanField(_("warning"), default=False)
    fine_yuan = models.PositiveIntegerField(_("fine in yuan"), default=0)
    detention_days = models.PositiveIntegerField(_("days of detention"), default=0)
    licence_revoked = models.BooleanField(_("licence revoked"), default=False)
    exit_order = models.BooleanField(_("ordered to leave the country"), default=False)
    deportation = models.BooleanField(_("deportation"), default=False)
    age_band = models.CharField(max_length=10, choices=AgeBand, blank=True)
    # Keyed indexes for finding one's own work, under the working index key: they say nothing about what is sealed.
    document_key = models.BinaryField(null=True)
    name_key = models.BinaryField(null=True)
    case_number_key = models.BinaryField(null=True)
    decision_number_key = models.BinaryField(null=True)
    particulars = models.BinaryField()
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    submitted_at = models.DateTimeField(null=True)

    objects = ViolationQuerySet.as_manager()
    history = history()
    _history_user: User | None

    class Meta:
        permissions: ClassVar = [("handle_violation", "Handle a violation")]
        default_permissions = ()
        constraints: ClassVar = [
            models.CheckConstraint(name="sealed_records_are_elsewhere", condition=~models.Q(status=Status.SEALED)),
            models.CheckConstraint(
                name="complete_from_submission_on",
                condition=models.Q(status__in=[Status.DRAFT, Status.RETURNED, Status.DISCARDED])
                | models.Q(
                    offence__isnull=False,
                    acted_on__isnull=False,
                    decided_on__isnull=False,
                    document_key__isnull=False,
                    name_key__isnull=False,
                    submitted_at__isnull=False,
                )
                & ~models.Q(age_band=""),
            ),
            models.CheckConstraint(
                name="confirmed_by_somebody_else",
                condition=models.Q(reviewed_by__isnull=True) | ~models.Q(reviewed_by=models.F("entered_by")),
            ),
            models.CheckConstraint(
                name="served_after_the_decision",
                condition=models.Q(served_on__isnull=True) | models.Q(served_on__gte=models.F("decided_on")),
            ),
            models.CheckConstraint(
                name="decided_after_the_act",
                condition=models.Q(decided_on__isnull=True)
                | models.Q(acted_on__isnull=True)
                | models.Q(decided_on__gte=models.F("acted_on"))
                | models.Q(status__in=[Status.DRAFT, Status.RETURNED, Status.DISCARDED]),
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["organ", "status"], name="violation_work")]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def is_editable(self) -> bool:
        """Say whether its handlers may still change it."""
        return self.status in EDITABLE

    @property
    def short_id(self) -> str:
        """The start of the id, by which officers name a record on screen without naming a person."""
        return str(self.pk)[:8].upper()


class ViolationUserObjectPermission(UserObjectPermissionBase):
    """Who handles a draft; it goes behind the seal with its record."""

    content_object = models.ForeignKey(Violation, models.PROTECT)


class ViolationGroupObjectPermission(GroupObjectPermissionBase):
    """Unused: handlers are people. guardian falls back to a generic table when this is missing."""

    content_object = models.ForeignKey(Violation, models.PROTECT)


class RecordKey(models.Model):
    """The wrapped data key of one record, outside history: destroying it erases every copy of the particulars."""

    violation = models.OneToOneField(Violation, models.PROTECT, primary_key=True, related_name="key")
    wrapped = models.BinaryField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)


class SealedRecord(models.Model):
    """The stub: what anybody may know of a sealed record by its id. No person, offence or penalty, and no foreign key.

    Written by `sealed.seal` only.
    """

    id = models.UUIDField(primary_key=True)
    organ = models.ForeignKey(Organisation, models.DO_NOTHING, related_name="+", db_constraint=False)
    sealed_at = models.DateTimeField()
    sealing_rule = models.ForeignKey(SealingRule, models.DO_NOTHING, related_name="+", db_constraint=False)
    # The key service's MAC over the whole sealed record; the event of its sealing carries a digest of it.
    digest = models.BinaryField()
    decision_number_key = models.BinaryField(null=True, db_index=True)
    event_id = models.UUIDField()

    class Meta:
        db_table = "records_stub"
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def short_id(self) -> str:
        """The beginning of its id, as people say it."""
        return str(self.pk)[:8].upper()
