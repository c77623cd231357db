"""The process of the signing machine: it gives events their place in the log, signs the log, and says that it is whole."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from audit import checkpoints, signer
from audit.exceptions import SignerRefused
from config.database import check_role


class Command(BaseCommand):
    help = "Sequence events each second and sign checkpoints, as seal_signer, until told to stop; on one machine only."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--begin", action="store_true", help="once, for a new log: without it nothing is ever begun"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        check_role(connection)
        try:
            if options["begin"]:
                checkpoints.begin()
            else:
                checkpoints.witness(checkpoints.verifier_key())
        except (SignerRefused, OSError, ValueError) as error:
            raise CommandError(str(error)) from None
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        signer.run_forever(stop)
