"""What the database is built of: one digest of every function, trigger, policy and privilege, read from its catalogue.

The signer puts it under each checkpoint, so that a trigger that was dropped, a function that was replaced or a role that
was given more is named by verification.
"""

import hashlib
from pathlib import Path

from django.db import connection

# Read when the process starts and sent as a query: a function of the database could be replaced by its owner.
QUERY = Path(__file__).with_suffix(".sql").read_text()


def rows() -> list[str]:
    """Return everything that the fingerprint is over, one line an object, in an order of its own."""
    with connection.cursor() as cursor:
        # Names are written in full, and no operator of somebody's own is found, only with this path.
        cursor.execute("select pg_catalog.current_setting('search_path')")
        path = cursor.fetchone()[0]
        cursor.execute("select pg_catalog.set_config('search_path', 'pg_catalog', false)")
        try:
            cursor.execute(QUERY)
            found = ["\x1f".join("" if one is None else str(one) for one in row) for row in cursor.fetchall()]
        finally:
            if not connection.needs_rollback and not connection.connection.closed:
                cursor.execute("select pg_catalog.set_config('search_path', %s, false)", [path])
    return sorted(found)


def current() -> str:
    """Return the fingerprint of the database as it is now."""
    return hashlib.sha256("\x1e".join(rows()).encode()).hexdigest()
