"""The key service: the only code that reaches sealed records, over a connection and with a keyring of its own (Rule 1).

    open(events)    what committed openings cover, each shown once
    seal(ids, rule) move records behind the seal
    index(people)   the register's indexes of people, for requests
    check(ids)      whether sealed records are what was sealed

The rest of the product calls these, and `close` where a process ends, and nothing else; what is behind them may move into a process of its own.
All raise `Unavailable` with a sentence that says what to do when connection, keyring or functions are missing.
"""

from records.keyservice.checking import Checked, check
from records.keyservice.connection import close
from records.keyservice.indexing import index
from records.keyservice.opening import Opened, SealedRow, open
from records.keyservice.sealing import BATCH, seal

__all__ = ["BATCH", "Checked", "Opened", "SealedRow", "check", "close", "index", "open", "seal"]
