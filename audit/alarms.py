"""What is wrong with the trail until somebody has looked into it.

An alarm is an event: the signer refused, a verification failed, or what `watch` found. It stays open until somebody who
watches closes it with a finding, which is an event too; the next occurrence is a new alarm. What is wrong at this very
moment shows even before there is an event, and for as long as it lasts.
"""

import datetime
import logging
import subprocess
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.core.mail import send_mail
from django.db import connection, models, transaction
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit import checkpoints, freshness, kinds, reading, trail
from audit.models import Event
from audit.trail import Actor

MOST = 500
LONGEST_FINDING = 2000
COMMAND_SECONDS = 30
logger = logging.getLogger(__name__)


class Reason(models.TextChoices):
    """What an alarm is about; the signer's codes, and those of `watch`."""

    VERIFICATION_FAILED = "VERIFICATION_FAILED", _("The trail does not hold: a verification found faults.")
    NEVER_VERIFIED = "NEVER_VERIFIED", _("The trail was never verified.")
    VERIFICATION_OVERDUE = "VERIFICATION_OVERDUE", _("The trail was not verified lately.")
    UNSEQUENCED = "UNSEQUENCED", _("Events are not entering the log: the signer stands still.")
    UNSIGNED = "UNSIGNED", _("The newest checkpoint is stale: events are not under a signature.")
    UNCONFIRMED = "UNCONFIRMED", _("The signer has not confirmed lately that the database is not set back.")
    WITNESS_MISSING = "WITNESS_MISSING", _("The witness file is missing.")
    WITNESS_UNREADABLE = "WITNESS_UNREADABLE", _("The witness file cannot be read.")
    WITNESS_UNWRITABLE = "WITNESS_UNWRITABLE", _("The witness file cannot be written.")
    WITNESS_INVALID = "WITNESS_INVALID", _("The witness file does not hold.")
    WITNESS_OLDER = "WITNESS_OLDER", _("The witness file is behind the database.")
    BEHIND_WITNESS = "BEHIND_WITNESS", _("The database ends before what was signed: it was set back.")
    INCONSISTENT_WITH_WITNESS = "INCONSISTENT_WITH_WITNESS", _("The log is not the one that was signed.")
    EVENT_ALTERED = "EVENT_ALTERED", _("An event was altered after it entered the log.")
    LEAF_MISSING = "LEAF_MISSING", _("A place of the log is empty.")
    LEAF_ADDED = "LEAF_ADDED", _("The log holds a place that was never given.")
    FRONTIER_DIFFERS = "FRONTIER_DIFFERS", _("The events do not give the tree that the sequencer keeps.")
    SCHEMA_CHANGED = "SCHEMA_CHANGED", _("The database is built otherwise than it was.")
    KEY_UNUSABLE = "KEY_UNUSABLE", _("The signing key cannot be used.")
    ORIGIN_CHANGED = "ORIGIN_CHANGED", _("The log bears another name than the signer's settings.")
    OTHER = "OTHER", _("The signer refused to sign.")


def reasons(codes: set[str]) -> dict[str, str]:
    """Return these codes of alarms in words."""
    return {code: str(Reason(code).label) for code in codes if code in Reason.values}


