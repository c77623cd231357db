"""There is nobody who may do everything, so there is nobody to create here."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Refuses: nobody here is above the rules."

    def add_arguments(self, parser: Any) -> None:
        """Take what the command of Django takes, so that its users read the refusal and not a usage line."""
        parser.add_argument("--noinput", "--no-input", action="store_true")
        parser.add_argument("--username")
        parser.add_argument("--email")

    def handle(self, *args: Any, **options: Any) -> None:
        raise CommandError(
            "There are no superusers: whoever could do everything could also hide it. Start a system with "
            "`manage.py set_up`, which enters the first organisation and its keepers (people, duties, oversight); "
            "they do the rest in the browser. To look around, use: make demo"
        )
