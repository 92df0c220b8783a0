"""Photos as phones, scanners and editors write them keep their face, and what is refused is called what it is."""

import io
import struct
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from numpy.typing import NDArray
from PIL import Image

from bench.hostile_photos import png
from matching import service
from matching.decoding import parsing
from matching.decoding.limits import HARVEST, SELFIE, Limits
from matching.errors import PhotoRejected
from matching.photos import images
from matching.types import PhotoFault, Pixels

pillow_heif.register_heif_opener()

PHONE_HEIC = {"quality": 20, "enc_params": {"preset": "ultrafast"}}


@pytest.fixture
def portrait(astronaut: Path) -> Image.Image:
    return Image.open(astronaut).convert("RGB")


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def fault_of(content: bytes, limits: Limits = SELFIE) -> PhotoFault:
    with pytest.raises(PhotoRejected) as caught:
        images.decode(content, limits)
    return caught.value.fault


def small(picture: Image.Image | Pixels) -> NDArray[np.float64]:
    shown = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    return np.asarray(shown.convert("L").resize((64, 64)), float)


def shows(pixels: Pixels, picture: Image.Image) -> bool:
    """Whether they are the same picture, equally bright."""
    one, other = small(pixels), small(picture)
    return bool(np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.99 and abs(one.mean() - other.mean()) < 8)


# --- size ---


@pytest.mark.parametrize("size", [(9248, 6936), (12_000, 9_000), (16_320, 12_240)])
def test_a_harvest_takes_what_phones_write_at_their_best(size: tuple[int, int], portrait: Image.Image) -> None:
    pixels = images.decode(encoded(portrait.convert("L").resize(size), "JPEG"), HARVEST, wait=60)
    assert pixels.shape[0] * pixels.shape[1] <= HARVEST.pixels
    assert shows(pixels, portrait)


def test_a_large_jpeg_is_never_decoded_at_its_full_size(portrait: Image.Image) -> None:
    with parsing.opened(encoded(portrait.resize((4096, 4096)), "JPEG"), "JPEG") as picture:
        parsing.reduce(picture, SELFIE, side=1600)
        picture.load()
        assert picture.size == (2048, 2048)


def test_one_pixel_too_many_is_too_many() -> None:
    most = HARVEST.pixels
    assert fault_of(encoded(Image.new("1", (65_001, 1_000)), "PNG"), HARVEST) is PhotoFault.TOO_MANY_PIXELS
    assert images.decode(encoded(Image.new("1", (65_000, 1_000)), "PNG"), HARVEST).size == 3 * most


# --- EXIF ---


def exif(*entries: tuple[int, int, int, bytes]) -> bytes:
    """One of tag, type, count and value each."""
    body = b"".join(struct.pack(">HHI", tag, kind, count) + value for tag, kind, count, value in entries)
    return b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">H", len(entries)) + body + bytes(4)


