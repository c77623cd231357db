"""The trail as its pages read it. Nothing is saved through these models: `trail` and `log` write, in SQL."""

import uuid

from django.db import models

from audit.reading import EARLIEST, LATEST


class ReadableEvents(models.Manager["Event"]):
    """Events whose time Python can hold; one that an owner gave another time is named by verification."""

    def get_queryset(self) -> models.QuerySet["Event"]:
        """Leave out events whose time Python cannot hold."""
        return super().get_queryset().filter(at__range=(EARLIEST + "T00:00Z", LATEST + "T00:00Z"))


class Event(models.Model):
    """One act. `canonical` is what was logged; every column below it is generated from it by the database."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    canonical = models.BinaryField(editable=False)
    at = models.DateTimeField(editable=False)
    kind = models.TextField(editable=False)
    actor = models.TextField(null=True, editable=False)  # noqa: DJ001 - null: the system, or nobody signed in
    unit = models.TextField(null=True, editable=False)  # noqa: DJ001
    target_type = models.TextField(null=True, editable=False)  # noqa: DJ001
    target_id = models.TextField(null=True, editable=False)  # noqa: DJ001

    objects = ReadableEvents()

    class Meta:
        db_table = "audit_event"

    def __str__(self) -> str:
        return str(self.pk)


class Leaf(models.Model):
    """The place of an event in the Merkle tree."""

    index = models.BigIntegerField(primary_key=True, editable=False)
    event = models.OneToOneField(Event, models.DO_NOTHING, db_constraint=False, related_name="leaf", editable=False)
    hash = models.BinaryField(editable=False)

    class Meta:
        db_table = "audit_leaf"

    def __str__(self) -> str:
        return str(self.pk)


class Checkpoint(models.Model):
    """A signed statement of the size and root of the tree."""

    size = models.BigIntegerField(primary_key=True, editable=False)
    root = models.BinaryField(editable=False)
    note = models.TextField(editable=False)
    at = models.DateTimeField(editable=False)

    class Meta:
        db_table = "audit_checkpoint"

    def __str__(self) -> str:
        return str(self.pk)
