from django.apps import AppConfig
from django.db.models.signals import pre_save
from django.utils.translation import gettext_lazy as _


class AccessConfig(AppConfig):
    name = "access"
    verbose_name = _("Who may see what, and why")

    def ready(self) -> None:
        """Announce what pages count and how the trail reads, sign second factors, find the population register, and let verification compare people, votes, grants and openings with the trail."""
        from allauth.mfa.models import Authenticator

        from access import (
            factors,
            kinds,
            naming,
            population,
            proofs,
            shell,  # noqa: F401 - announces what is counted for the frame of every page
        )
        from audit import kinds as of_trail
        from audit import registers

        if population.is_connected():
            population.connected()  # a wrong setting is told at the start, not to who files a request
        of_trail.register(vocabulary=kinds.VOCABULARY, words=naming.WORDS, finder=naming.find, remarks=naming.remarks)
        registers.register(proofs.Wrong, *proofs.CHECKS)
        pre_save.connect(factors.sign, sender=Authenticator)
