"""Every text has its Chinese translation: checked on a copy, so that nothing is changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

LOCALE = "zh_Hans"
SOURCES = ("audit", "access", "records", "config", "templates")


class Command(BaseCommand):
    help = "Fail, naming them, where a text has no Chinese translation or only a fuzzy one."

    def handle(self, *args: Any, **options: Any) -> None:
        missing = untranslated(settings.BASE_DIR)
        if missing:
            lines = "\n".join(f"  {text}" for text in missing)
            raise CommandError(
                f"{len(missing)} texts have no translation in locale/{LOCALE}; run make messages:\n{lines}"
            )
        self.stdout.write("Every text is translated.")


def untranslated(root: Path) -> list[str]:
    """Return the texts of the sources that the catalogue does not translate, in order."""
    if not shutil.which("xgettext"):
        raise CommandError("The texts cannot be collected without gettext; on Debian: apt-get install gettext")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in (*SOURCES, "locale"):
            if (root / name).exists():
                shutil.copytree(root / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*.mo"))
        (copy / "locale").mkdir(exist_ok=True)
        # Without settings, makemessages works on the folder it stands in.
        environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        command = [sys.executable, "-m", "django", "makemessages", "--locale", LOCALE, "--no-location", "-v0"]
        ended = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
        if ended.returncode:
            raise CommandError(f"The texts cannot be collected: {ended.stderr.strip()}")
        with (copy / "locale" / LOCALE / "LC_MESSAGES" / "django.po").open("rb") as file:
            catalogue = read_po(file, locale=LOCALE)
    return sorted(str(_first(message.id)) for message in catalogue if message.id and not _is_translated(message))


def _first(text: Any) -> str:
    return text[0] if isinstance(text, list | tuple) else text


def _is_translated(message: Any) -> bool:
    strings = message.string if isinstance(message.string, list | tuple) else [message.string]
    return not message.fuzzy and all(strings)
