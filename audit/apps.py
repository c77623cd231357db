from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = _("Audit trail")

    def ready(self) -> None:
        """Let events be found by their id, and the pages of the trail be named."""
        from audit import (
            alarms,
            checks,  # noqa: F401 - registers itself
            kinds,
            narrowing,
        )

        words = {
            "view": kinds.titles(kinds.PAGES),
            "kind": kinds.labels,
            "group": narrowing.groups,
            "reason": alarms.reasons,
        }
        kinds.register(vocabulary=kinds.VOCABULARY, words=words, finder=narrowing.find)
