import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from audit import log


class Command(BaseCommand):
    help = "Sequence events each second and sign checkpoints, until it is told to stop."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        log.run_forever(stop)
