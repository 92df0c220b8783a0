"""Photos made to hurt whoever decodes them: 20 classes of 20, drawn anew each time and always the same."""

import io
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pillow_heif
import skimage.data
from PIL import Image, PngImagePlugin

EACH = 20  # of a class
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="%d"/></rdf:RDF></x:xmpmeta>'
)


@dataclass(frozen=True)
class Seed:
    kind: str
    content: bytes


def seeds(*, step: int = 1) -> Iterator[Seed]:
    """All of them, or of each class every `step`-th."""
    pillow_heif.register_heif_opener()
    for kind, make in CLASSES.items():
        for number in range(0, EACH, step):
            yield Seed(kind, make(number, random.Random(f"{kind} {number}")))  # noqa: S311  (repeatable on purpose)


# --- pictures ---


def drawn(number: int, *, side: int = 96) -> Image.Image:
    """A face, a gradient or noise, by turns."""
    if number % 3 == 0:
        return Image.fromarray(skimage.data.astronaut()).resize((side, side))
    if number % 3 == 1:
        ramp = np.linspace(0, 255, side, dtype=np.uint8)
        return Image.fromarray(np.dstack(np.broadcast_arrays(ramp, ramp[:, None], ramp[::-1])))
    return Image.fromarray(np.random.default_rng(number).integers(0, 256, (side, side, 3), np.uint8))


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


KINDS = ("JPEG", "PNG", "WEBP", "HEIF")


def of_any_kind(number: int, **options: object) -> bytes:
    return encoded(drawn(number), KINDS[number % 4], **options)


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, rows: bytes, *, depth: int = 8, colour: int = 0, extra: bytes = b"") -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


# --- the classes ---


def bomb(number: int, _chance: random.Random) -> bytes:
    """Few bytes that say they are a very large picture; some are just within the limit."""
    side = (4_800, 4_999, 5_000, 5_001, 8_000, 20_000, 60_000, 100_000, 2_000_000_000, 4_294_967_295)[number // 2]
    rows = bytes((side + 1) * side) if side < 6_000 else bytes(1_000_000)
    return png(side, side, rows, colour=0 if number % 2 else 3)


def polyglot(number: int, _chance: random.Random) -> bytes:
    other = (b"PK\x03\x04" + bytes(26), b"<script>alert(1)</script>", b"%PDF-1.7\n1 0 obj", b"GIF89a" + bytes(20))
    photo, more = of_any_kind(number), other[number // 4 % 4]
    return more + photo if number % 5 == 0 else photo + more


def truncated(number: int, chance: random.Random) -> bytes:
    photo = of_any_kind(number)
    return photo[: chance.randrange(8, len(photo))]


def very_long(number: int, _chance: random.Random) -> bytes:
    """65,535 pixels one way or both ways, or so thin that nothing is left of them once they are reduced."""
    thin = (50_000, 64), (65_535, 24), (64, 50_000), (24, 65_535)
    size = (*thin, (65_535, 1), (1, 65_535), (65_535, 300), (300, 65_535), (65_535, 65_535))[number % 9]
    if number < 10:
        return png(*size, bytes((size[0] + 1) * min(size[1], 300)))
    photo = bytearray(encoded(drawn(number), "JPEG", progressive=number % 2 == 0))
    at = photo.index(b"\xff\xc2" if number % 2 == 0 else b"\xff\xc0") + 5
    photo[at : at + 4] = struct.pack(">HH", size[1], size[0])
    return bytes(photo)


def animated(number: int, _chance: random.Random) -> bytes:
    frames = [drawn(number + more) for more in range(2 + 3 * number)]
    kind = ("WEBP", "PNG", "GIF", "TIFF", "MPO")[number % 5]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:])


def deep(number: int, _chance: random.Random) -> bytes:
    """16 bits a colour."""
    side, colour, values = 80, (0, 2, 4, 6)[number % 4], (1, 3, 2, 4)[number % 4]
    row = b"\0" + np.random.default_rng(number).bytes(side * values * 2)
    if number < 16:
        return png(side, side, row * side, depth=16, colour=colour)
    return encoded(Image.fromarray(np.full((side, side), 300 * number, np.uint16)), "TIFF")


