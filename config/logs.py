"""Server logs say what went wrong and where, never with whose data."""

import logging
import traceback


class OpaqueErrors(logging.Filter):
    """Replace an exception's message and its frames' values by its class and places."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            places = [
                f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
            ]
            record.exc_text = f"{type(error).__module__}.{type(error).__name__}\n  " + "\n  ".join(places)
            record.exc_info = None
        return True
