"""What the worker does by itself: sealing what is due, and noting what time has ended.

With the worker stopped nothing that is shown is wrong: the door asks the clock, and sealing follows the service.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from procrastinate.contrib.django import app

from access.actions import requests
from audit import trail
from records import actions

EVERY_MINUTE = "* * * * *"
logger = logging.getLogger(__name__)


@app.periodic(cron=EVERY_MINUTE)
@app.task(name="seal_due", queueing_lock="seal_due", pass_context=False)
def seal_due(timestamp: int) -> None:
    """Seal every record that its rule says is due."""
    sealed = actions.seal_due()
    if sealed:
        logger.info("Sealed %d records.", sealed)


@app.periodic(cron=EVERY_MINUTE)
@app.task(name="end_what_is_over", queueing_lock="end_what_is_over", pass_context=False)
def end_what_is_over(timestamp: int) -> None:
    """Note each grant that time has ended, and end each returned request that nobody corrected in time."""
    now = trail.database_now()
    _until_none_is_left(requests.note_one_expiry, now)
    _until_none_is_left(requests.lapse_one, now)


def _until_none_is_left(one: Callable[[datetime], bool], now: datetime) -> None:
    while one(now):
        pass