def cmyk(number: int, _chance: random.Random) -> bytes:
    picture = drawn(number).convert(("CMYK", "LAB", "YCbCr", "L", "LA")[number % 5])
    if picture.mode in ("LAB", "LA"):
        return encoded(picture, "TIFF" if picture.mode == "LAB" else "PNG")
    photo = bytearray(encoded(picture, "JPEG", quality=20 + number))
    if number % 2 and b"Adobe" in photo:
        photo[photo.index(b"Adobe") + 11] = number % 4  # another colour transform than was used
    return bytes(photo)


def palette(number: int, chance: random.Random) -> bytes:
    picture = drawn(number).convert("P", palette=Image.Palette.ADAPTIVE, colors=2 + number)
    if number % 4 == 0:
        return encoded(picture, "PNG", transparency=bytes(chance.randrange(256) for _ in range(2 + number)))
    photo = bytearray(encoded(picture, "PNG" if number % 4 < 3 else "GIF"))
    if number % 4 == 1:
        photo[photo.index(b"PLTE")] = ord("q")  # none, then
    return bytes(photo)


def orientation(number: int, _chance: random.Random) -> bytes:
    wanted = (*range(1, 9), 0, 9, 255, 65_535)[number % 12]
    exif = Image.Exif()
    exif[0x0112] = wanted
    if number >= 12:
        return encoded(drawn(number), "WEBP", xmp=XMP % wanted)
    return of_any_kind(number, exif=exif.tobytes())


def huge_metadata(number: int, chance: random.Random) -> bytes:
    size = 50_000 * (1 + number)
    match number % 5:
        case 0:
            return encoded(drawn(number), "JPEG", icc_profile=chance.randbytes(size))
        case 1:
            return encoded(drawn(number), "PNG", icc_profile=bytes(size))
        case 2:
            text = PngImagePlugin.PngInfo()
            text.add_text("Comment", "a" * size * 20, zip=True)
            return encoded(drawn(number), "PNG", pnginfo=text)
        case 3:
            photo = encoded(drawn(number), "JPEG")
            return photo[:2] + b"".join(segment(0xE1, b"Exif\0\0" + bytes(60_000)) for _ in range(number)) + photo[2:]
    return encoded(drawn(number), "WEBP", xmp=b"<x>" * size)


def scans(number: int, _chance: random.Random) -> bytes:
    """A progressive JPEG in which thousands of scans say nothing."""
    side = 64 * (1 + number)
    table = bytes([1, *[0] * 15])
    start = segment(0xDB, b"\0" + b"\1" * 64) + segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + b"\1\x11\0")
    codes = segment(0xC4, b"\x00" + table + b"\x00") + segment(0xC4, b"\x10" + table + b"\xe0")
    empty = segment(0xDA, b"\1\1\0\1\x3f\0") * int(4 ** (number % 9))
    return b"\xff\xd8" + start + codes + segment(0xDA, b"\1\1\0\0\0\0") + empty + b"\xff\xd9"


def heic_boxes(number: int, chance: random.Random) -> bytes:
    """A box of another size, another name, twice, or not at all."""
    photo = bytearray(encoded(drawn(number), "HEIF"))
    name = chance.choice([b"meta", b"iloc", b"iinf", b"iprp", b"ipco", b"ispe", b"hvcC", b"ipma", b"pitm", b"mdat"])
    at = photo.index(name)
    match number % 5:
        case 0:
            photo[at - 4 : at] = struct.pack(">I", chance.choice([0, 1, 7, 2**31, 2**32 - 1]))
        case 1:
            photo[at : at + 4] = b"free"
        case 2:
            photo[at + 4 : at + 24] = chance.randbytes(20)
        case 3:
            photo[at - 4 : at - 4] = photo[at - 4 : at + 40]
        case 4:
            ispe = photo.index(b"ispe")
            photo[ispe + 8 : ispe + 16] = struct.pack(">II", *(chance.choice([0, 1, 97, 5_000, 2**31]) for _ in "wh"))
    return bytes(photo)


