"""What to run after an older database was put back (docs/operations.md, section 6)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.exceptions import SignerRefused, Unavailable
from audit.restoring import CannotReconcile
from config import restoring


class Command(BaseCommand):
    help = (
        "Compare a restored database with the witness and an export of the trail, end what it revived, begin a new log."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--after-restore", type=Path, required=True, metavar="FOLDER", help="the newest export of the trail"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = restoring.reconcile(options["after_restore"])
        except (CannotReconcile, SignerRefused, Unavailable, OSError) as error:
            raise CommandError(str(error)) from None
        for name, count in done.counts.items():
            self.stdout.write(f"{name.replace('_', ' ')}: {count}")
        for words, ones in (
            ("It was sealed and stands here unsealed; find out why, and seal it", done.not_sealed),
            ("It was sealed and is not in this database; enter it again", done.gone),
            ("Their older password or second factor counts again; have them change it", done.changed_credentials),
        ):
            for one in ones:
                self.stderr.write(f"{words}: {one}")
        self.stdout.write(f"The log {done.begun.origin} begins at {done.begun.size} events. Start the signer.")
