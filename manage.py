#!/usr/bin/env python
"""Django's command line. Commands that change tables run as the role that owns them, the signer as its own."""

import os
import sys

OWNER_COMMANDS = {"migrate", "load_catalogue", "maintain", "reconcile", "set_up", "recover_administrator"}
SIGNER_COMMANDS = {"signer"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if OWNER_COMMANDS & set(sys.argv[1:2]):
        os.environ["DATABASE_ROLE"] = "owner"
    elif SIGNER_COMMANDS & set(sys.argv[1:2]):
        os.environ["DATABASE_ROLE"] = "signer"
    from config.database import said_plainly

    with said_plainly():
        if sys.argv[1:2] == ["demo"]:  # before the settings, which start the database
            from config import env, processes

            env.load_dotenv()
            processes.check_demo_may_start()
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
