"""The duties there are; who holds which where is rows beside the organisations (`access/models/people.py`)."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Duty(models.TextChoices):
    """What a person may be charged with at a unit; it reaches the units below."""

    ENTER_VIOLATIONS = "enter_violations", _("Enter violations")
    CONFIRM_VIOLATIONS = "confirm_violations", _("Confirm violations")
    FILE_REQUESTS = "file_requests", _("File access requests")
    DECIDE_REQUESTS = "decide_requests", _("Decide access requests")
    OVERSEE = "oversee", _("Oversee the trail")
    ADMINISTER_PEOPLE = "administer_people", _("Administer people")
    ASSIGN_DUTIES = "assign_duties", _("Assign duties")
    MAINTAIN_LAW = "maintain_law", _("Maintain the law")


# MLPS level 3 keeps system, security and audit administration apart: who holds one holds no other duty at all. What
# fits whom is one rule of the database (`access_duty_refusal`), which pages and actions ask as well.
EXCLUSIVE = frozenset({Duty.OVERSEE, Duty.ADMINISTER_PEOPLE, Duty.ASSIGN_DUTIES})
# Two people give these, one withdraws them (`access_is_dangerous`; a test compares).
DANGEROUS = EXCLUSIVE | {Duty.DECIDE_REQUESTS, Duty.MAINTAIN_LAW}
