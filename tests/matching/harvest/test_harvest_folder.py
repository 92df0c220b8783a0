"""A folder is harvested by what its files hold, not by their names, and nothing in it is passed over unsaid."""

import io
import os
import sys
import tempfile
from io import StringIO
from pathlib import Path

import pillow_heif
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from matching.models import HarvestedImage

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(sys.platform != "linux", reason="other systems allow fewer names"),
]

pillow_heif.register_heif_opener()

NAMES = {
    "p.jfif": "JPEG",
    "p.jpe": "JPEG",
    "p.mpo": "MPO",
    "noending": "JPEG",
    "p.JPG_orig": "JPEG",
    "p.avif": "AVIF",
    "really a jpeg.avif": "JPEG",
    "p.txt": "PNG",
    "p.HIF": "HEIF",
    "p.jpg.webp.1": "WEBP",
    "p.dib": "BMP",
    ".hidden": "GIF",
}


def harvest(source: Path) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("harvest", str(source), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def harvest_but_some(source: Path) -> tuple[str, str]:
    """Where a photo is refused, the command ends with another status than 0."""
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError, match="Not taken"):
        call_command("harvest", str(source), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def encoded(picture: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind)
    return out.getvalue()


def noise(seed: int) -> Image.Image:
    return Image.new("RGB", (64, 64), (seed, 100, 200 - seed))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "in"
    made.mkdir()
    return made


def test_a_photo_is_known_by_its_content_whatever_its_name(folder: Path) -> None:
    for number, (name, kind) in enumerate(NAMES.items()):
        (folder / name).write_bytes(encoded(noise(number), kind))
    out, err = harvest(folder)
    assert f"{len(NAMES)} images with" in out
    assert err == ""


def test_the_face_in_an_avif_is_found(folder: Path, astronaut: Path) -> None:
    (folder / "p.avif").write_bytes(encoded(Image.open(astronaut).convert("RGB"), "AVIF"))
    out, _ = harvest(folder)
    assert "1 images with 1 faces added" in out


def test_what_is_no_photo_is_named_and_counted(folder: Path) -> None:
    (folder / "photo.jpg").write_bytes(encoded(noise(0), "JPEG"))
    (folder / "page.jpg").write_bytes(b"<!doctype html><title>404</title>")
    (folder / "film.mp4").write_bytes(b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + bytes(100))
    (folder / "layers.psd").write_bytes(b"8BPS" + bytes(100))
    (folder / "empty.png").touch()
    (folder / "elsewhere").symlink_to(folder)
    os.mkfifo(folder / "pipe")
    out, err = harvest(folder)
    assert "1 images" in out
    assert "6 skipped (6 of them not photos)" in out
    reasons = {Path(name).name: why for name, _, why in (line.rpartition(": ") for line in err.splitlines())}
    assert reasons == {
        "page.jpg": "not_an_image",
        "film.mp4": "unsupported",
        "layers.psd": "unsupported",
        "empty.png": "not_an_image",
        "elsewhere": "not_a_file",
        "pipe": "not_a_file",
    }


def test_what_cannot_be_read_is_named_and_the_rest_is_in(folder: Path) -> None:
    (folder / "photo.jpg").write_bytes(encoded(noise(0), "JPEG"))
    (folder / "to nothing.jpg").symlink_to(folder / "nowhere")
    (folder / "to itself.jpg").symlink_to(folder / "to itself.jpg")
    out, err = harvest_but_some(folder)
    assert "1 images" in out
    assert "2 skipped (0 of them not photos)" in out
    assert {line.split(":")[0].rpartition("/")[2] for line in err.splitlines()} == {"to nothing.jpg", "to itself.jpg"}
    assert err.count("unreadable") == 2


@pytest.mark.parametrize("moment", [253402300800, -62170156801])
def test_a_file_dated_outside_the_calendar_is_named_and_the_rest_is_in(moment: int) -> None:
    """Where the file system keeps such dates, as one in memory does."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as made:
        for name in ("photo.jpg", "dated.jpg"):
            (Path(made) / name).write_bytes(encoded(noise(0), "JPEG"))
        os.utime(Path(made) / "dated.jpg", (moment, moment))
        out, err = harvest_but_some(Path(made))
    assert "1 images" in out
    assert "dated.jpg: its date is outside the years 1 to 9999: set it with touch" in err


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_closed_folder_is_named_and_the_rest_is_in(folder: Path) -> None:
    (folder / "photo.jpg").write_bytes(encoded(noise(0), "JPEG"))
    (folder / "closed").mkdir(mode=0)
    out, err = harvest_but_some(folder)
    assert "1 images" in out
    assert "closed: unreadable" in err


def test_a_name_in_any_bytes_is_imported_and_can_be_said(folder: Path) -> None:
    name = os.fsdecode(b"caf\xe9 \n.jpg")
    (folder / name).write_bytes(encoded(Image.new("RGB", (64, 64)), "JPEG"))
    (folder / os.fsdecode(b"\xff\xfe.jpg")).write_bytes(b"no photo")
    out, err = harvest(folder)
    assert HarvestedImage.objects.get().page == "https://harvest.example/caf%E9%20%0A.jpg"
    assert r"caf\udce9 \n.jpg" in out
    assert r"\udcff\udcfe.jpg: not_an_image" in err


def test_photos_without_a_face_are_listed_at_the_end(folder: Path, astronaut: Path) -> None:
    (folder / "face.png").write_bytes(astronaut.read_bytes())
    (folder / "wall.png").write_bytes(encoded(noise(0), "PNG"))
    (folder / "sky.png").write_bytes(encoded(noise(90), "PNG"))
    listed = harvest(folder)[0].splitlines()
    assert listed[1] == "2 of the images added show no face that could be found:"
    assert {Path(line.strip()).name for line in listed[2:]} == {"wall.png", "sky.png"}
    assert "no face" not in harvest(folder)[0]  # they are there already
