from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = _("Audit trail")

    def ready(self) -> None:
        """Let events be found by their id, and the pages of the trail be named."""
        from audit import alarms, kinds, narrowing, sentences

        words = {
            "view": sentences.pages,
            "kind": sentences.acts,
            "group": narrowing.groups,
            "reason": alarms.reasons,
        }
        kinds.register(words=words, finder=narrowing.find)
