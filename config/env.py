"""Reading settings from the environment: each value has a name, a meaning and a clear message when it is missing."""

import errno
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
    """Return a variable, or the default where it is unset or empty."""
    return os.environ.get(name) or default


def flag(name: str, *, default: bool) -> bool:
    """Return a yes/no variable; anything but the four known words is refused."""
    value = os.environ.get(name, "").lower()
    if value not in {"", "yes", "no", "true", "false"}:
        raise ImproperlyConfigured(f"{name} must be yes or no.")
    return default if value == "" else value in {"yes", "true"}


def number(name: str, default: int) -> int:
    """Return a variable as a whole number; anything else stops the start with its name."""
    value = os.environ.get(name, "")
    if value and not (value.isascii() and value.isdigit() and len(value) < 10):
        raise ImproperlyConfigured(f"{name} must be a whole number.")
    return int(value or default)


def port(name: str, default: int) -> int:
    """Return a variable as a port; anything else stops the start with its name."""
    value = number(name, default)
    if not 0 < value < 65536 and value != default:
        raise ImproperlyConfigured(f"{name}={value} is not a port; choose a number from 1 to 65535.")
    return value


def folder(name: str, default: Path, *, make: bool = True) -> Path:
    """Return a folder; with `make` it is made if it is missing, and this process can write to it."""
    path = Path(optional(name, str(default))).expanduser().resolve()
    if not make:
        return path
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise ImproperlyConfigured(
            f"{name} is {path}, and nothing can be kept there ({error.strerror}). Name a folder of your own."
        ) from None
    return path


def words(name: str, default: str = "") -> list[str]:
    """Return a variable that lists words with commas between."""
    return [word.strip() for word in optional(name, default).split(",") if word.strip()]
