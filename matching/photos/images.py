"""Photos as pixels. Every photo of a stranger is decoded by `decode`, in a confined child, nowhere else."""

import io

import numpy as np
from django.conf import settings
from PIL import Image

from matching.decoding import SELFIE, Confinement, Limits, kind_of, scaled
from matching.photos import decoder_pool
from matching.photos.decoder_pool import Picture
from matching.types import PhotoFault, Pixels

SECONDS_IN_LINE = 3.0


def decode(content: bytes, limits: Limits, *, side: int = 0, wait: float = SECONDS_IN_LINE) -> Pixels:
    """Upright RGB pixels, reduced to `side` on the long side where that is given.

    Errors: PhotoRejected, Busy, Unconfined.
    """
    return picture(content, limits, side=side, wait=wait).pixels


def picture(content: bytes, limits: Limits, *, side: int = 0, wait: float = SECONDS_IN_LINE) -> Picture:
    """As `decode`, with what else is known of the picture."""
    return children(limits).picture(content, side=side, wait=wait)


def fault_of_beginning(content: bytes, limits: Limits) -> PhotoFault | None:
    """Why a file that begins so is no photo that is taken. No parser is asked, and no name."""
    kind = kind_of(content)
    if kind in limits.formats:
        return None
    return PhotoFault.UNSUPPORTED if kind else PhotoFault.NOT_AN_IMAGE


def prepare() -> None:
    """Have one child for selfies started ahead of the first. Errors: Unconfined."""
    children(SELFIE).start()


def confinement() -> Confinement | None:
    """Of this process's children for selfies; None before the first."""
    return children(SELFIE).held


def children(limits: Limits) -> decoder_pool.Pool:
    return decoder_pool.of(limits, unconfined=bool(settings.MATCHING.get("UNCONFINED_DECODER", False)))


def shrink(pixels: Pixels, longest: int) -> Pixels:
    """At most `longest` pixels on the long side; never enlarged."""
    scale = longest / max(pixels.shape[:2])
    return pixels if scale >= 1 else resize(pixels, scale)


def resize(pixels: Pixels, scale: float) -> Pixels:
    return np.asarray(scaled(Image.fromarray(pixels), scale))


def jpeg(pixels: Pixels, *, quality: int = 90) -> bytes:
    """Encoded anew from pixels alone, so that no metadata of the original can pass."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=quality)
    return out.getvalue()
