"""Loaded by pytest (`-p tests.environment`) before any settings: tests run in their own mode and data folder."""

import os
from pathlib import Path

os.environ["MODE"] = "test"
os.environ["DATA_DIR"] = str(Path(__file__).resolve().parent.parent / ".data" / "test")
# The sequencer does not run beside every test; those about staleness switch it on.
os.environ["STALE_TRAIL_STOPS"] = "no"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
