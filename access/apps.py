from django.apps import AppConfig
from django.db.models.signals import pre_save
from django.utils.translation import gettext_lazy as _


class AccessConfig(AppConfig):
    name = "access"
    verbose_name = _("Who may see what, and why")

    def ready(self) -> None:
        """Announce what pages count, sign second factors, and let verification compare people, votes, grants and openings with the trail."""
        from allauth.mfa.models import Authenticator

        from access import (
            factors,
            proofs,
            shell,  # noqa: F401 - announces what is counted for the frame of every page
        )
        from audit import registers

        registers.register(proofs.Wrong, *proofs.CHECKS)
        pre_save.connect(factors.sign, sender=Authenticator)
