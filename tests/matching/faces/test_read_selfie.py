"""A selfie is one clear face; everything else is turned away with a reason."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from matching import service
from matching.errors import Busy, PhotoRejected
from matching.types import PhotoFault, Selfie

pytestmark = pytest.mark.models


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def blank(width: int = 200, height: int = 200) -> Image.Image:
    return Image.new("RGB", (width, height), "grey")


def fault_of(content: bytes) -> PhotoFault:
    with pytest.raises(PhotoRejected) as caught:
        service.read_selfie(content)
    return caught.value.fault


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (lambda: b"", PhotoFault.NOT_AN_IMAGE),
        (lambda: b"%PDF-1.7 not a photo", PhotoFault.NOT_AN_IMAGE),
        (lambda: encoded(blank(), "BMP"), PhotoFault.UNSUPPORTED),
        (lambda: encoded(blank(), "GIF"), PhotoFault.UNSUPPORTED),
        (lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100), PhotoFault.TRUNCATED),
        (
            lambda: encoded(blank(), "WEBP", save_all=True, append_images=[Image.new("RGB", (200, 200), "red")]),
            PhotoFault.ANIMATED,
        ),
        (lambda: encoded(blank(), "PNG")[:-40], PhotoFault.TRUNCATED),
        (lambda: encoded(blank(), "JPEG")[:-300], PhotoFault.TRUNCATED),
        (lambda: encoded(blank(40, 300), "PNG"), PhotoFault.TOO_SMALL),
        (lambda: bytes(10_000_001), PhotoFault.TOO_BIG),
        (lambda: encoded(Image.new("1", (5001, 5000)), "PNG"), PhotoFault.TOO_MANY_PIXELS),
        (lambda: encoded(blank(), "JPEG"), PhotoFault.NO_FACE),
    ],
)
def test_an_unusable_photo_is_turned_away_with_its_reason(content: Callable[[], bytes], fault: PhotoFault) -> None:
    assert fault_of(content()) is fault


def test_two_comparable_faces_are_too_many(astronaut: Path) -> None:
    face = Image.open(astronaut).convert("RGB").crop((100, 20, 360, 300))
    both = Image.new("RGB", (520, 280))
    both.paste(face, (0, 0))
    both.paste(face, (260, 0))
    assert fault_of(encoded(both, "JPEG")) is PhotoFault.SEVERAL_FACES


def test_a_small_face_in_the_background_is_no_obstacle(astronaut: Path) -> None:
    photo = Image.open(astronaut).convert("RGB")
    photo.paste(photo.crop((160, 60, 300, 200)).resize((50, 50)), (10, 10))
    assert service.read_selfie(encoded(photo, "PNG")).probes.shape == (1, 128)


def test_what_is_kept_is_upright_small_and_without_metadata(astronaut: Path) -> None:
    lying = Image.open(astronaut).convert("RGB").resize((2000, 2000)).rotate(90, expand=True)
    exif = lying.getexif()
    exif[0x0112], exif[0x010F] = 6, "Somebody's camera"
    kept = service.read_selfie(encoded(lying, "JPEG", exif=exif, comment=b"at home"))
    picture = Image.open(io.BytesIO(kept.jpeg))
    assert picture.size == (1600, 1600)
    assert not picture.getexif()
    assert not {"exif", "comment", "icc_profile"} & set(picture.info)
    upright = np.asarray(Image.open(astronaut).convert("L").resize((64, 64)), float)
    assert np.corrcoef(upright.ravel(), np.asarray(picture.convert("L").resize((64, 64)), float).ravel())[0, 1] > 0.95


def test_probes_are_of_unit_length(astronaut: Path) -> None:
    (probe,) = service.read_selfie(astronaut.read_bytes()).probes
    assert probe.dtype == np.float32
    assert np.linalg.norm(probe) == pytest.approx(1)


def read_in_turn(content: bytes) -> Selfie:
    while True:
        with suppress(Busy):  # eight at once on a slow machine; each is asked to come again
            return service.read_selfie(content)


def test_uploads_at_the_same_moment_do_not_disturb_each_other(astronaut: Path) -> None:
    photo = Image.open(astronaut).convert("RGB")
    contents = [encoded(photo, "PNG"), encoded(photo.crop((100, 20, 360, 300)), "PNG")]
    alone = [service.read_selfie(content).probes for content in contents]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(read_in_turn, contents * 4))
    for number, selfie in enumerate(together):
        assert np.array_equal(selfie.probes, alone[number % 2])
