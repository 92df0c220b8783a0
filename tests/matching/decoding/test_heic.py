"""What phones write: turned by a box of its own, several pictures in one file, ten bits a colour."""

import io
import struct
from contextlib import suppress

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from matching.decoding.limits import SELFIE
from matching.errors import PhotoRejected
from matching.photos import images
from matching.types import PhotoFault, Pixels

pillow_heif.register_heif_opener()


def corners() -> Image.Image:
    """Red above green on the left, blue above white on the right."""
    picture = Image.new("RGB", (128, 192), "white")
    for colour, place in (("red", (0, 0)), ("lime", (0, 96)), ("blue", (64, 0))):
        picture.paste(colour, (*place, place[0] + 64, place[1] + 96))
    return picture


def heic(picture: Image.Image, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, "HEIF", quality=95, **options)
    return out.getvalue()


def quarters(pixels: Pixels) -> list[str]:
    height, width = pixels.shape[:2]
    names = {(1, 0, 0): "red", (0, 1, 0): "lime", (0, 0, 1): "blue", (1, 1, 1): "white"}
    places = [(height // 4, width // 4), (height // 4, 3 * width // 4), (3 * height // 4, width // 4)]
    return [names[tuple(int(value > 128) for value in pixels[place])] for place in places]  # type: ignore[index]


def test_it_is_read_at_its_full_size() -> None:
    pixels = images.decode(heic(corners()), SELFIE)
    assert pixels.shape == (192, 128, 3)
    assert quarters(pixels) == ["red", "blue", "lime"]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_stands_upright_once_and_not_twice(orientation: int) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = corners().transpose(undo[orientation]) if orientation in undo else corners()
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = images.decode(heic(stored, exif=exif.tobytes()), SELFIE)
    assert pixels.shape == (192, 128, 3)
    assert quarters(pixels) == ["red", "blue", "lime"]


def test_of_several_pictures_the_primary_one_is_taken() -> None:
    album = pillow_heif.from_pillow(Image.new("RGB", (100, 100), "red"))
    album.add_from_pillow(corners())
    out = io.BytesIO()
    album.save(out, primary_index=1)
    assert quarters(images.decode(out.getvalue(), SELFIE)) == ["red", "blue", "lime"]


def test_what_is_see_through_lies_on_white() -> None:
    half = Image.new("RGBA", (128, 128), (255, 0, 0, 0))
    half.paste((0, 0, 0, 255), (0, 0, 128, 64))
    pixels = images.decode(heic(half), SELFIE)
    assert pixels[80:].min() > 250
    assert pixels[:48].max() < 5


def test_too_many_pixels_are_refused_by_the_header() -> None:
    content = heic(corners())
    content = content.replace(struct.pack(">II", 128, 192), struct.pack(">II", 6000, 4200))
    with pytest.raises(PhotoRejected) as caught:
        images.decode(content, SELFIE)
    assert caught.value.fault is PhotoFault.TOO_MANY_PIXELS


def test_a_damaged_one_is_turned_away_or_read_and_never_more() -> None:
    whole, chance = heic(corners()), np.random.default_rng(7)
    for _ in range(60):
        content = bytearray(whole)
        for at in chance.integers(0, len(content), 8):
            content[at] = chance.integers(256)
        with suppress(PhotoRejected):
            assert images.decode(bytes(content), SELFIE).ndim == 3
