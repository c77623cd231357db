"""The first units and the people who keep the system; everything else is then done in the browser.

It runs as the owner of the tables: nobody on a page may give a duty or a code alone that takes two.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from access import duties
from access.actions import people
from access.codes import Code
from access.exceptions import NotAllowed, Refused
from access.identifiers import IdentifierError
from access.models import Organisation, User
from access.models.duty import Duty
from access.models.people import OrganisationKind

KEEPERS = (Duty.ADMINISTER_PEOPLE, Duty.ASSIGN_DUTIES, Duty.OVERSEE)
# What they do takes two of each; one who oversees is enough to begin with.
LEAST = {Duty.ADMINISTER_PEOPLE: 2, Duty.ASSIGN_DUTIES: 2, Duty.OVERSEE: 1}


class Command(BaseCommand):
    help = "Enter the units of a JSON file, and the keepers of the system where there are none (docs/operations.md)."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            plan = json.loads(options["file"].read_text())
            units, keepers = plan["units"], plan.get("keepers", [])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CommandError(f"The file cannot be read as docs/operations.md describes it ({error}).") from None
        try:
            added = [
                self.add_unit(unit) for unit in units if not Organisation.objects.filter(code=unit["code"]).exists()
            ]
            self.add_keepers(keepers)
        except (KeyError, ValueError, IdentifierError, NotAllowed, Refused, Organisation.DoesNotExist) as error:
            raise CommandError(f"The plan is not complete or not right: {type(error).__name__} {error}") from None
        self.stdout.write(f"{len(added)} units entered, {Organisation.objects.count()} in all.")

    def add_unit(self, unit: dict[str, str]) -> Organisation:
        """Enter one unit under the one that it names."""
        ends_on = unit.get("agreement_ends_on")
        organisation = people.create_organisation(
            by=None,
            name=unit["name"],
            name_en=unit["name_en"],
            kind=OrganisationKind(unit["kind"]),
            code=unit["code"],
            region_code=unit["region_code"],
            parent=Organisation.objects.get(code=unit["parent"]) if unit.get("parent") else None,
            agreement_ends_on=date.fromisoformat(ends_on) if ends_on else None,
        )
        if organisation.parent is None:  # nobody is above it, so its keepers are told here
            for duty in KEEPERS[:2]:
                for keeper in _keepers(duty):
                    people.give_duty(keeper, duty, organisation, by=None)
        return organisation

    def add_keepers(self, keepers: list[dict[str, str]]) -> None:
        """Enter those of duties that nobody active holds at the top; for the others the browser is the place."""
        missing = {duty: least for duty, least in LEAST.items() if not _keepers(duty)}
        named = [Duty(keeper["duty"]) for keeper in keepers]
        if set(named) - set(LEAST) or any(named.count(duty) < least for duty, least in missing.items()):
            least = ", ".join(f"{duty} ({number})" for duty, number in missing.items())
            raise CommandError(f"Name at least so many keepers, and none with another duty: {least}.")
        for keeper in [one for one in keepers if one["duty"] in missing]:
            duty = Duty(keeper["duty"])
            unit = Organisation.objects.get(code=keeper["unit"])
            user, code = people.create_user(
                by=None,
                username=keeper["username"],
                full_name=keeper["full_name"],
                badge_number=keeper.get("badge_number", ""),
                organisation=unit,
            )
            tops = [unit] if duty == Duty.OVERSEE else Organisation.objects.filter(parent=None)
            for top in tops:
                people.give_duty(user, duty, top, by=None)
            self.stdout.write(paper(user, code))


def paper(user: User, code: Code) -> str:
    """Return what the operator writes on paper and hands over in person; it is printed once and kept nowhere."""
    until = f"{timezone.localtime(code.until):%Y-%m-%d %H:%M}" if code.until else "-"
    return f"{user.username} ({user}): code {code.text}, to be used at /enrol/ until {until}"


def _keepers(duty: Duty) -> list[User]:
    roots = Organisation.objects.filter(parent=None)
    return list({user.pk: user for root in roots for user in duties.holders(duty, root)}.values())
