"""What is counted, for Prometheus: routes, classes of status, ages of queues; no ids and no names.

Web processes count into files of METRICS_DIR, each into its own (gunicorn.conf.py); `manage.py metrics` adds them up and
asks the database for the rest.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import DatabaseError, connection
from prometheus_client import Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from access import kinds as access_kinds
from audit import freshness
from audit import kinds as audit_kinds
from config import health

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

REQUESTS = Counter("seal_requests", "Requests that were answered.", ["route", "status"])
SECONDS = Histogram(
    "seal_request_seconds", "How long answering took.", buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15)
)

# The trail counts these for all machines together.
COUNTED = {
    access_kinds.OPENING: ("seal_openings", "Answers that were opened."),
    access_kinds.ANSWER_REFUSED: ("seal_answers_refused", "Counted openings that showed nothing."),
    audit_kinds.DENIED: ("seal_refusals", "Requests of people who may not make them."),
    access_kinds.SIGN_IN_FAILED: ("seal_sign_ins_failed", "Sign-ins that failed."),
    audit_kinds.TRAIL_ALARM: ("seal_trail_alarms", "Times that the signer refused to sign."),
}
QUEUES = """
    SELECT 'requests', count(*), extract(epoch FROM clock_timestamp() - min(submitted_at))
      FROM access_accessrequest WHERE status = 'SUBMITTED'
    UNION ALL
    SELECT 'reviews', count(*), extract(epoch FROM clock_timestamp() - min(submitted_at))
      FROM records_violation WHERE status = 'SUBMITTED'
    UNION ALL
    SELECT 'jobs', count(*), extract(epoch FROM clock_timestamp() - min(scheduled_at))
      FROM procrastinate_jobs WHERE status = 'todo'
"""


def count(*, route: str, status: int, seconds: float) -> None:
    """Count one request that was answered."""
    REQUESTS.labels(route, f"{status // 100}xx").inc()
    SECONDS.observe(seconds)


class FromTheDatabase(Collector):
    """What every process may know by asking: how old the queues are, and how far the trail lags."""

    def collect(self) -> Iterator[Metric]:
        """Yield what the trail and the queues count, and which part that a page needs is missing."""
        ready = GaugeMetricFamily("seal_ready", "Whether each part that a page needs is there.", labels=["check"])
        for name, trouble in health.troubles().items():
            ready.add_metric([name], float(not trouble))
        yield ready
        try:
            yield from _events()
            yield from _queues()
            yield from _trail()
        except DatabaseError:
            connection.close()  # seal_ready says so

    def describe(self) -> Iterator[Metric]:
        """Yield nothing, or registering would ask the database."""
        return iter(())  # or registering would ask the database


def _events() -> Iterator[Metric]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, count(*) FROM audit_event WHERE kind = ANY (%s) GROUP BY kind",
            [[str(kind) for kind in COUNTED]],
        )
        numbers = dict(cursor.fetchall())
    for kind, (name, text) in COUNTED.items():
        yield CounterMetricFamily(name, text, value=numbers.get(kind, 0))


def _queues() -> Iterator[Metric]:
    length = GaugeMetricFamily("seal_queue_length", "How many wait in each queue.", labels=["queue"])
    oldest = GaugeMetricFamily(
        "seal_queue_oldest_seconds", "How long the first in each queue has waited.", labels=["queue"]
    )
    with connection.cursor() as cursor:
        cursor.execute(QUEUES)
        for queue, number, age in cursor.fetchall():
            length.add_metric([queue], number)
            oldest.add_metric([queue], float(age or 0))
    yield length
    yield oldest


def _trail() -> Iterator[Metric]:
    state = freshness.current()
    for name, text, value in (
        ("seal_trail_events", "Events that have their place in the log.", state.size),
        ("seal_trail_signed_events", "Events under the newest checkpoint.", state.signed_size),
        (
            "seal_trail_lag_seconds",
            "How long the oldest event has waited for its place.",
            state.oldest_unsequenced_seconds,
        ),
        ("seal_trail_checkpoint_age_seconds", "Age of the newest checkpoint.", state.newest_checkpoint_seconds),
    ):
        yield GaugeMetricFamily(name, text, value=float(value or 0))
