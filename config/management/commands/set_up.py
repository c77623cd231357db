"""The first units and the three people who keep the system; everything else is then done in the browser."""

from __future__ import annotations

import getpass
import json
from datetime import date
from pathlib import Path
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from access import duties
from access.actions import people
from access.duties import Duty
from access.identifiers import IdentifierError
from access.models import Organisation, User
from access.models.people import OrganisationKind

KEEPERS = (Duty.ADMINISTER_PEOPLE, Duty.ASSIGN_DUTIES, Duty.OVERSEE)


class Command(BaseCommand):
    help = (
        "Enter the units of a JSON file, and the three keepers of the system where there are none (docs/operations.md)."
    )

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
        except (KeyError, ValueError, IdentifierError, Organisation.DoesNotExist) as error:
            raise CommandError(f"The plan is not complete or not right: {type(error).__name__} {error}") from None
        self.stdout.write(f"{len(added)} units entered, {Organisation.objects.count()} in all.")

    def add_unit(self, unit: dict[str, str]) -> Organisation:
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
        if any(_keepers(duty) for duty in KEEPERS):
            return
        if sorted(keeper["duty"] for keeper in keepers) != sorted(KEEPERS):
            raise CommandError(f"Name three keepers, one for each of: {', '.join(KEEPERS)}.")
        for keeper in keepers:
            duty = Duty(keeper["duty"])
            unit = Organisation.objects.get(code=keeper["unit"])
            user = people.create_user(
                by=None,
                username=keeper["username"],
                full_name=keeper["full_name"],
                badge_number=keeper.get("badge_number", ""),
                organisation=unit,
                password=self.ask_password(keeper["username"]),
            )
            tops = [unit] if duty == Duty.OVERSEE else Organisation.objects.filter(parent=None)
            for top in tops:
                people.give_duty(user, duty, top, by=None)

    def ask_password(self, username: str) -> str:
        """Ask for a password that the validators accept; it is never an argument, which other processes could read."""
        while True:
            password = getpass.getpass(f"Password of {username}: ")
            try:
                validate_password(password)
            except ValidationError as error:
                self.stderr.write(" ".join(error.messages))
            else:
                return password


def _keepers(duty: Duty) -> list[User]:
    roots = Organisation.objects.filter(parent=None)
    return list({user.pk: user for root in roots for user in duties.holders(duty, root)}.values())
