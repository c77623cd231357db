"""The law as data: versioned rows with citations, loaded from `catalogue/` (Rules 10 and 11)."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from access.exceptions import Unavailable
from access.identifiers import AgeBand
from access.models.people import Audience, User


def in_reader_language(row: models.Model, field: str) -> str:
    """Return the English text for English readers, the Chinese one for everybody else."""
    english = (get_language() or "").startswith("en")
    return (english and getattr(row, f"{field}_en")) or getattr(row, f"{field}_zh")


class Rung(models.TextChoices):
    """How much an answer says, least first."""

    PRESENCE = "PRESENCE", _("Whether there is a record (yes or no)")
    ABSTRACT = "ABSTRACT", _("Category, dates, unit and penalty")
    FULL = "FULL", _("Full particulars")

    @classmethod
    def up_to(cls, highest: str) -> list[Rung]:
        """Return the rungs that are not above `highest`, least first."""
        rungs = list(cls)
        return rungs[: rungs.index(cls(highest)) + 1]


class Gate(models.TextChoices):
    """The two gates of Article 136, and no third."""

    STATE_ORGAN_CASE = "STATE_ORGAN_CASE", _("A state organ needs it for handling a case")
    UNIT = "UNIT", _("A unit queries under national provisions")


class RecordFilter(models.TextChoices):
    ANY = "ANY", _("any penalty")
    DETENTION = "DETENTION", _("administrative detention")
    DETENTION_AT_LEAST = "DETENTION_AT_LEAST", _("a number of administrative detentions")


class Standing(models.TextChoices):
    ENABLED = "ENABLED", _("in use")
    LEGAL_REVIEW_FIRST = "LEGAL_REVIEW_FIRST", _("waits for legal review")
    REFUSED = "REFUSED", _("does not allow a query")
    POLICE_INTERNAL = "POLICE_INTERNAL", _("used by police organs only")
    NOTICE_ONLY = "NOTICE_ONLY", _("a notice, not a query")


class Level(models.TextChoices):
    """The rank of the text a basis rests on; only the first two are "national provisions" without doubt (Article 136)."""

    LAW = "LAW", _("law")
    ADMIN_REG = "ADMIN_REG", _("State Council regulation")
    DEPT_RULE = "DEPT_RULE", _("departmental rule")
    NORMATIVE = "NORMATIVE", _("normative document")
    INDUSTRY = "INDUSTRY", _("rules of an industry association")
    NONE = "NONE", _("no provision")


class NamesRecords(models.TextChoices):
    VIOLATIONS = "VIOLATIONS", _("names records of violations")
    CRIMES = "CRIMES", _("speaks of crimes only")
    NOT_SAID = "NOT_SAID", _("does not say which records")


class AskedBy(models.TextChoices):
    UNIT = "UNIT", _("the unit itself asks")
    AUTHORITY = "AUTHORITY", _("an authority asks")
    POLICE = "POLICE", _("the police check by themselves")
    NOBODY = "NOBODY", _("nobody is named who asks")


NATIONAL_PROVISIONS = [Level.LAW, Level.ADMIN_REG]


class LegalBasis(models.Model):
    """One version of one legal basis; what a decision used is never changed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    code = models.CharField(max_length=40)
    version = models.PositiveIntegerField()
    title_zh = models.CharField(max_length=200)
    title_en = models.CharField(max_length=200)
    citation_zh = models.CharField(max_length=300)
    citation_en = models.CharField(max_length=300)
    quote_zh = models.TextField(blank=True)
    level = models.CharField(max_length=60, choices=Level)
    names_records = models.CharField(max_length=10, choices=NamesRecords)
    asked_by = models.CharField(max_length=10, choices=AskedBy)
    gate = models.CharField(max_length=20, choices=Gate)
    organisation_kinds = ArrayField(models.CharField(max_length=40))
    categories = ArrayField(models.CharField(max_length=40), help_text="Offence tags; * is every offence.")
    record_filter = models.CharField(max_length=20, choices=RecordFilter)
    filter_count = models.PositiveIntegerField(default=1)
    look_back_months = models.PositiveIntegerField(null=True)
    highest_rung = models.CharField(max_length=10, choices=Rung)
    approvals = models.PositiveIntegerField()
    two_units = models.BooleanField()
    needs_case_number = models.BooleanField()
    needs_case_purpose = models.BooleanField()
    needs_letter = models.BooleanField()
    decision_working_days = models.PositiveIntegerField()
    grant_hours = models.PositiveIntegerField()
    grant_openings = models.PositiveIntegerField()
    standing = models.CharField(max_length=20, choices=Standing)
    standing_reason_zh = models.TextField(blank=True)
    standing_reason_en = models.TextField(blank=True)
    effect_zh = models.CharField(max_length=300, blank=True)
    effect_en = models.CharField(max_length=300, blank=True)
    # What whoever asks or decides has to know about the reading that was taken.
    remark_zh = models.TextField(blank=True)
    remark_en = models.TextField(blank=True)
    confidence = models.CharField(max_length=60)
    source = models.TextField(blank=True)
    notes = models.TextField(blank=True)
    valid_from = models.DateField()
    valid_until = models.DateField(null=True)

    class Meta:
        default_permissions = ()
        ordering: ClassVar = ["code", "-version"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["code", "version"], name="one_row_a_basis_version"),
            models.CheckConstraint(
                name="full_answers_need_two_approvals",
                condition=~models.Q(highest_rung=Rung.FULL) | models.Q(approvals__gte=2),
            ),
            models.CheckConstraint(
                name="closed_basis_says_why",
                condition=models.Q(standing=Standing.ENABLED)
                | (~models.Q(standing_reason_zh="") & ~models.Q(standing_reason_en="")),
            ),
            # One measure for all: a national provision that names records of violations and says who asks for them;
            # what the police check under a national provision of their own stays with the police.
            models.CheckConstraint(
                name="standing_by_one_measure",
                condition=~models.Q(standing__in=[Standing.ENABLED, Standing.POLICE_INTERNAL])
                | models.Q(
                    standing=Standing.ENABLED,
                    level__in=NATIONAL_PROVISIONS,
                    names_records=NamesRecords.VIOLATIONS,
                    asked_by__in=[AskedBy.UNIT, AskedBy.AUTHORITY],
                )
                | models.Q(
                    standing=Standing.POLICE_INTERNAL,
                    level__in=NATIONAL_PROVISIONS,
                    names_records__in=[NamesRecords.VIOLATIONS, NamesRecords.NOT_SAID],
                    asked_by=AskedBy.POLICE,
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        """The title in the reader's language."""
        return in_reader_language(self, "title")

    @property
    def citation(self) -> str:
        """Article and law in the reader's language."""
        return in_reader_language(self, "citation")

    @property
    def standing_reason(self) -> str:
        """Why this basis may not be used, or not yet, in the reader's language."""
        return in_reader_language(self, "standing_reason")

    @property
    def effect(self) -> str:
        """What follows from an answer under this basis, in the reader's language."""
        return in_reader_language(self, "effect")

    @property
    def remark(self) -> str:
        """What is worth knowing about this basis, in the reader's language."""
        return in_reader_language(self, "remark")


class CasePurpose(models.Model):
    """What "needs it for handling a case" means in law, with a window that a machine can check."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    code = models.CharField(max_length=40)
    version = models.PositiveIntegerField(default=1)
    title_zh = models.CharField(max_length=200)
    title_en = models.CharField(max_length=200)
    citation_zh = models.CharField(max_length=300)
    citation_en = models.CharField(max_length=300)
    quote_zh = models.TextField(blank=True)
    # Only earlier penalties count: what took effect up to the day of the new act, which the request names; and not before
    # the window, counted back from that day, where there is one (access/law.py).
    counts_from_act = models.BooleanField(default=False)
    window_months = models.PositiveIntegerField(null=True)
    # The text is the law of acts of these days (Administrative Penalty Law, Article 37).
    acts_from = models.DateField(null=True)
    acts_until = models.DateField(null=True)
    # How old the person was on the day of the new act; empty is any age.
    age_bands = ArrayField(models.CharField(max_length=10, choices=AgeBand), default=list)
    # A test whether there were earlier penalties needs none of what happened then.
    highest_rung = models.CharField(max_length=10, choices=Rung, default=Rung.FULL)
    minimum_count = models.PositiveIntegerField(default=1)
    categories = ArrayField(models.CharField(max_length=40))
    same_kind = models.BooleanField(default=False, help_text="Only acts of the kind that the request names.")
    names_decision = models.BooleanField(default=False, help_text="Only the decision that the request names.")
    organisation_kinds = ArrayField(models.CharField(max_length=40))
    case_bound = models.BooleanField(default=False, help_text="Only since the day that the request has to name.")
    standing = models.CharField(max_length=20, choices=Standing, default=Standing.ENABLED)
    standing_reason_zh = models.TextField(blank=True)
    standing_reason_en = models.TextField(blank=True)
    remark_zh = models.TextField(blank=True)
    remark_en = models.TextField(blank=True)
    confidence = models.CharField(max_length=60)
    source = models.TextField(blank=True)
    valid_from = models.DateField()
    valid_until = models.DateField(null=True)

    class Meta:
        default_permissions = ()
        ordering: ClassVar = ["code", "-version"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["code", "version"], name="one_row_a_purpose_version"),
            models.CheckConstraint(
                name="what_is_said_of_an_act_asks_for_its_day",
                condition=models.Q(counts_from_act=True)
                | models.Q(window_months__isnull=True, acts_from__isnull=True, acts_until__isnull=True, age_bands=[]),
            ),
            models.CheckConstraint(
                name="closed_purpose_says_why",
                condition=models.Q(standing=Standing.ENABLED)
                | (~models.Q(standing_reason_zh="") & ~models.Q(standing_reason_en="")),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        """The title in the reader's language."""
        return in_reader_language(self, "title")

    @property
    def citation(self) -> str:
        """Article and law in the reader's language."""
        return in_reader_language(self, "citation")

    @property
    def standing_reason(self) -> str:
        """Why this purpose may not be used, or not yet, in the reader's language."""
        return in_reader_language(self, "standing_reason")

    @property
    def remark(self) -> str:
        """What is worth knowing about this purpose, in the reader's language."""
        return in_reader_language(self, "remark")


class UndertakingTexts(models.QuerySet["UndertakingText"]):
    def to_sign(self, by: User) -> UndertakingText:
        """Return the text that this person signs today, which hangs on the kind of their unit.

        Raises Unavailable where none is in force: then nothing is opened (Rule 12).
        """
        today = timezone.localdate()
        begun = self.filter(code=by.organisation.audience, valid_from__lte=today)
        text = begun.exclude(valid_until__lt=today).order_by("-version").first()
        if text is None:
            raise Unavailable("No text of the undertaking is in force. Run `manage.py load_catalogue` as the owner.")
        return text


class UndertakingText(models.Model):
    """One version of what a recipient promises, and of what binds them (Article 136, second sentence).

    What was signed is never changed: the event of a signature carries the digest of all four texts.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    code = models.CharField(max_length=10, choices=Audience)
    version = models.PositiveIntegerField()
    # A promise a line; {number} is the number of the request.
    promises_zh = models.TextField()
    promises_en = models.TextField()
    # A quotation a line: its place, an ideographic space, its words. A line without one is a sentence of ours.
    quotations_zh = models.TextField()
    summary_en = models.TextField()
    valid_from = models.DateField()
    valid_until = models.DateField(null=True)

    objects = UndertakingTexts.as_manager()

    class Meta:
        default_permissions = ()
        ordering: ClassVar = ["code", "-version"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["code", "version"], name="one_row_a_text_version")]

    def __str__(self) -> str:
        return f"{self.code} {self.version}"

    def promises(self, number: str) -> list[str]:
        """Return what is promised about the request of this number, in the reader's language."""
        return [line.replace("{number}", number) for line in in_reader_language(self, "promises").splitlines()]

    @property
    def quotations(self) -> list[tuple[str, str]]:
        """Return what binds the signer: place and words; the place is empty where the words are no quotation."""
        lines = (line.partition("\u3000") for line in self.quotations_zh.splitlines())
        return [(place, words) if words else ("", place) for place, _space, words in lines]


class WorkingDay(models.Model):
    """Whether people work on a day, weekends moved around holidays included."""

    day = models.DateField(primary_key=True)
    is_working = models.BooleanField()
    source = models.CharField(max_length=120)

    class Meta:
        default_permissions = ()
