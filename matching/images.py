"""Hostile bytes in, clean pixels out. Every photo of a stranger is decoded by `decode`, nowhere else."""

import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from matching.types import PhotoFault, PhotoRejected, Pixels


@dataclass(frozen=True)
class Limits:
    formats: tuple[str, ...]  # Pillow's parsers; no other ever sees the bytes
    longest: int  # bytes
    pixels: int
    shortest_side: int
    animated: bool  # whether a moving picture is taken, by its first frame


# Pillow's JPEG parser also takes MPO, which many phones write into a .jpg: the photo, then a preview or depth map.
SELFIE = Limits(("JPEG", "PNG", "WEBP"), 10_000_000, 24_000_000, 64, animated=False)
# A scraper takes what it finds; being picky here would leave faces in the store but out of the index.
HARVEST = Limits(("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"), 50_000_000, 50_000_000, 24, animated=True)

# How pictures begin, and at which byte: a parser that is not asked cannot say that it knows this one.
BEGINNINGS = (
    ("JPEG", 0, b"\xff\xd8\xff"),
    ("PNG", 0, b"\x89PNG"),
    ("WEBP", 8, b"WEBP"),
    ("GIF", 0, b"GIF8"),
    ("BMP", 0, b"BM"),
    ("TIFF", 0, b"II*\0"),  # the raw files of most cameras too
    ("TIFF", 0, b"MM\0*"),
    ("TIFF", 0, b"II+\0"),  # beyond 4 GB
    ("TIFF", 0, b"MM\0+"),
    ("HEIC", 4, b"ftyp"),  # of a phone; AVIF too
    ("PSD", 0, b"8BPS"),
    ("EPS", 0, b"%!PS"),
    ("EPS", 0, b"\xc5\xd0\xd3\xc6"),  # with a preview
    ("FITS", 0, b"SIMPLE  ="),
    ("ICO", 0, b"\0\0\1\0"),
    ("JPEG2000", 0, b"\0\0\0\x0cjP  "),
    ("JPEG2000", 0, b"\xff\x4f\xff\x51"),
    ("JXL", 0, b"\0\0\0\x0cJXL "),
    ("JXL", 0, b"\xff\x0a"),
)

# A JPEG is a chain of segments. Each scan makes the decoder pass over the whole picture, and an empty one costs
# ten bytes: without a bound ten megabytes of them take half an hour. Encoders write about ten.
MOST_SCANS = 100
MOST_SEGMENTS = 10_000
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
# What counts as a marker to libjpeg; 00 is a stuffed byte, FF is padding, 01 and D0 to D7 stand without a length.
MARKER = re.compile(rb"\xff([\x02-\xcf\xd8-\xfe])")


def decode(content: bytes, limits: Limits) -> Pixels:
    """Upright RGB pixels; raises PhotoRejected. No pixel is decoded before size and header passed the limits."""
    if len(content) > limits.longest:
        raise PhotoRejected(PhotoFault.TOO_BIG)
    check_scans(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata, which is dropped anyway
            with Image.open(io.BytesIO(content), formats=limits.formats) as picture:
                check_header(picture, limits)
                return upright(picture)
    except UnidentifiedImageError:
        raise PhotoRejected(fault_by_beginning(content, limits)) from None
    except Image.DecompressionBombError:
        raise PhotoRejected(PhotoFault.TOO_MANY_PIXELS) from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, OverflowError, MemoryError):
        # Pillow's decoders raise all of these for files that end early or are damaged.
        raise PhotoRejected(PhotoFault.TRUNCATED) from None


def fault_by_beginning(content: bytes, limits: Limits) -> PhotoFault:
    """Of what no parser took."""
    for kind, at, magic in BEGINNINGS:
        if content.startswith(magic, at):
            return PhotoFault.TRUNCATED if kind in limits.formats else PhotoFault.UNSUPPORTED
    return PhotoFault.NOT_AN_IMAGE


def check_scans(content: bytes) -> None:
    if not content.startswith(b"\xff\xd8"):
        return
    scans = 0
    for segments, marker in enumerate(markers(content), 1):
        scans += marker == START_OF_SCAN
        if scans > MOST_SCANS or segments > MOST_SEGMENTS:
            raise PhotoRejected(PhotoFault.UNSUPPORTED)


def markers(content: bytes) -> Iterator[int]:
    """Those of a JPEG that the decoder would meet, in order; a thumbnail inside a segment is skipped as there."""
    at = 2
    while (found := MARKER.search(content, at)) is not None:
        marker = found[1][0]
        yield marker
        if marker == END_OF_IMAGE:
            return
        length = int.from_bytes(content[found.end() : found.end() + 2])
        at = found.end() + max(2, length)


def check_header(picture: Image.Image, limits: Limits) -> None:
    if picture.width * picture.height > limits.pixels:
        raise PhotoRejected(PhotoFault.TOO_MANY_PIXELS)
    if min(picture.size) < limits.shortest_side:
        raise PhotoRejected(PhotoFault.TOO_SMALL)
    if not limits.animated and picture.format != "MPO" and getattr(picture, "is_animated", False):
        raise PhotoRejected(PhotoFault.ANIMATED)


def upright(picture: Image.Image) -> Pixels:
    picture.load()
    turned = ImageOps.exif_transpose(picture)
    if turned.mode.startswith("I;16") or turned.mode == "I":
        turned = Image.fromarray((np.asarray(turned, np.float32) / 257).clip(0, 255).astype(np.uint8))
    if turned.has_transparency_data:
        turned = turned.convert("RGBA")
        turned = Image.alpha_composite(Image.new("RGBA", turned.size, "white"), turned)
    return np.asarray(turned.convert("RGB"))


def shrink(pixels: Pixels, longest: int) -> Pixels:
    """At most `longest` pixels on the long side; never enlarged."""
    scale = longest / max(pixels.shape[:2])
    return pixels if scale >= 1 else resize(pixels, scale)


def resize(pixels: Pixels, scale: float) -> Pixels:
    height, width = pixels.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    method = Image.Resampling.BOX if scale < 0.5 else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(pixels).resize(size, method))


def jpeg(pixels: Pixels, *, quality: int = 90) -> bytes:
    """Encoded anew from pixels alone, so that no metadata of the original can pass."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=quality)
    return out.getvalue()
