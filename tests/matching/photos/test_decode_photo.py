"""Bytes of strangers reach only the parsers that are named, and cannot keep one of them busy."""

import io
import struct
import time

import pillow_heif
import pytest
from PIL import Image, ImageFile

from matching.decoding import parsing
from matching.decoding.limits import HARVEST, SELFIE, Limits
from matching.errors import PhotoRejected
from matching.photos import images
from matching.types import PhotoFault


def fault_of(content: bytes, limits: Limits = SELFIE) -> PhotoFault:
    with pytest.raises(PhotoRejected) as caught:
        images.decode(content, limits)
    return caught.value.fault


pillow_heif.register_heif_opener()


def encoded(kind: str, *, side: int = 200, **options: object) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((side, side), 60).convert("RGB").save(out, kind, **options)
    return out.getvalue()


FOREIGN = {
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 200 200\n%%EndComments\n",
    "FITS": b"SIMPLE  =                    T".ljust(80) + b"END".ljust(2800),
    "PSD": b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 200, 200, 8, 3) + bytes(14),
}


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The formats whose parsers were given the bytes."""
    Image.init()
    seen: list[str] = []
    for parser in {factory for factory, _ in Image.OPEN.values() if isinstance(factory, type)}:
        watch(parser, seen, monkeypatch)
    return seen


def watch(parser: type[ImageFile.ImageFile], seen: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    original = parser._open

    def noted(self: ImageFile.ImageFile) -> None:
        seen.append(str(parser.format))
        original(self)

    monkeypatch.setattr(parser, "_open", noted)


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "BMP", "ICO", "JPEG2000", *FOREIGN])
def test_other_kinds_of_pictures_are_named_without_being_parsed(kind: str, opened: list[str]) -> None:
    content = FOREIGN.get(kind) or encoded(kind)
    opened.clear()  # writing some of them reads them back
    assert parsers_fault(content, SELFIE) == PhotoFault.UNSUPPORTED
    assert opened == []


@pytest.mark.parametrize("kind", FOREIGN)
def test_nor_does_a_harvest_parse_what_it_does_not_take(kind: str, opened: list[str]) -> None:
    assert parsers_fault(FOREIGN[kind], HARVEST) == PhotoFault.UNSUPPORTED
    assert opened == []


def parsers_fault(content: bytes, limits: Limits) -> str:
    """In this process, where it can be watched who is given the bytes."""
    with pytest.raises(parsing.Unusable) as caught:
        parsing.picture_of(content, limits, side=0)
    return caught.value.fault


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_of_a_kind_that_is_taken_only_the_beginning_is_damaged(kind: str) -> None:
    assert fault_of(encoded(kind)[:14]) is PhotoFault.TRUNCATED


@pytest.mark.parametrize("kind", HARVEST.formats)
def test_a_harvest_takes_what_the_web_holds(kind: str) -> None:
    assert images.decode(encoded(kind), HARVEST).shape == (200, 200, 3)


def test_the_first_picture_of_a_phones_double_file_is_taken() -> None:
    second = Image.new("RGB", (50, 50))
    assert images.decode(encoded("MPO", save_all=True, append_images=[second]), SELFIE).shape[0] == 200


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def progressive(scans: int, *, side: int = 200) -> bytes:
    """A grey JPEG in which `scans` scans say nothing."""
    table = bytes([1, *[0] * 15])  # a Huffman table of one code
    start = segment(0xDB, b"\0" + b"\1" * 64) + segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + b"\1\x11\0")
    codes = segment(0xC4, b"\x00" + table + b"\x00") + segment(0xC4, b"\x10" + table + b"\xe0")
    first, empty = segment(0xDA, b"\1\1\0\0\0\0"), segment(0xDA, b"\1\1\0\1\x3f\0")
    return b"\xff\xd8" + start + codes + first + empty * (scans - 1) + b"\xff\xd9"


@pytest.mark.parametrize("padding", [b"", b"\xff\xff", b"junk", b"\xff\x00\xff\xd0"])
def test_thousands_of_empty_scans_are_turned_away_at_once(padding: bytes) -> None:
    bomb = progressive(900_000, side=4800).replace(b"\xff\xda", padding + b"\xff\xda")[: SELFIE.longest]
    started = time.monotonic()
    assert fault_of(bomb) is PhotoFault.UNSUPPORTED
    assert time.monotonic() - started < 1


def test_so_are_millions_of_empty_segments() -> None:
    started = time.monotonic()
    assert fault_of(b"\xff\xd8" + b"\xff\xe1\x00\x02" * 2_400_000) is PhotoFault.UNSUPPORTED
    assert time.monotonic() - started < 1


def test_the_most_scans_that_are_taken_are_soon_decoded() -> None:
    started = time.monotonic()
    assert images.decode(progressive(parsing.MOST_SCANS, side=4800), SELFIE).shape[0] == 4800
    assert time.monotonic() - started < 5


def test_ordinary_progressive_photos_are_taken() -> None:
    assert images.decode(encoded("JPEG", progressive=True, quality=95), SELFIE).shape[0] == 200


def test_what_looks_like_scans_inside_a_thumbnail_or_after_the_end_does_not_count() -> None:
    photo = encoded("JPEG", comment=b"\xff\xda" * 1000) + b"\xff\xda\0\2" * 1000
    assert images.decode(photo, SELFIE).shape[0] == 200
