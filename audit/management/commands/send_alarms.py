from typing import Any

from django.core.management.base import BaseCommand

from audit import alarms


class Command(BaseCommand):
    help = "Make alarms of what is wrong with the trail, send those not sent yet; exit code 1 while one is open."

    def handle(self, *args: Any, **options: Any) -> None:
        alarms.watch()
        wrong = alarms.open_alarms()
        for alarm in wrong:
            self.stderr.write(f"{alarm.sentence} {alarm.to_do}")
        if wrong:
            raise SystemExit(1)
        self.stdout.write("No alarm is open.")
