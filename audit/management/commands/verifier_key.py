from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import checkpoints, notes
from audit.exceptions import SignerRefused


class Command(BaseCommand):
    help = "Print the key that checkpoints are verified with; --create makes the signing key first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--create", action="store_true", help="make a new signing key; never overwrites one")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["create"]:
                notes.create_signing_key(settings.AUDIT_SIGNING_KEY_FILE)
            self.stdout.write(str(checkpoints.verifier_key()))
        except FileExistsError:
            raise CommandError("There is a signing key already; it is not overwritten.") from None
        except SignerRefused as error:
            raise CommandError(str(error)) from None