LYING = (0x0112, 3, 1, b"\0\6\0\0")  # to be turned a quarter clockwise
ODD = {
    "resolution as text": (0x011A, 2, 4, b"abc\0"),
    "resolution by zero": (0x011A, 10, 1, b"\0\0\0\x26"),
    "maker beyond the end": (0x010F, 2, 400, b"\0\1\0\0"),
    "position beyond the end": (0x8825, 4, 1, b"\0\1\0\0"),
    "position in a circle": (0x8825, 4, 1, b"\0\0\0\x08"),
    "details as text": (0x8769, 2, 4, b"abc\0"),
    "a type that is none": (0x9999, 99, 1, b"abcd"),
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
@pytest.mark.parametrize("odd", ODD)
def test_odd_metadata_refuses_no_photo_and_it_stands_upright(odd: str, kind: str, portrait: Image.Image) -> None:
    content = encoded(portrait.rotate(90, expand=True), kind, exif=exif(LYING, ODD[odd]))
    assert shows(images.decode(content, SELFIE), portrait)


@pytest.mark.parametrize("value", [(3, b"\0\0\0\0"), (3, b"\0\x09\0\0"), (2, b"6\0\0\0"), (7, b"\xff\xff\xff\xff")])
def test_an_orientation_that_is_none_turns_nothing(value: tuple[int, bytes], portrait: Image.Image) -> None:
    content = encoded(portrait, "JPEG", exif=exif((0x0112, value[0], 1, value[1])))
    assert shows(images.decode(content, SELFIE), portrait)


# --- files that end early ---

JPEGS: dict[str, dict[str, object]] = {
    "plain": {},
    "fine": {"quality": 95, "subsampling": 0},
    "progressive": {"progressive": True},
    "with restarts": {"restart_marker_blocks": 4},
}


@pytest.mark.parametrize("options", JPEGS.values(), ids=JPEGS)
@pytest.mark.parametrize("tail", [b"", b"\xff", bytes(700)])
def test_a_missing_end_marker_loses_nothing(options: dict[str, object], tail: bytes, portrait: Image.Image) -> None:
    photo = encoded(portrait, "JPEG", **options)
    assert np.array_equal(images.decode(photo[:-2] + tail, HARVEST), images.decode(photo, HARVEST))


@pytest.mark.parametrize("options", JPEGS.values(), ids=JPEGS)
@pytest.mark.parametrize("left", [0.02, 0.3, 0.7, 0.97])
def test_a_photo_of_which_more_is_missing_is_called_truncated(
    options: dict[str, object], left: float, portrait: Image.Image
) -> None:
    photo = encoded(portrait, "JPEG", **options)
    for limits in (SELFIE, HARVEST):
        assert fault_of(photo[: int(left * len(photo))], limits) is PhotoFault.TRUNCATED


def test_a_progressive_photo_without_its_last_scans_is_truncated(portrait: Image.Image) -> None:
    photo = encoded(portrait, "JPEG", progressive=True)
    scans = [at - 2 for marker, at in parsing.markers(photo) if marker == parsing.START_OF_SCAN]
    for at in scans[1:]:
        assert fault_of(photo[:at]) is PhotoFault.TRUNCATED


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "HEIF", "AVIF", "GIF", "BMP", "TIFF"])
def test_half_a_file_is_truncated_whatever_its_format(kind: str, portrait: Image.Image) -> None:
    content = encoded(portrait.resize((128, 128)), kind)
    assert fault_of(content[: len(content) // 2], HARVEST) is PhotoFault.TRUNCATED


def test_a_whole_file_with_a_hole_is_damaged_and_an_unknown_kind_of_jpeg_unsupported(portrait: Image.Image) -> None:
    holed = bytearray(encoded(portrait, "PNG"))
    holed[5_000:6_000] = bytes(1_000)
    assert fault_of(bytes(holed)) is PhotoFault.DAMAGED
    deep = bytearray(encoded(portrait, "JPEG"))
    deep[deep.index(b"\xff\xc0") + 4] = 12  # bits a colour
    assert fault_of(bytes(deep)) is PhotoFault.UNSUPPORTED


# --- depth ---


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_grey_of_many_bits_keeps_its_brightness(bits: int, kind: str, portrait: Image.Image) -> None:
    grey = np.asarray(portrait.convert("L")).astype(np.uint16) << (bits - 8)
    assert shows(images.decode(encoded(Image.fromarray(grey), kind), HARVEST), portrait.convert("L"))


@pytest.mark.parametrize("bits", [12, 16])
def test_so_do_colours_of_many_bits(bits: int, portrait: Image.Image) -> None:
    rows = (np.asarray(portrait).astype(np.uint16) << (bits - 8)).astype(">u2")
    content = png(512, 512, b"".join(b"\0" + row.tobytes() for row in rows), depth=16, colour=2)
    assert shows(images.decode(content, SELFIE), portrait)


@pytest.mark.parametrize("span", [(0, 1), (-1, 1), (0, 255), (0, 65_535), (0, 1e30)])
def test_so_do_floats_in_any_range(span: tuple[float, float], portrait: Image.Image) -> None:
    low, high = span
    grey = np.asarray(portrait.convert("L")).astype(np.float64) / 255 * (high - low) + low
    grey[0, :5] = np.nan, np.inf, -np.inf, 10 * high, -10 * high
    content = encoded(Image.fromarray(grey.astype(np.float32)), "TIFF")
    assert shows(images.decode(content, HARVEST), portrait.convert("L"))


# --- transparency ---


def seen_through(picture: Image.Image, alpha: int, *, shown: tuple[int, int, int, int] | None = None) -> Image.Image:
    """With this opacity all over, but for a part that is shown."""
    mask = Image.new("L", picture.size, alpha)
    if shown:
        mask.paste(255, shown)
    layered = picture.convert("RGBA")
    layered.putalpha(mask)
    return layered


@pytest.mark.parametrize("kind", ["PNG", "HEIF"])
@pytest.mark.parametrize("alpha", [0, 1, 100])
def test_a_transparent_picture_keeps_its_face(alpha: int, kind: str, portrait: Image.Image) -> None:
    for hidden in (seen_through(portrait, alpha), seen_through(portrait, alpha, shown=(0, 0, 100, 30))):
        assert shows(images.decode(encoded(hidden, kind), SELFIE), portrait)


def test_so_does_one_of_a_palette_or_of_grey(portrait: Image.Image) -> None:
    palette = portrait.convert("P", palette=Image.Palette.ADAPTIVE)
    assert shows(images.decode(encoded(palette, "PNG", transparency=bytes(256)), SELFIE), portrait)
    grey = encoded(seen_through(portrait, 0).convert("LA"), "PNG")
    assert shows(images.decode(grey, SELFIE), portrait.convert("L"))


def test_where_no_face_can_be_seen_transparency_is_named(portrait: Image.Image) -> None:
    lower_half = seen_through(portrait, 0, shown=(0, 256, 512, 512))
    colourless = encoded(seen_through(portrait, 0), "WEBP")  # which keeps nothing of what cannot be seen
    for content in (encoded(lower_half, "PNG"), colourless, encoded(Image.new("RGBA", (200, 200)), "PNG")):
        with pytest.raises(PhotoRejected) as caught:
            service.read_selfie(content)
        assert caught.value.fault is PhotoFault.TRANSPARENT
