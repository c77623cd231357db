"""Reading settings from the environment: each value has a name, a meaning and a clear message when it is missing."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent


def load_dotenv() -> None:
    """Put the lines of `.env`, if there is one, into the environment; what is already set wins."""
    path = BASE_DIR / ".env"
    if not path.exists():
        return
    for line in path.read_text().splitlines():
        name, separator, value = line.strip().partition("=")
        if separator and not name.startswith("#"):
            os.environ.setdefault(name.strip(), value.strip().strip("\"'"))


def required(name: str) -> str:
    """Return the value of a variable that has no safe default."""
    value = os.environ.get(name, "")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. Copy .env.example to .env and fill it in.")
    return value


def optional(name: str, default: str = "") -> str:
    return os.environ.get(name) or default


def flag(name: str, *, default: bool) -> bool:
    """Return a yes/no variable; anything but the four known words is refused."""
    value = os.environ.get(name, "").lower()
    if value not in {"", "yes", "no", "true", "false"}:
        raise ImproperlyConfigured(f"{name} must be yes or no.")
    return default if value == "" else value in {"yes", "true"}


def number(name: str, default: int) -> int:
    value = os.environ.get(name, "")
    if value and not value.isdigit():
        raise ImproperlyConfigured(f"{name} must be a whole number.")
    return int(value or default)


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in optional(name, default).split(",") if word.strip()]
