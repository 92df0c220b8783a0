"""No upload is written to a temporary file, and none takes more memory than one photo."""

import tempfile
from io import BytesIO
from pathlib import Path

import pytest
from django.core.exceptions import RequestDataTooBig, TooManyFilesSent
from django.core.files.uploadedfile import InMemoryUploadedFile, SimpleUploadedFile
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest
from django.test import RequestFactory

from portal.core.uploads import LARGEST_REQUEST, LARGEST_UPLOAD


def upload(size: int) -> HttpRequest:
    file = BytesIO(b"x" * size)
    file.name = "IMG_Ana_1987.jpg"
    return RequestFactory().post("/", {"photo": file})


@pytest.mark.parametrize("size", [1, LARGEST_UPLOAD, LARGEST_UPLOAD + 1, LARGEST_UPLOAD + 9000])
def test_it_is_kept_in_memory_capped_and_nameless(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    file = upload(size).FILES["photo"]
    assert isinstance(file, InMemoryUploadedFile)
    assert file.size == min(size, LARGEST_UPLOAD + 1)
    assert file.name == "photo"
    assert list(tmp_path.iterdir()) == []


class Unread(BytesIO):
    """A body nobody may read."""

    def read(self, *_size: object) -> bytes:
        raise AssertionError("the body was read")


def test_a_larger_request_is_refused_before_a_byte_is_read() -> None:
    environ = upload(1).META | {"CONTENT_LENGTH": str(LARGEST_REQUEST + 1), "wsgi.input": Unread()}
    request = WSGIRequest(environ)
    with pytest.raises(RequestDataTooBig):
        _ = request.POST


def test_there_is_one_file_in_a_request() -> None:
    two = {name: SimpleUploadedFile(f"{name}.jpg", b"x") for name in ("photo", "other")}
    with pytest.raises(TooManyFilesSent):
        _ = RequestFactory().post("/", two).FILES