_KEEP = _("Keep the database as it is, export the log, tell the oversight body, and find out who had access.")
_WITNESS = _("Put the newest copy of the witness file back on the signing machine. Nothing is signed before.")
_SIGNER = _("Start the signer, and find out why it stood still. Nothing is disclosed meanwhile.")
_VERIFY = _("Verify the trail now, and let a timer run “manage.py verify_log” each night.")
_LOOK = _("Look into the server log of the signing machine: it says what to put right.")
TO_DO: dict[str, str | Promise] = {
    Reason.VERIFICATION_FAILED: _KEEP,
    Reason.BEHIND_WITNESS: _KEEP,
    Reason.INCONSISTENT_WITH_WITNESS: _KEEP,
    Reason.EVENT_ALTERED: _KEEP,
    Reason.LEAF_MISSING: _KEEP,
    Reason.LEAF_ADDED: _KEEP,
    Reason.FRONTIER_DIFFERS: _KEEP,
    Reason.NEVER_VERIFIED: _VERIFY,
    Reason.VERIFICATION_OVERDUE: _VERIFY,
    Reason.UNSEQUENCED: _SIGNER,
    Reason.UNSIGNED: _SIGNER,
    Reason.UNCONFIRMED: _SIGNER,
    Reason.WITNESS_MISSING: _WITNESS,
    Reason.WITNESS_UNREADABLE: _WITNESS,
    Reason.WITNESS_UNWRITABLE: _WITNESS,
    Reason.WITNESS_INVALID: _WITNESS,
    Reason.WITNESS_OLDER: _WITNESS,
    Reason.SCHEMA_CHANGED: _(
        "Ask whoever runs the system which upgrade that was. Two overseers accept it on the page “Verification”; a change that nobody announced is an attack."
    ),
}


@dataclass(frozen=True)
class Alarm:
    """One thing that is wrong; without an event it lasts at this moment, and goes when it is put right."""

    reason: Reason
    event_id: uuid.UUID | None = None
    at: datetime.datetime | None = None
    is_sent: bool = False

    @property
    def sentence(self) -> str:
        """What is wrong, in the reader's language."""
        return str(self.reason.label)

    @property
    def to_do(self) -> str:
        """What to do about it, in the reader's language."""
        return str(TO_DO.get(self.reason, _LOOK))


@dataclass(frozen=True)
class Finding:
    """How an alarm was closed; `text` is None where what is kept is not what was written."""

    event: Event
    text: str | None


class NotOpen(Exception):
    """The alarm was closed before, or there is none."""


def open_alarms() -> list[Alarm]:
    """Return what is wrong and not closed, newest first, and before it what is wrong at this moment without an alarm."""
    raised = _raised()
    known = {alarm.reason for alarm in raised}
    return [*(Alarm(reason) for reason in _wrong_now() if reason not in known), *raised]


def _raised() -> list[Alarm]:
    """Return the newest alarm of each reason that nobody has closed; closing one closes those before it."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT alarm.id, alarm.at, alarm.reason,
                   EXISTS (SELECT FROM audit_event AS e WHERE e.kind = 'ALARM_CLOSED' AND e.actor IS NOT NULL
                            AND e.target_id = alarm.id::text),
                   EXISTS (SELECT FROM audit_event AS e WHERE e.kind = 'ALARM_SENT' AND e.target_id = alarm.id::text)
            FROM (
                SELECT id, at, public.audit_json(canonical) -> 'detail' ->> 'reason' AS reason
                  FROM audit_event WHERE kind = 'TRAIL_ALARM' AND at BETWEEN %(first)s AND %(last)s
                UNION ALL
                SELECT id, at, 'VERIFICATION_FAILED'
                  FROM audit_event WHERE kind = 'TRAIL_VERIFIED' AND at BETWEEN %(first)s AND %(last)s
                   AND public.audit_json(canonical) -> 'detail' ->> 'holds' = 'false'
            ) AS alarm ORDER BY alarm.at DESC, alarm.id DESC LIMIT %(most)s
            """,
            {"first": reading.EARLIEST, "last": reading.LATEST, "most": MOST},
        )
        rows = cursor.fetchall()
    newest: dict[Reason, Alarm | None] = {}
    for event_id, at, code, is_closed, is_sent in rows:
        reason = Reason(code) if code in Reason.values else Reason.OTHER
        newest.setdefault(reason, None if is_closed else Alarm(reason, event_id, at, is_sent))
    return [alarm for alarm in newest.values() if alarm]


