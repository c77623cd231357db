from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RecordsConfig(AppConfig):
    name = "records"
    verbose_name = _("The register")

    def ready(self) -> None:
        """Provide the indexes of people that requests are matched by (access/subjects.py is the port)."""
        from access import subjects
        from records import keyservice

        subjects.provide(keyservice.index)
