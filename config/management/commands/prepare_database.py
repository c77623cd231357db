"""The roles and the database of a server of one's own, by one command."""

from __future__ import annotations

import os
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError
from psycopg.conninfo import conninfo_to_dict

from config import database

ADDRESSES = {
    database.APP: "DATABASE_URL",
    database.OWNER: "DATABASE_OWNER_URL",
    database.SIGNER: "DATABASE_SIGNER_URL",
    database.KEYS: "SEALED_DATABASE_URL",
}


class Command(BaseCommand):
    help = (
        "Make the roles, the database and its closed privileges on the server that DATABASE_SUPERUSER_URL names. The "
        "four other addresses say the passwords that the roles get. Running it again changes nothing else."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        superuser = os.environ.get("DATABASE_SUPERUSER_URL")
        missing = [name for name in ADDRESSES.values() if not os.environ.get(name)]
        if not superuser or missing:
            raise CommandError(
                "Set DATABASE_SUPERUSER_URL (for this command only) and "
                f"{', '.join(missing or ADDRESSES.values())}; docs/operations.md says how."
            )
        passwords, names = {}, set()
        for role, variable in ADDRESSES.items():
            values = conninfo_to_dict(os.environ[variable])
            if values.get("user") != role:
                raise CommandError(f"{variable} has to name the role {role}; it names {values.get('user') or 'none'}.")
            passwords[role] = str(values.get("password") or "")
            names.add(str(values.get("dbname") or ""))
        if len(names) > 1 or "" in names:
            raise CommandError("The four addresses have to name one database.")
        try:
            closed = database.prepare(conninfo_to_dict(superuser), names.pop(), passwords)
        except psycopg.Error as error:
            raise CommandError(f"The server refused: {str(error).strip()}") from None
        self.stdout.write("The roles and the database are made. Run next, as the owner: manage.py migrate")
        if not closed:
            self.stdout.write(
                "PostgreSQL's counters stay open, because closing them takes a superuser: while they are open, any role "
                "of this server can tell from them how many sealed records a disclosure has read."
            )
