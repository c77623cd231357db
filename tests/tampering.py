"""What only the owner of the tables can do: change what is append-only, and leave every trigger as it was."""

from __future__ import annotations

from typing import Any

import psycopg

_TRIGGERS = """
select t.tgrelid::regclass::text, t.tgname from pg_trigger t
 where not t.tgisinternal and t.tgenabled = 'A' and t.tgrelid = any (%s::regclass[])
"""
TRAIL = ("audit_event", "audit_nonce", "audit_leaf", "audit_tile", "audit_checkpoint")


def tamper(owner: psycopg.Connection, statement: str, *parameters: Any, tables: tuple[str, ...] = TRAIL) -> int:
    """Run a statement with the triggers of these tables switched off, switch them on again; return the rows it hit."""
    with owner.transaction():
        triggers = owner.execute(_TRIGGERS, [list(tables)]).fetchall()
        for table, name in triggers:
            owner.execute(f"alter table {table} disable trigger {name}")
        named = parameters[0] if parameters and isinstance(parameters[0], dict) else parameters
        changed = owner.execute(statement, named or None).rowcount
        owner.execute("set constraints all immediate")
        for table, name in triggers:
            owner.execute(f"alter table {table} enable always trigger {name}")
    return changed