def markup(number: int, _chance: random.Random) -> bytes:
    laughs = "".join(f'<!ENTITY l{n} "&l{n - 1};&l{n - 1};">' for n in range(1, 5 + number))
    doctype = f'<!DOCTYPE svg [<!ENTITY l0 "ha">{laughs}]>'
    svg = f'<?xml version="1.0"?>{doctype}<svg xmlns="http://www.w3.org/2000/svg"><text>&l{4 + number};</text></svg>'
    return svg.encode() if number % 2 else b"<svg onload='alert(1)'>" + of_any_kind(number)


def not_a_picture(number: int, chance: random.Random) -> bytes:
    begins = (
        b"PK\x03\x04",
        b"\x7fELF",
        b"MZ",
        b"%PDF-1.7",
        b"<!doctype html>",
        b"{\\rtf1",
        b"ID3",
        b"\x1f\x8b",
        b"",
        b"\0",
    )
    return begins[number % 10] + chance.randbytes(10 ** (1 + number % 5))


def false_beginning(number: int, _chance: random.Random) -> bytes:
    """One format's first bytes before another's content, as a false name would have it."""
    begin, content = of_any_kind(number), of_any_kind(number + 1 + number // 4 % 3)
    return begin[:12] + content[12:]


def lying_header(number: int, chance: random.Random) -> bytes:
    """Another size than the data have."""
    size = [chance.choice([65, 95, 97, 300, 4_000]) for _ in "wh"]
    if number % 2:
        rows = bytes((size[0] // 2 + 1) * size[1])
        return png(size[0], size[1], rows, colour=chance.choice([0, 2, 6]))
    photo = bytearray(encoded(drawn(number), "JPEG"))
    at = photo.index(b"\xff\xc0") + 5
    photo[at : at + 4] = struct.pack(">HH", *size)
    return bytes(photo)


def tiny(number: int, _chance: random.Random) -> bytes:
    sizes = ((0, 0), (0, 9), (1, 1), (1, 63), (63, 64))
    width, height = sizes[number % 5]
    if number < 10:
        return png(width, height, bytes((width + 1) * height))
    return encoded(Image.new("RGB", (max(1, width), max(1, height))), KINDS[number % 3])


def noise(number: int, chance: random.Random) -> bytes:
    begins = (b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\1\0WEBPVP8 ", b"\0\0\0\x18ftypheic")
    return begins[number % 4] + chance.randbytes(1_000 + 5_000 * number)


def broken_tables(number: int, chance: random.Random) -> bytes:
    """A JPEG's own tables of codes, quanta and restarts, scrambled or gone."""
    photo = bytearray(encoded(drawn(number), "JPEG", quality=95, restart_marker_blocks=number % 3))
    marker = (b"\xff\xc4", b"\xff\xdb", b"\xff\xda", b"\xff\xc0")[number % 4]
    at = photo.index(marker)
    if number % 5 == 0:
        photo[at + 2 : at + 4] = struct.pack(">H", chance.choice([0, 1, 2, 65_535]))
    else:
        photo[at + 4 : at + 12] = chance.randbytes(8)
    return bytes(photo)


def other_formats(number: int, chance: random.Random) -> bytes:
    kind = ("BMP", "TIFF", "GIF", "ICO", "JPEG2000", "TGA", "PPM", "PDF", "SGI", "DDS")[number % 10]
    content = bytearray(encoded(drawn(number, side=64), kind))
    if number >= 10:
        for _ in range(4):
            content[chance.randrange(min(120, len(content)))] = chance.randrange(256)
    return bytes(content)


CLASSES: dict[str, Callable[[int, random.Random], bytes]] = {
    "bomb": bomb,
    "polyglot": polyglot,
    "truncated": truncated,
    "65,535 pixels": very_long,
    "animated": animated,
    "16 bits": deep,
    "CMYK and other colours": cmyk,
    "palette": palette,
    "orientation": orientation,
    "huge metadata": huge_metadata,
    "progressive scans": scans,
    "HEIC with damaged boxes": heic_boxes,
    "SVG and entities": markup,
    "no picture": not_a_picture,
    "false beginning": false_beginning,
    "lying header": lying_header,
    "tiny": tiny,
    "noise": noise,
    "broken tables": broken_tables,
    "other formats": other_formats,
}
