"""What the frame of every page says about this app: where to go, and how much waits there."""

from __future__ import annotations

from dataclasses import replace

from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import duties
from access.duties import Duty
from access.models import Grant, User
from access.shell import NavItem
from records.models import Status, Violation

PAGES = {
    Duty.ENTER_VIOLATIONS: NavItem("records:violations", _("Violation records"), "notebook-pen", key="r"),
    Duty.CONFIRM_VIOLATIONS: NavItem("records:review_queue", _("Records to review"), "clipboard-check", key="v"),
    Duty.FILE_REQUESTS: NavItem("records:answers", _("Answers"), "mail-open", key="s"),
}


def navigation(user: User) -> list[NavItem]:
    """Return this person's pages of this app with what waits on them, in one query and one more for each page."""
    held = {duty for duty, _organisation in duties.held_by(user)}
    return [
        replace(page, url=reverse(page.url_name), badge=_waiting(user, duty))
        for duty, page in PAGES.items()
        if duty in held
    ]


def _waiting(user: User, duty: Duty) -> int:
    if duty == Duty.ENTER_VIOLATIONS:
        return Violation.objects.handled_by(user).filter(status=Status.RETURNED).count()
    if duty == Duty.CONFIRM_VIOLATIONS:
        return Violation.objects.reviewable_by(user).count()
    now = timezone.now()
    live = Grant.objects.openable_by(user).filter(revoked_at__isnull=True, starts_at__lte=now, ends_at__gt=now)
    return live.filter(
        openings_used__lt=F("openings_allowed"), access_request__organisation=user.organisation_id
    ).count()
