"""A way back in for the last administrators, on the server and as the owner of the tables; the trail keeps it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access import duties
from access.actions import people
from access.exceptions import NotAllowed, Refused
from access.models import User
from access.models.duty import EXCLUSIVE
from config.management.commands.set_up import paper


class Command(BaseCommand):
    help = (
        "Make a one-time code for an administrator or auditor who lost a password or second factor when nobody is left "
        "to make one in the browser."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None or not EXCLUSIVE & duties.kinds_held(user):
            raise CommandError(
                "No active person of this user name administers people, assigns duties or oversees. Everybody else gets "
                "a new code in the browser, from who administers people."
            )
        try:
            code = people.renew_code(user, by=None)
        except (NotAllowed, Refused) as error:
            raise CommandError(f"{error} This runs as the owner of the tables: set DATABASE_OWNER_URL.") from None
        self.stdout.write(paper(user, code))
        self.stdout.write(
            "It is printed once. The trail says that it was made on the server, and their desk tells them."
        )
