"""What the worker does by itself: sealing what is due, and noting what time has ended.

With the worker stopped nothing that is shown is wrong: the door asks the clock, and sealing follows the service.
"""

from __future__ import annotations

import logging

from django.core.cache import cache
from procrastinate.contrib.django import app

from access import database
from access.actions import requests
from access.sessions import SessionStore
from audit import alarms, trail
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
    """Note each grant that time has ended, end each returned request that nobody corrected, forget what is over."""
    while database.note_expiry():
        pass
    now = trail.database_now()
    while requests.lapse_one(now):
        pass
    SessionStore.clear_expired()
    cache.clear()  # attempts whose time is over, and nothing else


@app.periodic(cron=EVERY_MINUTE)
@app.task(name="watch_trail", queueing_lock="watch_trail", pass_context=False)
def watch_trail(timestamp: int) -> None:
    """Make an alarm of what is wrong with the trail, and send each alarm to those who have to know."""
    alarms.watch()
