"""Loaded by pytest (`-p tests.environment`) before any settings: tests run in their own mode and data folder."""

import hashlib
import os
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# A database for each test is seven hundred new files: in memory they cost a thirtieth of what they cost on a disk.
MEMORY = Path("/dev/shm")  # noqa: S108 - Linux's own folder in memory; ours in it is private
ENOUGH = 2 * 1024**3


def data_folder() -> Path:
    """Return the folder of the tests' server: in memory where there is room, and reached from `.data` in any case."""
    folder = ROOT / ".data" / "tests"
    if folder.is_symlink():
        folder.readlink().mkdir(mode=0o700, exist_ok=True)  # it was forgotten when the machine was switched off
    elif not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH:
            name = hashlib.sha256(f"{os.getuid()}:{ROOT}".encode()).hexdigest()[:16]
            target = MEMORY / f"sealed-records-tests-{name}"
            target.mkdir(mode=0o700, exist_ok=True)
            folder.symlink_to(target)
        else:
            folder.mkdir()
    return folder


os.environ["MODE"] = "test"
os.environ["DATA_DIR"] = str(data_folder())
# The sequencer does not run beside every test; those about staleness switch it on.
os.environ["STALE_TRAIL_STOPS"] = "no"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
