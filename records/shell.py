"""What the frame of every page says about this app: where to go, and how much waits there."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from access.frame import Counts, Frame
from access.models import Grant
from access.models.duty import Duty
from access.questions import Question
from access.shell import NavItem, pages_for
from records.models import Status, Violation

PAGES = {
    Duty.ENTER_VIOLATIONS: NavItem("records:violations", _("Violation records"), "notebook-pen", key="r"),
    Duty.CONFIRM_VIOLATIONS: NavItem("records:review_queue", _("Records to review"), "clipboard-check", key="v"),
    Duty.FILE_REQUESTS: NavItem("records:answers", _("Answers"), "mail-open", key="s"),
}


Counts.announce(
    {
        "records:violations": (
            {Duty.ENTER_VIOLATIONS},
            Question(lambda user: Violation.objects.handled_by(user).filter(status=Status.RETURNED)),
        ),
        "records:review_queue": (
            {Duty.CONFIRM_VIOLATIONS},
            Question(lambda user: Violation.objects.reviewable_by(user)),
        ),
        "records:answers": (
            {Duty.FILE_REQUESTS},
            Question(lambda user: Grant.objects.openable_by(user).live().with_openings_left()),
        ),
    }
)


def navigation(frame: Frame) -> list[NavItem]:
    """Return this person's pages of this app with what waits on them."""
    return pages_for(frame, PAGES)
