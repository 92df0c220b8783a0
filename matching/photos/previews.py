"""Previews for staff: one face at most can be recognised, and only where sight was granted."""

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw

from matching.decoding import HARVEST
from matching.photos import images
from matching.types import Box, Pixels

SIDE = 960  # of a preview
BLOCKS_ACROSS_A_FACE = 5  # too few for a person or a recogniser to tell who it is
BLOCKS_ACROSS_A_PHOTO = 40
FRAME = (255, 221, 0)


def preview(content: bytes, *, width: int, boxes: Mapping[int, Box], subject: int | None, clear: bool) -> bytes:
    """A JPEG of at most SIDE pixels from the upright photo `content`; its faces' `boxes` are in pixels of `width`.

    Errors: PhotoRejected, Busy, Unconfined.
    """
    pixels = images.shrink(images.decode(content, HARVEST), SIDE)
    scale = pixels.shape[1] / width
    scaled = {face_id: _scaled(box, scale) for face_id, box in boxes.items()}
    face = scaled.get(subject) if subject is not None else None
    return images.jpeg(redacted(pixels, subject=face, faces=list(scaled.values()), clear=clear), quality=80)


def _scaled(box: Box, scale: float) -> Box:
    return Box(*(round(side * scale) for side in (box.left, box.top, box.right, box.bottom)))


def redacted(pixels: Pixels, *, subject: Box | None, faces: Sequence[Box], clear: bool) -> Pixels:
    """The photo pixelated, save the subject's box where `clear`; other faces inside that box stay hidden."""
    hidden = pixelated(pixels, block(pixels, faces))
    shown = hidden.copy()
    if subject is not None and clear:
        copy(pixels, shown, subject)
        for other in faces:
            if other != subject:
                copy(hidden, shown, other)
    return framed(shown, subject) if subject is not None else shown


def block(pixels: Pixels, faces: Sequence[Box]) -> int:
    largest_face = max((max(box.width, box.height) for box in faces), default=0)
    wanted = max(largest_face / BLOCKS_ACROSS_A_FACE, max(pixels.shape[:2]) / BLOCKS_ACROSS_A_PHOTO)
    return max(2, round(float(wanted)))


def pixelated(pixels: Pixels, block: int) -> Pixels:
    height, width = pixels.shape[:2]
    small = Image.fromarray(pixels).resize((max(1, width // block), max(1, height // block)), Image.Resampling.BOX)
    return np.array(small.resize((width, height), Image.Resampling.NEAREST))


def copy(source: Pixels, target: Pixels, box: Box) -> None:
    height, width = source.shape[:2]
    rows = slice(max(0, box.top), min(height, box.bottom))
    columns = slice(max(0, box.left), min(width, box.right))
    target[rows, columns] = source[rows, columns]


def framed(pixels: Pixels, box: Box) -> Pixels:
    picture = Image.fromarray(pixels)
    ImageDraw.Draw(picture).rectangle((box.left - 1, box.top - 1, box.right, box.bottom), outline=FRAME, width=2)
    return np.asarray(picture)
