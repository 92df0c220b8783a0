"""Uploads stay in memory: nothing a resident sends is written to a temporary file."""

from io import BytesIO

from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler

LARGEST_UPLOAD = 10 * 1024 * 1024  # bytes


class CappedMemoryHandler(FileUploadHandler):
    """Keeps one byte more than the limit, so that the form can tell "too big" from "just fits"."""

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
