import contextlib

from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _

# The pages around those of all apps, by their titles.
PAGES = {"desk": _("Desk"), "set_language": _("Choose the language")}


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        """Name the pages of the frame; outside production, make the key files that are missing: production names its own."""
        from access import vault
        from audit import kinds, notes

        kinds.register(words={"view": kinds.titles(PAGES)})

        if not settings.PRODUCTION:
            if not settings.VAULT_KEYRING.exists():
                with contextlib.suppress(vault.KeyringExists):  # another process was quicker
                    vault.create_keyring(settings.VAULT_KEYRING)
            if not settings.SEALED_KEYRING.exists():
                with contextlib.suppress(vault.KeyringExists):
                    vault.create_keyring(settings.SEALED_KEYRING, compartments=(vault.Compartment.SEALED,))
            if not settings.AUDIT_SIGNING_KEY_FILE.exists():
                with contextlib.suppress(FileExistsError):
                    notes.create_signing_key(settings.AUDIT_SIGNING_KEY_FILE)
