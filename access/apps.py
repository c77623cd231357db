from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccessConfig(AppConfig):
    name = "access"
    verbose_name = _("Who may see what, and why")

    def ready(self) -> None:
        """Let verification compare people, votes, grants and openings with the trail."""
        from access import proofs
        from audit import registers

        registers.register(proofs.Wrong, *proofs.CHECKS)
