"""Every change in `access`: lock, guard, change, event, in one durable transaction (Rule 9)."""