def _wrong_now() -> list[Reason]:
    found = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(at) FROM audit_event WHERE kind = 'TRAIL_VERIFIED' AND at BETWEEN %s AND %s",
            [reading.EARLIEST, reading.LATEST],
        )
        (verified_at,) = cursor.fetchone()
    if verified_at is None:
        found.append(Reason.NEVER_VERIFIED)
    elif timezone.now() - verified_at > datetime.timedelta(hours=settings.VERIFIED_HOURS):
        found.append(Reason.VERIFICATION_OVERDUE)
    return found + [Reason(code) for code in freshness.current().reasons if code in Reason.values]


def close(event_id: uuid.UUID, *, by: Actor, finding: str) -> None:
    """Close an alarm with what was found; its text stands beside the digest that the trail holds. Raises NotOpen."""
    with transaction.atomic(durable=True):
        _hold()
        if event_id not in {alarm.event_id for alarm in _raised()}:
            raise NotOpen
        about = ("audit.event", str(event_id))
        closed = trail.write(kinds.ALARM_CLOSED, by=by, on=about, texts={"finding": finding})
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO public.audit_finding (event_id, alarm_id, finding) VALUES (%s, %s, %s)",
                [closed, event_id, finding],
            )


def findings(events: Iterable[Event]) -> list[Finding]:
    """Return how these alarms were closed, each text compared with its digest in the trail."""
    events = list(events)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT f.event_id, n.nonce, f.finding FROM audit_finding f"
            " JOIN audit_nonce n ON n.event_id = f.event_id AND n.name = 'finding' WHERE f.event_id = ANY (%s)",
            [[event.pk for event in events]],
        )
        kept = {event_id: (bytes(nonce), text) for event_id, nonce, text in cursor.fetchall()}
    found = []
    for event in events:
        nonce, text = kept.get(event.pk, (b"", ""))
        digest = reading.text(reading.content(event.canonical), "texts", "finding")
        found.append(Finding(event, text if trail.text_digest(nonce, text) == digest else None))
    return found


def watch() -> None:
    """Make an alarm of what is wrong at this moment, unless there was one within the hour, and send what is not sent."""
    known = {alarm.reason for alarm in _raised()}
    for reason in _wrong_now():
        if reason not in known:
            with transaction.atomic(durable=True):
                _hold()
                checkpoints.write_alarm(reason.value)
    for alarm in _raised():
        if not alarm.is_sent:
            _send(alarm)


def _send(alarm: Alarm) -> None:
    """Send an alarm by each way that is set up, and say so in the trail; one that fails is tried again the next time."""
    with translation.override(settings.LANGUAGE_CODE):
        subject = gettext("Alarm of the trail: %(what)s") % {"what": alarm.sentence}
        text = "\n".join(
            [subject, alarm.to_do, f"{timezone.localtime(alarm.at):%Y-%m-%d %H:%M:%S %z} {alarm.event_id}", ""]
        )
    ways = []
    if settings.ALARM_COMMAND and _run(settings.ALARM_COMMAND, text):
        ways.append("command")
    if settings.ALARM_EMAILS and _mail(subject, text):
        ways.append("email")
    if ways:
        with transaction.atomic(durable=True):
            trail.write(kinds.ALARM_SENT, by=None, on=("audit.event", str(alarm.event_id)), ways=ways)


def _run(program: str, text: str) -> bool:
    """Run a program with the text on its standard input: no shell, no arguments, and none of our settings and secrets."""
    try:
        subprocess.run(  # noqa: S603 - a setting names it
            [program], input=text.encode(), timeout=COMMAND_SECONDS, check=True, env={"PATH": "/usr/bin:/bin"}
        )
    except (OSError, subprocess.SubprocessError) as error:
        logger.error("ALARM_COMMAND failed (%s).", type(error).__name__)
        return False
    return True


def _mail(subject: str, text: str) -> bool:
    try:
        return bool(send_mail(subject, text, None, settings.ALARM_EMAILS))
    except OSError as error:  # what smtplib raises is one
        logger.error("The alarm could not be sent by e-mail (%s).", type(error).__name__)
        return False


def _hold() -> None:
    """Let one at a time raise and close alarms."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [checkpoints.ALARM_LOCK])
