"""Whether a better photo of a face would find more of it: too small, too dark or bright, blurred, turned away.

The thresholds come from photos of five people made worse step by step, measured with both packs (docs/decisions/0006):
each lies between the last step at which no pair of one person was lost and the one where several in a hundred were.
A photo that falls short is kept and used all the same: who cannot turn their head, or has no other photo, is not
turned away.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.faces.detect import Landmarks
from matching.photos import resize
from matching.types import Box, Flaw, Pixels

SIDE = 112  # of the crop that is looked at, what recognisers see of a face
SMALLEST = 32  # pixels across the face
DARKEST, BRIGHTEST = 25.0, 205.0  # mean of the face, of 255
BLURRED = 0.005  # what the finest details are of all contrast
TURNED = 0.4  # how far the nose is from between the eyes, in distances of the eyes


@dataclass(frozen=True)
class Quality:
    width: int  # of the face in the photo, pixels
    brightness: float  # 0 to 255
    sharpness: float  # variance of the Laplacian over that of the face
    turn: float  # 0: looks straight ahead


def measure(pixels: Pixels, box: Box, marks: Landmarks) -> Quality:
    grey = crop(pixels, box)
    return Quality(
        width=box.width,
        brightness=float(grey.mean()),
        sharpness=float(laplacian(grey).var() / max(grey.var(), 1.0)),
        turn=turn(marks),
    )


def flaw(found: Quality) -> Flaw | None:
    """The one to mend first: from what is easiest to see and to change."""
    if found.width < SMALLEST:
        return Flaw.SMALL
    if found.brightness < DARKEST:
        return Flaw.DARK
    if found.brightness > BRIGHTEST:
        return Flaw.BRIGHT
    if found.sharpness < BLURRED:
        return Flaw.BLURRED
    return Flaw.TURNED if found.turn > TURNED else None


def crop(pixels: Pixels, box: Box) -> NDArray[np.float64]:
    """(about SIDE, SIDE) grey values of what of the face lies within the photo."""
    height, width = pixels.shape[:2]
    rows = slice(max(0, box.top), min(height, box.bottom))
    columns = slice(max(0, box.left), min(width, box.right))
    part = np.ascontiguousarray(pixels[rows, columns])
    return resize(part, SIDE / max(part.shape[:2])).astype(np.float64) @ [0.299, 0.587, 0.114]


def laplacian(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    inner = grey[1:-1, 1:-1]
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    edges: NDArray[np.float64] = around - 4 * inner
    return edges


def turn(marks: Landmarks) -> float:
    """0 where the nose lies between the eyes, seen along the line through them; independent of which way is up."""
    along = marks.eyes[1] - marks.eyes[0]
    apart = float(np.linalg.norm(along))
    return abs(float((marks.nose - marks.eyes.mean(axis=0)) @ along)) / apart**2 if apart else 1.0
