from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RecordsConfig(AppConfig):
    name = "records"
    verbose_name = _("The register")

    def ready(self) -> None:
        """Provide the indexes that requests match people by (access/subjects.py), what pages count, and checks of the register."""
        from access import subjects
        from audit import registers
        from records import (
            keyservice,
            proofs,
            shell,  # noqa: F401 - announces what is counted for the frame of every page
        )

        subjects.provide(keyservice.index)
        registers.register(proofs.Wrong, *proofs.CHECKS, absence=proofs.not_checked)
