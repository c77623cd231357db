"""The key files of a new system, where the settings say they are."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from access import vault
from audit import notes


class Command(BaseCommand):
    help = "Make the keyring and the signing key of the trail; a file that is there is never touched."

    def handle(self, *args: Any, **options: Any) -> None:
        files = {
            settings.VAULT_KEYRING: vault.create_keyring,
            settings.SEALED_KEYRING: lambda path: vault.create_keyring(path, compartments=(vault.Compartment.SEALED,)),
            settings.AUDIT_SIGNING_KEY_FILE: notes.create_signing_key,
        }
        for path, create in files.items():
            try:
                create(path)
            except (vault.KeyringExists, FileExistsError):
                self.stdout.write(f"{path} is there already and stays as it is.")
            except OSError as error:
                raise CommandError(f"{path} cannot be written ({error.strerror}).") from None
            else:
                self.stdout.write(f"{path} is made. Keep a copy where the backups of the database are not.")
