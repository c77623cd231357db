"""The metrics of this machine's web processes and of the database, for Prometheus, on a port of their own."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

from config.database import check_role
from config.metrics import FromTheDatabase


class Command(BaseCommand):
    help = "Serve metrics as Prometheus text on METRICS_PORT until told to stop with SIGTERM or Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.METRICS_PORT:
            raise CommandError("METRICS_PORT is not set; name the port that Prometheus asks, such as 9464.")
        check_role(connection)
        connection.close()
        try:
            server, thread = start_http_server(settings.METRICS_PORT, addr=settings.METRICS_HOST, registry=registry())
        except OSError as error:
            raise CommandError(
                f"Nobody can listen on {settings.METRICS_HOST}:{settings.METRICS_PORT} ({error.strerror}). "
                "Choose another METRICS_PORT or METRICS_HOST."
            ) from None
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        stop.wait()
        server.shutdown()
        thread.join()


def registry() -> CollectorRegistry:
    """Return everything there is to tell; without METRICS_DIR what the web processes count stays with them."""
    everything = CollectorRegistry()
    everything.register(FromTheDatabase())
    if settings.METRICS_DIR:
        MultiProcessCollector(everything, path=str(settings.METRICS_DIR))
    return everything
