"""The kinds of events about records, and how what they say reads."""

from django.utils.translation import gettext_lazy as _

from audit.kinds import Group, Kind, Vocabulary

VIOLATION_DRAFTED = Kind(
    "VIOLATION_DRAFTED",
    _("Violation drafted"),
    _("%(who)s began to enter %(target)s."),
    Group.BUSINESS,
)
VIOLATION_EDITED = Kind(
    "VIOLATION_EDITED",
    _("Violation edited"),
    _("%(who)s changed the draft of %(target)s."),
    Group.BUSINESS,
)
VIOLATION_DISCARDED = Kind(
    "VIOLATION_DISCARDED",
    _("Violation discarded"),
    _("%(who)s discarded the draft of %(target)s."),
    Group.BUSINESS,
)
VIOLATION_SUBMITTED = Kind(
    "VIOLATION_SUBMITTED",
    _("Violation submitted"),
    _("%(who)s submitted %(target)s for review."),
    Group.BUSINESS,
)
VIOLATION_RETURNED = Kind(
    "VIOLATION_RETURNED",
    _("Violation returned"),
    _("%(who)s returned %(target)s with a remark."),
    Group.BUSINESS,
)
VIOLATION_CONFIRMED = Kind(
    "VIOLATION_CONFIRMED",
    _("Violation confirmed"),
    _("%(who)s confirmed %(target)s."),
    Group.BUSINESS,
)
DECISION_SERVED = Kind(
    "DECISION_SERVED",
    _("Decision served"),
    _("%(who)s recorded that the decision on %(target)s was served."),
    Group.BUSINESS,
)
VIOLATION_SEALED = Kind(
    "VIOLATION_SEALED",
    _("Violation sealed"),
    _("%(who)s sealed %(target)s."),
    Group.BUSINESS,
)

VOCABULARY = Vocabulary(
    targets={
        "records.violation": _("violation %(id)s"),
        "records.sealing": _("several violations at once (%(id)s)"),
    },
    details={
        "offence": _("Offence"),
        "rule": _("Sealing rule"),
        "served_on": _("Served on"),
        "co_officer": _("Second officer"),
    },
    quiet=frozenset({"records", "rule_version"}),
)
