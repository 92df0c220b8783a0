"""Hostile bytes in, an upright picture out. Runs in the child alone; nothing here knows what it is confined by."""

import io
import math
import re
import struct
import warnings
from collections.abc import Iterator
from importlib import import_module
from typing import Literal, NamedTuple

import pillow_heif
from PIL import AvifImagePlugin, ExifTags, Image, ImageFile, UnidentifiedImageError, features

from matching.decoding.limits import Limits

# Names of matching.types.PhotoFault, which brings NumPy along; a test holds the two together.
Fault = Literal[
    "not_an_image",
    "unsupported",
    "animated",
    "truncated",
    "damaged",
    "transparent",
    "too_small",
    "too_big",
    "too_many_pixels",
    "too_much_work",
]


class Upright(NamedTuple):
    picture: Image.Image  # RGB
    is_see_through: bool  # a good part of it cannot be seen


class Unusable(Exception):
    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault: Fault = fault


# How pictures begin, and at which byte. Only the parser of that format is given the file.
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
    ("VIDEO", 4, b"ftyp"),  # unless its brands say that it is a still picture
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

# In the first box of a file of the ISO family, after the word `ftyp`: who could read it.
BRANDS = {
    "AVIF": {b"avif", b"avis"},
    "HEIF": {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"},
}
BEGINNING = 64  # bytes that tell what a file is

# A JPEG is a chain of segments. Each scan makes the decoder pass over the whole picture, and an empty one costs
# ten bytes: without a bound ten megabytes of them take half an hour. Encoders write about ten.
MOST_SCANS = 100
MOST_SEGMENTS = 10_000
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
END = bytes([0xFF, END_OF_IMAGE])
# What counts as a marker to libjpeg; 00 is a stuffed byte, FF is padding, 01 and D0 to D7 stand without a length.
MARKER = re.compile(rb"\xff([\x02-\xcf\xd8-\xfe])")


def prepare(limits: Limits) -> None:
    """Load every parser that will be needed: later nothing can be imported."""
    Image.preinit()
    Image.MAX_IMAGE_PIXELS = max(limits.pixels, limits.reduced_pixels)  # `check_header` is stricter than Pillow
    import_module("PIL.ImageCms")  # what Pillow loads when it first meets colours in Lab
    if "HEIF" in limits.formats:
        # No threads, which the child may not start; no previews, depth maps and layers, which nobody asks for.
        pillow_heif.register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    kinds = ("TIFF", "WEBP", "AVIF") if reads_avif(limits) else ("TIFF", "WEBP")  # TIFF also reads EXIF
    for kind in kinds:
        out = io.BytesIO()
        Image.new("RGB", (8, 8)).save(out, kind)
        Image.open(out, formats=[kind]).load()


def picture_of(content: bytes, limits: Limits, *, side: int) -> Upright:
    """At most `side` pixels long (0: as it is).

    No pixel is decoded before size and header passed the limits. Errors: Unusable.
    """
    if len(content) > limits.longest:
        raise Unusable("too_big")
    kind = kind_of(content)
    if kind not in limits.formats or (kind == "AVIF" and not reads_avif(limits)):
        raise Unusable("unsupported" if kind else "not_an_image")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata, which is dropped anyway
            if kind == "JPEG" and not has_end(content):
                content = ended(content, limits, side=side)
            with opened(content, kind) as picture:
                check_header(picture, limits)
                return upright(picture, limits, side=side)
    except Image.DecompressionBombError:
        raise Unusable("too_many_pixels") from None
    except MemoryError:
        raise Unusable("too_much_work") from None
    except Unusable:
        raise
    except Exception as error:
        # For files that end early or are damaged, parsers raise a dozen kinds of errors, an assertion among them.
        raise Unusable(fault_of(error, content, kind)) from None


def reads_avif(limits: Limits) -> bool:
    """Whether AVIF is wanted and this Pillow was built with it."""
    return "AVIF" in limits.formats and features.check("avif") is True


def kind_of(content: bytes) -> str:
    """The format that a file's first bytes name, whatever its name says; empty for what is no picture."""
    kind = next((kind for kind, at, magic in BEGINNINGS if content.startswith(magic, at)), "")
    if kind != "VIDEO":
        return kind
    first_box = content[8 : min(int.from_bytes(content[:4]), BEGINNING)]
    brands = {first_box[at : at + 4] for at in range(0, len(first_box), 4)}
    return next((still for still, known in BRANDS.items() if brands & known), kind)


def opened(content: bytes, kind: str) -> ImageFile.ImageFile:
    return Image.open(io.BytesIO(content), formats=[kind])


def fault_of(error: Exception, content: bytes, kind: str) -> Fault:
    """What to say of a file that its parser refused."""
    if is_cut_short(content, kind):
        return "truncated"
    return "unsupported" if isinstance(error, UnidentifiedImageError) else "damaged"


def is_cut_short(content: bytes, kind: str) -> bool:
    match kind:
        case "JPEG":
            return END not in content
        case "PNG":
            return b"IEND" not in content
        case "WEBP":
            return int.from_bytes(content[4:8], "little") + 8 > len(content)
        case "HEIF" | "AVIF":
            return not has_all_boxes(content)
        case "BMP":
            return int.from_bytes(content[2:6], "little") > len(content)
        case "GIF":
            return not content.rstrip(b"\0").endswith(b";")
    return True  # of a TIFF nothing at its end tells


def has_all_boxes(content: bytes) -> bool:
    at, names = 0, set()
    while at < len(content):
        size, name = int.from_bytes(content[at : at + 4]), content[at + 4 : at + 8]
        if size == 1:
            size = int.from_bytes(content[at + 8 : at + 16])
        names.add(name)
        at = at + size if size >= 8 else len(content)  # the last box may leave its size open
    return at == len(content) and b"meta" in names


def has_end(content: bytes) -> bool:
    """Whether a JPEG ends where it says so. Errors: Unusable, where it would keep the decoder busy."""
    scans, marker = 0, 0
    for segments, (marker, _at) in enumerate(markers(content), 1):
        scans += marker == START_OF_SCAN
        if scans > MOST_SCANS or segments > MOST_SEGMENTS:
            raise Unusable("unsupported")
    return marker == END_OF_IMAGE


def markers(content: bytes) -> Iterator[tuple[int, int]]:
    """Those of a JPEG that the decoder would meet, in order, each with the place of what follows it.

    A thumbnail inside a segment is skipped, as the decoder does.
    """
    at = 2
    while (found := MARKER.search(content, at)) is not None:
        marker = found[1][0]
        yield marker, found.end()
        if marker == END_OF_IMAGE:
            return
        length = int.from_bytes(content[found.end() : found.end() + 2])
        at = found.end() + max(2, length)


# Bytes of a scan that set bits in many ways: where a scan has not ended, they become part of the picture.
MORE = bytes(range(1, 255)) * 2


def ended(content: bytes, limits: Limits, *, side: int) -> bytes:
    """A JPEG that lacks its end marker, with one. Errors: Unusable, where more than the marker is missing.

    The decoder fills up what is missing without a word. So we look whether further data would change the picture.
    """
    content = content.rstrip(b"\xff")
    if not has_all_scans(content):
        raise Unusable("truncated")
    as_it_is, with_more = (reduced(content + tail, limits, side=side) for tail in (END, MORE + END))
    if not look_alike(as_it_is, with_more):
        raise Unusable("truncated")
    return content + END


def has_all_scans(content: bytes) -> bool:
    """Whether each colour has all 64 coefficients to the last bit."""
    wanted, left = set[int](), dict[tuple[int, int], int]()
    for marker, at in markers(content):
        if 0xC0 <= marker <= 0xC2:
            wanted = {content[place] for place in range(at + 8, at + 8 + 3 * content[at + 7], 3)}
        elif marker == START_OF_SCAN:
            colours = content[at + 3 : at + 3 + 2 * content[at + 2] : 2]
            first, last, precision = content[at + 3 + 2 * content[at + 2] :][:3]
            left |= {(colour, n): precision & 0x0F for colour in colours for n in range(first, last + 1)}
    return bool(wanted) and all(left.get((colour, n), 1) == 0 for colour in wanted for n in range(64))


def reduced(content: bytes, limits: Limits, *, side: int) -> Image.Image:
    with opened(content, "JPEG") as picture:
        check_header(picture, limits)
        reduce(picture, limits, side=side)
        picture.load()
        return picture


def look_alike(one: Image.Image, other: Image.Image) -> bool:
    """Compared in strips, so that no copy is as large as the pictures."""
    strips = ((0, top, one.width, min(top + 64, one.height)) for top in range(0, one.height, 64))
    return all(one.crop(strip).tobytes() == other.crop(strip).tobytes() for strip in strips)


# Their further pictures are a preview, a depth map, another shot: no film.
ALBUMS = ("MPO", "HEIF")


def check_header(picture: Image.Image, limits: Limits) -> None:
    is_reducible = picture.format in REDUCIBLE
    if picture.width * picture.height > (limits.reduced_pixels if is_reducible else limits.pixels):
        raise Unusable("too_many_pixels")
    if min(picture.size) < limits.shortest_side:
        raise Unusable("too_small")
    if not limits.animated and picture.format not in ALBUMS and getattr(picture, "is_animated", False):
        raise Unusable("animated")


def upright(picture: ImageFile.ImageFile, limits: Limits, *, side: int) -> Upright:
    stated = picture.size
    if picture.format in REDUCIBLE:
        reduce(picture, limits, side=side)
        stated = picture.size
    is_deep = any(";16" in str(tile.args) for tile in picture.tile)
    picture.load()
    if picture.format == "HEIF" and picture.size != stated:
        raise Unusable("truncated")
    # Reduced first, so that no further copy is as large as what was sent.
    colours, is_see_through = in_colours(picture, is_deep=is_deep)
    colours = shrunk(colours, side)
    if (turn := turn_of(picture)) is not None:
        colours = colours.transpose(turn)
    return Upright(on_white(colours) if colours.mode == "RGBA" else colours, is_see_through)


REDUCIBLE = ("JPEG", "MPO")  # what can be decoded at a half, a quarter or an eighth of its size


def reduce(picture: ImageFile.ImageFile, limits: Limits, *, side: int) -> None:
    """Have a JPEG decoded as small as `side` allows (0: at its full size) and as the limit of pixels demands."""
    scale = 1
    while scale < 8 and (
        (side and max(picture.size) >= 2 * scale * side) or picture.width * picture.height > scale**2 * limits.pixels
    ):
        scale *= 2
    picture.draft(None, (max(1, picture.width // scale), max(1, picture.height // scale)))


TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def turn_of(picture: Image.Image) -> Image.Transpose | None:
    """What stands it up, by its metadata, of which nothing else is read. What nobody can read turns nothing."""
    if picture.format == "TIFF":  # Pillow turns it
        return None
    try:
        return TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:
        return None


def in_colours(picture: Image.Image, *, is_deep: bool) -> tuple[Image.Image, bool]:
    """RGB, or RGBA where something shows through, and whether that is a good part of the picture."""
    if picture.mode.startswith(("I", "F")):
        return stretched(picture).convert("RGB"), False
    if is_deep:
        picture = brightened(picture)
    if not picture.has_transparency_data:
        return picture if picture.mode == "RGB" else picture.convert("RGB"), False
    layered = picture if picture.mode == "RGBA" else picture.convert("RGBA")
    visible = sum(layered.getchannel("A").histogram()[128:]) / (layered.width * layered.height)
    return layered if visible > COVERED else uncovered(layered), visible < 1 - COVERED


COVERED = 0.1  # the part of a picture that can be seen; with less, its colours are taken as they are


def uncovered(picture: Image.Image) -> Image.Image:
    """The colours of a picture that is all but transparent. Errors: Unusable, where there are none."""
    colours = picture.convert("RGB")
    if colours.getcolors(1) is not None:
        raise Unusable("transparent")
    return colours


SAMPLE = (64, 64)


def stretched(picture: Image.Image) -> Image.Image:
    """Grey in eight bits, from the darkest to the brightest it has.

    Twelve bits come in sixteen, and floats in any range; a few values far off do not count.
    """
    sample = picture.resize(SAMPLE, Image.Resampling.NEAREST).convert("F")
    values = sorted(value for (value,) in struct.iter_unpack("f", sample.tobytes()) if math.isfinite(value))
    if not values:
        raise Unusable("damaged")
    few = len(values) // 200
    low, high = values[few], values[-1 - few]
    scale = 255 / (high - low) if high > low else 0.0
    return picture.convert("F").point(lambda value: value * scale + -low * scale).convert("L")


def brightened(picture: Image.Image) -> Image.Image:
    """Colours of sixteen bits of which only the lower ones are used; Pillow keeps the upper eight."""
    bands = len(picture.getbands())
    colours = {"LA": 1, "RGBA": 3}.get(picture.mode, bands)
    brightest = max(at % 256 for at, count in enumerate(picture.histogram()[: 256 * colours]) if count)
    if not 0 < brightest < 64:
        return picture
    brighter = [min(255, value * 255 // brightest) for value in range(256)]
    return picture.point(brighter * colours + list(range(256)) * (bands - colours))


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
