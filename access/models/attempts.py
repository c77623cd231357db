"""Attempts and used codes: what the rate limits remember."""

from typing import ClassVar

from django.db import models


class Attempt(models.Model):
    """One thing remembered for a while (access/attempts.py); no other row ever pushes it out."""

    key = models.CharField(primary_key=True, max_length=250)
    value = models.JSONField()
    until = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        indexes: ClassVar = [models.Index(fields=["until"], name="attempts_to_forget")]

    def __str__(self) -> str:
        return str(self.pk)
