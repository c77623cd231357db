from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import checkpoints, export
from audit.exceptions import SignerRefused


class Command(BaseCommand):
    help = "Write the signed part of the trail into an empty folder, for verify.py on another machine."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            checkpoint = export.export(options["directory"])
        except (SignerRefused, OSError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{checkpoint.size} events of {checkpoint.origin} are exported.")
        self.stdout.write(
            f"Verify them: python audit/verify.py {options['directory']} --key '{checkpoints.verifier_key()}'"
        )
