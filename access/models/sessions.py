"""Who is signed in where."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from access.models.people import User

# The only clock that ends a session.
DATABASE_NOW = models.Func(function="clock_timestamp", output_field=models.DateTimeField())


class SessionQuerySet(models.QuerySet["Session"]):
    def live(self) -> SessionQuerySet:
        """Keep the sessions that neither idleness nor age has ended, with `database_now`."""
        return self.annotate(database_now=DATABASE_NOW).filter(
            last_seen_at__gt=DATABASE_NOW - timedelta(seconds=settings.SESSION_IDLE_SECONDS),
            created_at__gt=DATABASE_NOW - timedelta(seconds=settings.SESSION_SECONDS),
        )

    def over(self) -> SessionQuerySet:
        """Keep the sessions that time has ended."""
        return self.exclude(pk__in=Session.objects.live().values("pk"))


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
