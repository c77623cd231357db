"""Uploads stay in memory: one file, as much of it as may be kept, and only where and for whom a file is wanted."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import InMemoryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpResponse


def takes_a_file(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Mark a view as one that a file may be sent to; everywhere else large requests are refused unread."""
    view.takes_a_file = True  # type: ignore[attr-defined]
    return view


class MeasuringUploadHandler(FileUploadHandler):
    """Keep a file up to the limit, and of a larger one its size only: the form can then say what is the matter.

    Of a file that nobody wants, or a stranger sends, only the size is kept too: the page after an expired sign-in
    carries what was typed, and the file was never part of that.
    """

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file in memory: nothing touches a disk in plain text."""
        super().new_file(*args, **kwargs)
        self.buffer = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Keep what fits; what is too long is only measured, so that its size can be told."""
        if getattr(self.request, "keeps_files", False) and start + len(raw_data) <= settings.LETTER_MAX_BYTES:
            self.buffer.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile:
        """Return the file with its whole size, even where not all of it was kept."""
        self.buffer.seek(0)
        return InMemoryUploadedFile(
            self.buffer, self.field_name, self.file_name, self.content_type, file_size, self.charset
        )
