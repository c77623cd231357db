"""How far the log lags behind the events: sequencing, signing and confirming, as pages and machines are told."""

from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from audit import kinds
from audit.checkpoints import newest_checkpoint


@dataclass(frozen=True)
class Freshness:
    """How far the log lags behind the events; `sentences` says what is wrong, and is empty when nothing is."""

    size: int
    signed_size: int
    oldest_unsequenced_seconds: float | None
    newest_checkpoint_seconds: float | None
    sentences: list[str] = field(default_factory=list)
    # The same as codes; the signer's own alarms, which are events, are not among them.
    reasons: list[str] = field(default_factory=list)

    @property
    def waiting_seconds(self) -> int:
        """For how many whole seconds the oldest event has waited for its place; forged moments make it infinite."""
        return round(min(self.oldest_unsequenced_seconds or 0, 1e9))


def current() -> Freshness:
    """Return the state of sequencing, signing and confirming, by the database's clock."""
    newest = newest_checkpoint()
    signed_size = newest.signed.size if newest else 0
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT state.size,
                   extract(epoch FROM clock_timestamp() - (SELECT min(at) FROM audit_queue))::float,
                   extract(epoch FROM clock_timestamp() - signed.at)::float,
                   extract(epoch FROM clock_timestamp() - unsigned.at)::float,
                   EXISTS (SELECT FROM audit_event WHERE kind = %s AND at > coalesce(signed.at, '-infinity')),
                   extract(epoch FROM clock_timestamp() - state.confirmed_at)::float
            FROM audit_log_state AS state
            LEFT JOIN audit_checkpoint AS signed ON signed.size = %s
            LEFT JOIN audit_leaf AS leaf ON leaf.index = %s
            LEFT JOIN audit_event AS unsigned ON unsigned.id = leaf.event_id
            """,
            [kinds.TRAIL_ALARM, signed_size, signed_size],
        )
        size, unsequenced, signed, unsigned, alarm, confirmed = cursor.fetchone()
    sentences, reasons = [], []
    if unsequenced is not None and unsequenced > settings.UNSEQUENCED_SECONDS:
        reasons.append("UNSEQUENCED")
        sentences.append(
            _("Events have been waiting for %(seconds)s seconds to enter the log. Start the signer.")
            % {"seconds": round(min(unsequenced, 1e9))}
        )
    if unsigned is not None and unsigned > settings.UNSIGNED_SECONDS:
        reasons.append("UNSIGNED")
        sentences.append(
            _("Events of the last %(minutes)s minutes are not under a signed checkpoint. Start the signer.")
            % {"minutes": round(min(unsigned, 1e9) // 60)}
        )
    if settings.STALE_TRAIL_STOPS and not (confirmed is not None and 0 <= confirmed <= settings.UNCONFIRMED_SECONDS):
        reasons.append("UNCONFIRMED")
        sentences.append(
            _(
                "The signer has not confirmed lately that this database is not behind what was signed. Nothing is shown until it does."
            )
        )
    if alarm:
        sentences.append(_("The signer raised an alarm since the last checkpoint. Look for alarms in the trail."))
    return Freshness(size, signed_size, unsequenced, signed, sentences, reasons)
