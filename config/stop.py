"""`make stop`: end the demo and the embedded database servers that were started from this folder."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from config import database, env


def main() -> None:
    env.load_dotenv()
    data_dir = Path(env.optional("DATA_DIR", str(env.BASE_DIR / ".data"))).resolve()
    pids = data_dir / "demo.pids"
    if pids.exists():
        for pid in [int(word) for word in pids.read_text().split()]:
            if end(pid):
                print(f"Stopped process {pid} of the demo.")  # noqa: T201
        pids.unlink(missing_ok=True)
    for directory in [data_dir / "postgres", *data_dir.glob("*/postgres")]:
        if (directory / "postmaster.pid").exists():
            database.stop(directory)
            print(f"Stopped the database in {directory}.")  # noqa: T201


def end(pid: int) -> bool:
    """Stop a process of the demo, which stops its own children; a pid that is somebody else's by now is left alone."""
    arguments = ["ps", "-o", "command=", "-p", str(pid)]
    command = subprocess.run(arguments, capture_output=True, text=True, check=False).stdout  # noqa: S603
    if "manage.py" not in command and "gunicorn" not in command:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        for _tenth in range(200):
            os.kill(pid, 0)
            time.sleep(0.1)
        os.kill(pid, signal.SIGKILL)
    return True


if __name__ == "__main__":
    main()
