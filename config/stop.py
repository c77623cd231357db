"""`make stop`: end the demo and the embedded database servers that were started from this folder."""

from pathlib import Path

from config import database, env, processes


def main() -> None:
    """End the demo and the database servers of this folder; the data stays."""
    env.load_dotenv()
    data_dir = Path(env.optional("DATA_DIR", str(env.BASE_DIR / ".data"))).resolve()
    for pid in processes.remembered(data_dir):
        if processes.end(pid):
            print(f"Stopped process {pid} of the demo.")  # noqa: T201
    processes.forget(data_dir)
    for directory in [data_dir / "postgres", *data_dir.glob("*/postgres")]:
        if (directory / "postmaster.pid").exists():
            database.stop(directory)
            print(f"Stopped the database in {directory}.")  # noqa: T201


if __name__ == "__main__":
    with database.said_plainly():
        main()
