from typing import Any

from django.core.management.base import BaseCommand

from audit import registers, verification


class Command(BaseCommand):
    help = "Verify every event, leaf and checkpoint of the trail in the database; exit code 1 if it does not hold."

    def handle(self, *args: Any, **options: Any) -> None:
        result = verification.verify_and_record(by=None)
        self.stdout.write(
            f"{result.size} events in the log, {result.signed_size} of them signed, {result.checkpoints} checkpoints, "
            f"{result.waiting} events waiting, {result.seconds:.1f} s."
        )
        for sentence in registers.not_checked():
            self.stdout.write(sentence)
        if result.holds:
            self.stdout.write("The trail holds.")
            return
        self.stderr.write(f"The trail does NOT hold: {result.fault_count} faults.")
        for fault in result.faults:
            self.stderr.write(str(fault))
        raise SystemExit(1)
