"""Who is signed in where."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from access.models.people import User

# The only clock that ends a session.
DATABASE_NOW = models.Func(function="clock_timestamp", output_field=models.DateTimeField())


# A session that says it began or was seen later than this is over: nobody puts off its end so.
AHEAD = timedelta(seconds=5)


class SessionQuerySet(models.QuerySet["Session"]):
    def not_ended(self) -> SessionQuerySet:
        """Keep the sessions that nobody has ended."""
        return self.exclude(models.Exists(SessionEnd.objects.filter(digest=models.OuterRef("digest"))))

    def live(self) -> SessionQuerySet:
        """Keep the sessions that nobody has ended, nor idleness or age, with `database_now`."""
        in_time = self.annotate(database_now=DATABASE_NOW).filter(
            last_seen_at__gt=DATABASE_NOW - timedelta(seconds=settings.SESSION_IDLE_SECONDS),
            last_seen_at__lt=DATABASE_NOW + AHEAD,
            created_at__gt=DATABASE_NOW - timedelta(seconds=settings.SESSION_SECONDS),
            created_at__lt=DATABASE_NOW + AHEAD,
        )
        return in_time.not_ended()


class Session(models.Model):
    """One session: the digest of its key, never the key, and what it holds, signed with that digest in the salt."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    digest = models.CharField(max_length=64, unique=True)
    # No foreign key in the database: ending somebody's sessions waits for nobody.
    user = models.ForeignKey(User, models.DO_NOTHING, null=True, db_constraint=False, related_name="+")
    data = models.TextField()
    created_at = models.DateTimeField(db_default=Now())
    last_seen_at = models.DateTimeField(db_default=Now())
    address = models.CharField(max_length=45, blank=True)
    browser = models.CharField(max_length=60, blank=True)

    objects = SessionQuerySet.as_manager()
    database_now: datetime  # set by `live`

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def ends_at(self) -> datetime:
        """When it ends if its holder does nothing more."""
        return min(
            self.last_seen_at + timedelta(seconds=settings.SESSION_IDLE_SECONDS),
            self.created_at + timedelta(seconds=settings.SESSION_SECONDS),
        )


class SessionEnd(models.Model):
    """That a session has ended before its time: a row more, so that nobody who holds the session's row can hold it up.

    Neither a foreign key nor a unique digest, which would wait for somebody. It outlives the session's row, so that who
    kept a copy of that row does not bring it back.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    digest = models.CharField(max_length=64)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        indexes: ClassVar = [models.Index(fields=["digest"], name="ended_session")]

    def __str__(self) -> str:
        return str(self.pk)
