"""No upload is written to a temporary file, however large."""

import tempfile
from io import BytesIO
from pathlib import Path

import pytest
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.http import HttpRequest
from django.test import RequestFactory

from portal.core.uploads import LARGEST_UPLOAD


def upload(size: int) -> HttpRequest:
    file = BytesIO(b"x" * size)
    file.name = "IMG_Ana_1987.jpg"
    return RequestFactory().post("/", {"photo": file})


@pytest.mark.parametrize("size", [1, LARGEST_UPLOAD, LARGEST_UPLOAD + 1, 2 * LARGEST_UPLOAD])
def test_it_is_kept_in_memory_capped_and_nameless(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    file = upload(size).FILES["photo"]
    assert isinstance(file, InMemoryUploadedFile)
    assert file.size == min(size, LARGEST_UPLOAD + 1)
    assert file.name == "photo"
    assert list(tmp_path.iterdir()) == []
