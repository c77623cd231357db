"""The register's indexes of people: what a request is matched by."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.utils.translation import gettext as _

from access.exceptions import Refused
from access.identifiers import identity_text, subject_text
from access.subjects import Indexes, Named
from access.vault import datakeys
from records.keyservice.connection import register_keys, sealed


def index(people: Sequence[Named], by: uuid.UUID) -> list[Indexes]:
    """Return the indexes of these people, in order, and count them against what this user may ask about in a day.

    The count is durable whatever becomes of the request. Raises Refused beyond the ceiling, the same whether anybody is
    in the register (Rule 3).
    """
    keys = register_keys()
    with sealed() as connection:
        row = connection.execute("select sealed.count_asked(%s, %s) as is_within", [by, len(people)]).fetchone()
    if row is None or not row["is_within"]:
        raise Refused(
            _("You have asked about as many people as one person may in a day. Submit this request tomorrow.")
        )
    return [
        Indexes(
            subject_key=datakeys.index(keys, "subject", subject_text(person.document_type, person.number)),
            identity_key=datakeys.index(
                keys, "identity", identity_text(person.document_type, person.number, person.name)
            ),
        )
        for person in people
    ]
