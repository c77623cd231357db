"""What the frame of every page says about this app: where to go, and how much waits there."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from access.duties import Duty
from access.models import Grant, User
from access.shell import NavItem, pages_for
from records.models import Status, Violation

PAGES = {
    Duty.ENTER_VIOLATIONS: NavItem("records:violations", _("Violation records"), "notebook-pen", key="r"),
    Duty.CONFIRM_VIOLATIONS: NavItem("records:review_queue", _("Records to review"), "clipboard-check", key="v"),
    Duty.FILE_REQUESTS: NavItem("records:answers", _("Answers"), "mail-open", key="s"),
}


def navigation(user: User, held: set[Duty]) -> list[NavItem]:
    """Return this person's pages of this app with what waits on them, in at most one query for each duty held."""
    return pages_for(held, PAGES, lambda duty: _waiting(user, duty))


def _waiting(user: User, duty: Duty) -> int:
    if duty == Duty.ENTER_VIOLATIONS:
        return Violation.objects.handled_by(user).filter(status=Status.RETURNED).count()
    if duty == Duty.CONFIRM_VIOLATIONS:
        return Violation.objects.reviewable_by(user).count()
    return Grant.objects.openable_by(user).live().with_openings_left().count()
