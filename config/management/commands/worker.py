"""The background worker: seals what is due, notes what has ended. (The trail has a process of its own: signer.)"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand
from django.db import close_old_connections, connection
from procrastinate.contrib.django import app

from config.database import check_role

LONGEST_PAUSE = 30
logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Do what is due in the background (sealing, expiry) until told to stop with SIGTERM or Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        check_role(connection)
        connection.close()
        asyncio.run(_work())


async def _work() -> None:
    """Run jobs until a signal asks to stop; when the database goes away, come back as soon as it does."""
    asked = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    waiting = asyncio.create_task(asked.wait())
    pause = 1
    while not asked.is_set():
        started_at = time.monotonic()
        session = asyncio.create_task(_run_jobs())
        await asyncio.wait({session, waiting}, return_when=asyncio.FIRST_COMPLETED)
        session.cancel()  # procrastinate takes this as: finish the job at hand and stop
        (ended,) = await asyncio.gather(session, return_exceptions=True)
        if asked.is_set():
            break
        logger.error("The worker lost the database (%s) and tries again in %d s.", type(ended).__name__, pause)
        await asyncio.wait({waiting}, timeout=pause)
        pause = 1 if time.monotonic() - started_at > LONGEST_PAUSE else min(pause * 2, LONGEST_PAUSE)


async def _run_jobs() -> None:
    with app.replace_connector(app.connector.get_worker_connector()):  # type: ignore[attr-defined]
        async with app.open_async():
            await app.run_worker_async(
                concurrency=1,
                install_signal_handlers=False,
                delete_jobs="successful",
                task_middleware=[_on_a_fresh_connection],
            )


def _on_a_fresh_connection(run: Callable[[], Any], _context: Any, _worker: Any) -> Any:
    """Keep a job from using a connection that the database has closed since the last one."""
    close_old_connections()
    try:
        return run()
    finally:
        close_old_connections()
