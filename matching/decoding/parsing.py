"""Hostile bytes in, an upright picture out. Runs in the child alone; nothing here knows what it is confined by."""

import io
import re
import warnings
from collections.abc import Iterator
from importlib import import_module
from typing import Literal

import pillow_heif
from PIL import Image, ImageOps, UnidentifiedImageError

from matching.decoding.limits import Limits

# Names of matching.types.PhotoFault, which brings NumPy along; a test holds the two together.
Fault = Literal[
    "not_an_image",
    "unsupported",
    "animated",
    "truncated",
    "too_small",
    "too_big",
    "too_many_pixels",
    "too_much_work",
]


class Unusable(Exception):
    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault: Fault = fault


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
    ("AVIF", 4, b"ftypavi"),
    ("HEIF", 4, b"ftyphe"),  # of a phone
    ("HEIF", 4, b"ftypmif1"),
    ("VIDEO", 4, b"ftyp"),
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


def prepare(limits: Limits) -> None:
    """Load every parser that will be needed: later nothing can be imported."""
    Image.preinit()
    import_module("PIL.ImageCms")  # what Pillow loads when it first meets colours in Lab
    if "HEIF" in limits.formats:
        # No threads, which the child may not start; no previews, depth maps and layers, which nobody asks for.
        pillow_heif.register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)
    for kind in ("TIFF", "WEBP"):  # TIFF also reads EXIF
        out = io.BytesIO()
        Image.new("RGB", (8, 8)).save(out, kind)
        Image.open(out, formats=[kind]).load()


def picture_of(content: bytes, limits: Limits, *, side: int) -> Image.Image:
    """RGB, upright, at most `side` pixels long (0: as it is).

    No pixel is decoded before size and header passed the limits. Errors: Unusable.
    """
    if len(content) > limits.longest:
        raise Unusable("too_big")
    check_scans(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata, which is dropped anyway
            with Image.open(io.BytesIO(content), formats=limits.formats) as picture:
                check_header(picture, limits)
                return upright(picture, side=side)
    except UnidentifiedImageError:
        raise Unusable(fault_by_beginning(content, limits)) from None
    except Image.DecompressionBombError:
        raise Unusable("too_many_pixels") from None
    except MemoryError:
        raise Unusable("too_much_work") from None
    except Unusable:
        raise
    except Exception:
        # For files that end early or are damaged, parsers raise a dozen kinds of errors, an assertion among them.
        raise Unusable("truncated") from None


def fault_by_beginning(content: bytes, limits: Limits) -> Fault:
    """Of what no parser took."""
    for kind, at, magic in BEGINNINGS:
        if content.startswith(magic, at):
            return "truncated" if kind in limits.formats else "unsupported"
    return "not_an_image"


def check_scans(content: bytes) -> None:
    if not content.startswith(b"\xff\xd8"):
        return
    scans = 0
    for segments, marker in enumerate(markers(content), 1):
        scans += marker == START_OF_SCAN
        if scans > MOST_SCANS or segments > MOST_SEGMENTS:
            raise Unusable("unsupported")


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


# Their further pictures are a preview, a depth map, another shot: no film.
ALBUMS = ("MPO", "HEIF")


def check_header(picture: Image.Image, limits: Limits) -> None:
    if picture.width * picture.height > limits.pixels:
        raise Unusable("too_many_pixels")
    if min(picture.size) < limits.shortest_side:
        raise Unusable("too_small")
    if not limits.animated and picture.format not in ALBUMS and getattr(picture, "is_animated", False):
        raise Unusable("animated")


def upright(picture: Image.Image, *, side: int) -> Image.Image:
    stated = picture.size
    picture.load()
    if picture.format == "HEIF" and picture.size != stated:
        raise Unusable("truncated")
    # Reduced first, so that no further copy is as large as what was sent.
    colours = shrunk(in_colours(picture), side)
    ImageOps.exif_transpose(colours, in_place=True)
    return on_white(colours) if colours.mode == "RGBA" else colours


def in_colours(picture: Image.Image) -> Image.Image:
    """RGB, or RGBA where something shows through."""
    if picture.mode.startswith("I"):  # grey of 16 bits
        return picture.convert("I").point(lambda grey: grey * (1 / 257) + 0.5).convert("L").convert("RGB")
    wanted = "RGBA" if picture.has_transparency_data else "RGB"
    return picture if picture.mode == wanted else picture.convert(wanted)


def on_white(picture: Image.Image) -> Image.Image:
    white = Image.new("RGB", picture.size, "white")
    white.paste(picture, mask=picture.getchannel("A"))
    return white


def shrunk(picture: Image.Image, side: int) -> Image.Image:
    scale = side / max(picture.size)
    return scaled(picture, scale) if 0 < scale < 1 else picture


def scaled(picture: Image.Image, scale: float) -> Image.Image:
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return picture.resize(size, Image.Resampling.BOX if scale < 0.5 else Image.Resampling.BICUBIC)
