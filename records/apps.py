from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RecordsConfig(AppConfig):
    name = "records"
    verbose_name = _("The register")

    def ready(self) -> None:
        """Provide the indexes that requests match people by (access/subjects.py), what pages count, how the trail reads, and checks of the register."""
        from access import subjects
        from audit import kinds as of_trail
        from audit import registers
        from records import (
            keyservice,
            kinds,
            naming,
            proofs,
            shell,  # noqa: F401 - announces what is counted for the frame of every page
        )

        of_trail.register(vocabulary=kinds.VOCABULARY, words=naming.WORDS, finder=naming.find)
        subjects.provide(keyservice.index)
        registers.register(proofs.Wrong, *proofs.CHECKS, absence=proofs.not_checked)
