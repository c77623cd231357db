"""The signer's loop, on the one machine that has the signing key."""

import logging
import threading
import time

from django.conf import settings
from django.db import DatabaseError, IntegrityError, InterfaceError, connection

from audit import checkpoints
from audit.exceptions import SignerRefused
from audit.sequencing import BATCH, sequence

# Some rest after a refusal.
REFUSED_SECONDS = 5
logger = logging.getLogger(__name__)


def run_forever(stop: threading.Event) -> None:
    """Confirm and sequence each second, sign each AUDIT_CHECKPOINT_SECONDS, until `stop` is set; no failure ends it.

    A database that does not continue the witness is neither confirmed nor does its tree grow. It polls: NOTIFY would
    take one lock for all commits of the database, and halve them under eight writers.
    """
    signed_at = float("-inf")
    try:
        while not stop.is_set():
            pause = 1
            try:
                checkpoints.confirm()
                while sequence() == BATCH and not stop.is_set():
                    checkpoints.confirm()
                if time.monotonic() - signed_at >= settings.AUDIT_CHECKPOINT_SECONDS:
                    signed_at = time.monotonic()
                    checkpoints.checkpoint()
            except SignerRefused:
                pause = REFUSED_SECONDS  # said in the server log and the trail, and by audit/freshness.py
            except IntegrityError:
                checkpoints.sound_alarm(
                    SignerRefused("A leaf stands where the next one has to. Run verify_log.", "LEAF_ADDED")
                )
            except (DatabaseError, InterfaceError) as error:
                logger.error("The signer lost the database (%s) and tries again.", type(error).__name__)
                connection.close()
            stop.wait(pause)
    finally:
        connection.close()
