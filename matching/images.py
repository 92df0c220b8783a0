"""Hostile bytes in, clean pixels out. Every photo of a stranger is decoded by `decode`, nowhere else."""

import io
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from matching.types import PhotoFault, PhotoRejected, Pixels


@dataclass(frozen=True)
class Limits:
    formats: tuple[str, ...]  # as Pillow names them
    longest: int  # bytes
    pixels: int
    shortest_side: int
    animated: bool  # whether a moving picture is taken, by its first frame


# MPO is what many phones write into a .jpg: the photo first, then a preview or depth map.
SELFIE = Limits(("JPEG", "MPO", "PNG", "WEBP"), 10_000_000, 24_000_000, 64, animated=False)
# A scraper takes what it finds; being picky here would leave faces in the store but out of the index.
HARVEST = Limits(("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF"), 50_000_000, 50_000_000, 24, animated=True)


def decode(content: bytes, limits: Limits) -> Pixels:
    """Upright RGB pixels; raises PhotoRejected. Nothing is decoded before the header passed the limits."""
    if len(content) > limits.longest:
        raise PhotoRejected(PhotoFault.TOO_BIG)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata, which is dropped anyway
            with Image.open(io.BytesIO(content)) as picture:
                check_header(picture, limits)
                return upright(picture)
    except UnidentifiedImageError:
        foreign = content[4:8] == b"ftyp"  # HEIC of a phone: an image, only not one that we read
        raise PhotoRejected(PhotoFault.UNSUPPORTED if foreign else PhotoFault.NOT_AN_IMAGE) from None
    except Image.DecompressionBombError:
        raise PhotoRejected(PhotoFault.TOO_MANY_PIXELS) from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, OverflowError, MemoryError):
        # Pillow's decoders raise all of these for files that end early or are damaged.
        raise PhotoRejected(PhotoFault.TRUNCATED) from None


def check_header(picture: Image.Image, limits: Limits) -> None:
    if picture.format not in limits.formats:
        raise PhotoRejected(PhotoFault.UNSUPPORTED)
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
