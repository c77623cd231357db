"""Form fields and widgets that every app shares: what was typed is checked in one place, in one sentence each."""

from __future__ import annotations

import unicodedata
import zipfile
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from io import BytesIO
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import identifiers, passwords
from access.identifiers import IdentifierError
from audit.fields import DayInput

LONGEST_TEXT = 2000
LONGEST_LINE = 200


class CheckedField(forms.CharField):
    """A text that a function of `access.identifiers` brings into its one form, or refuses in one sentence."""

    def __init__(self, check: Callable[[str], str], **kwargs: Any) -> None:
        # Stripping is the check's; the browser's own length limit would cut pasted text without a word.
        super().__init__(strip=False, **kwargs)
        self.check = check

    def to_python(self, value: Any) -> str:
        """Return the text as the check writes it, or the check's own sentence as the field's error."""
        text = super().to_python(value) or ""
        if not text.strip():
            return ""
        try:
            return self.check(identifiers.check_plain_text(text, None))
        except IdentifierError as error:
            raise ValidationError(str(error), code=error.code) from None


class PlainTextField(CheckedField):
    """Text of several lines without NUL, control or direction characters, up to a length."""

    def __init__(self, *, limit: int = LONGEST_TEXT, rows: int = 4, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.Textarea(attrs={"rows": rows}))
        super().__init__(partial(identifiers.check_plain_text, max_length=limit), **kwargs)


class PlainLineField(CheckedField):
    """The same on one line."""

    def __init__(self, *, limit: int = LONGEST_LINE, **kwargs: Any) -> None:
        super().__init__(lambda text: " ".join(identifiers.check_plain_text(text, limit).split()), **kwargs)


class CodeField(forms.CharField):
    """A code of an authenticator app or a recovery code, with whatever spaces and width it is typed."""

    widget = forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"})

    def to_python(self, value: Any) -> str:
        """Return a code without spaces, in narrow letters, however it was typed."""
        return "".join(unicodedata.normalize("NFKC", super().to_python(value) or "").split())


# The database keeps no other day (audit/sql `bounded_times`).
EARLIEST, LATEST = date(1900, 1, 1), date(2200, 1, 1)


class NewPasswordField(forms.CharField):
    """A password that is being chosen: taken to the letter, and no longer than one may be."""

    widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, max_length=passwords.MOST, **kwargs)


class DayField(forms.DateField):
    """A day from the browser's own calendar; `past=True` refuses days that are still to come."""

    default_error_messages: ClassVar = {"invalid": _("Enter the day as year, month and day, such as 2026-03-01.")}

    def __init__(self, *, past: bool = False, **kwargs: Any) -> None:
        kwargs.setdefault("widget", DayInput)
        super().__init__(input_formats=["%Y-%m-%d", "%Y/%m/%d"], **kwargs)
        self.past = past

    def validate(self, value: date | None) -> None:
        """Refuse a day that cannot be meant, with what is the matter with it."""
        super().validate(value)
        if value is None:
            return
        if self.past and value > timezone.localdate():
            raise ValidationError(_("This day is in the future; choose today or an earlier day."), code="future")
        if value < EARLIEST:
            raise ValidationError(_("This day is too long ago to be meant; check the year."), code="past")
        if value > LATEST:
            raise ValidationError(_("This day is too far ahead to be meant; check the year."), code="ahead")


class Cards(forms.RadioSelect):
    """Radio buttons with a description under each title, and a key for each where `keys` has one."""

    def __init__(
        self,
        *args: Any,
        descriptions: Mapping[str, object] | None = None,
        keys: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.descriptions = descriptions or {}
        self.keys = keys or {}

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Add the words that explain an option, and the key that chooses it."""
        option = super().create_option(name, value, *args, **kwargs)
        option["description"] = self.descriptions.get(str(value), "")
        if str(value) in self.keys:
            option["attrs"]["data-key"] = self.keys[str(value)]
        return option


class LetterField(forms.FileField):
    """An official letter: PDF, JPEG or OFD whose content is what its name says, up to the limit of size."""

    # Extension -> (media type, how such a file begins)
    KINDS = {
        "pdf": ("application/pdf", b"%PDF-"),
        "jpg": ("image/jpeg", b"\xff\xd8\xff"),
        "jpeg": ("image/jpeg", b"\xff\xd8\xff"),
        "ofd": ("application/ofd", b"PK\x03\x04"),
    }
    widget = forms.FileInput(attrs={"accept": ".pdf,.jpg,.jpeg,.ofd"})

    default_error_messages: ClassVar = {"empty": _("The file is empty; choose another one.")}

    def to_python(self, data: Any) -> Any:
        """Accept a file that is small enough, has a name that can be kept, and is what its name says."""
        letter: UploadedFile | None = super().to_python(data)  # type: ignore[assignment]
        if letter is None or letter.name is None or letter.size is None:
            return None
        if letter.size > settings.LETTER_MAX_BYTES:
            raise ValidationError(
                _("The file has %(size)s MB and may have %(limit)s MB; make it smaller or choose another one."),
                code="too_large",
                params={"size": -(-letter.size // 1024 // 1024), "limit": settings.LETTER_MAX_MEGABYTES},
            )
        try:
            identifiers.check_plain_text(letter.name, LONGEST_LINE)
        except IdentifierError as error:
            raise ValidationError(
                _("The name of the file cannot be kept: %(why)s"), params={"why": str(error)}
            ) from None
        media_type, beginning = self.KINDS.get(letter.name.rpartition(".")[2].lower(), ("", b""))
        if not media_type:
            raise ValidationError(_("The letter must be a PDF, JPEG or OFD file."), code="kind")
        content = letter.read()
        letter.seek(0)
        if not content.startswith(beginning) or (media_type == "application/ofd" and not _is_ofd(content)):
            raise ValidationError(
                _("The content of the file is not what its name says; export the letter again as PDF, JPEG or OFD."),
                code="disguised",
            )
        letter.media_type = media_type  # type: ignore[attr-defined]  # what it is, not what the browser says
        return letter


def _is_ofd(content: bytes) -> bool:
    """An OFD document (GB/T 33190) is a zip with OFD.xml at its root; only the list of names is read."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            return "OFD.xml" in archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return False
