from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccessConfig(AppConfig):
    name = "access"
    verbose_name = _("Who may see what, and why")

    def ready(self) -> None:
        """Announce what pages count, and let verification compare people, votes, grants and openings with the trail."""
        from access import (
            proofs,
            shell,  # noqa: F401 - announces what is counted for the frame of every page
        )
        from audit import registers

        registers.register(proofs.Wrong, *proofs.CHECKS)
