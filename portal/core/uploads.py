"""Uploads stay in memory, are few and small: nothing a resident sends is written to a temporary file.

Any page takes a form, and its body is read before anything else is known of the sender: to find the form's token.
"""

from collections.abc import Mapping
from io import BytesIO
from typing import IO, Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest

LARGEST_UPLOAD = 10 * 1024 * 1024  # bytes
LARGEST_REQUEST = LARGEST_UPLOAD + 1024 * 1024  # with the other fields of the form


class CappedMemoryHandler(FileUploadHandler):
    """Keeps one byte more than the limit, so that the form can tell "too big" from "just fits"."""

    def handle_raw_input(
        self,
        input_data: IO[bytes],
        META: Mapping[str, Any],  # noqa: N803  # Django's own name for it
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> None:
        """Errors: RequestDataTooBig, before a byte is read."""
        if content_length > LARGEST_REQUEST:
            raise RequestDataTooBig("the request is larger than any form of the portal")

    def new_file(self, *args: object, **kwargs: object) -> None:
        super().new_file(*args, **kwargs)  # type: ignore[arg-type]  # Django's own signature is positional and open
        self._kept = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        room = LARGEST_UPLOAD + 1 - self._kept.tell()
        if room > 0:
            self._kept.write(raw_data[:room])

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        size = self._kept.tell()
        self._kept.seek(0)
        # The name is dropped: people put names and dates into file names.
        return InMemoryUploadedFile(self._kept, self.field_name, "photo", self.content_type, size, self.charset)


def is_too_large(request: HttpRequest) -> bool:
    """Whether reading the form of this request would raise RequestDataTooBig."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    return length.isdigit() and int(length) > LARGEST_REQUEST
