"""What fails at start: a kind of event that a migration lets be written, and that no app can read."""

from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.db.migrations.loader import MigrationLoader

from audit import kinds
from audit.sql import MayBeWritten


@register("audit")
def every_kind_is_registered(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Name each kind that a migration lets be written and that no app registered."""
    unknown = {
        name: migration
        for migration in MigrationLoader(None).disk_migrations.values()
        for operation in migration.operations
        if isinstance(operation, MayBeWritten)
        for name in operation.kinds
        if kinds.kind_of(name) is None
    }
    return [
        Error(
            f"{migration} lets events of the kind {name} be written, and no app registered it.",
            hint="Define it in the app's kinds.py, with the sentence that the pages of the trail say.",
            id="audit.E001",
        )
        for name, migration in unknown.items()
    ]
