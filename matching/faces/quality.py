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
BLURRED, NOISY = 0.005, 0.9  # what the finest details are of all contrast
# Of 278 looks at untouched photos, with both packs, none went beyond NOISY and these three; of 205 negatives, 171 did.
STRIPED = 0.07  # what the change from line to line is of all contrast; at most 0.03 else
POSTERISED = 0.17  # of the pixels: those that hardly differ from their neighbours
NEGATIVE = 0.2  # how much brighter than the cheeks the eyes are, in standard deviations of the face
TURNED = 0.4  # how far the nose is from between the eyes, in distances of the eyes


@dataclass(frozen=True)
class Quality:
    width: int  # of the face in the photo, pixels
    brightness: float  # 0 to 255
    sharpness: float  # variance of the Laplacian over that of the face
    turn: float  # 0: looks straight ahead
    stripes: float = 0.0  # variance of the second difference of the mean of lines over that of the face
    flatness: float = 0.0  # part of the pixels that hardly differ from their neighbours
    eyes: float = -1.0  # brightness of the eyes less that of the cheeks, in standard deviations of the face


def measure(pixels: Pixels, box: Box, marks: Landmarks) -> Quality:
    grey = crop(pixels, box)
    return Quality(
        width=box.width,
        brightness=float(grey.mean()),
        sharpness=float(laplacian(grey).var() / max(grey.var(), 1.0)),
        turn=turn(marks),
        stripes=stripes(grey),
        flatness=flatness(grey),
        eyes=brightness_of_eyes(pixels, box, marks),
    )


def flaw(found: Quality) -> Flaw | None:
    """The one to mend first: from what is easiest to see and to change."""
    if found.width < SMALLEST:
        return Flaw.SMALL
    if found.eyes > NEGATIVE:
        return Flaw.NEGATIVE
    if found.brightness < DARKEST:
        return Flaw.DARK
    if found.brightness > BRIGHTEST:
        return Flaw.BRIGHT
    if found.sharpness < BLURRED:
        return Flaw.BLURRED
    if found.stripes > STRIPED:
        return Flaw.STRIPED
    if found.sharpness > NOISY:
        return Flaw.NOISY
    if found.flatness > POSTERISED:
        return Flaw.POSTERISED
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


def stripes(grey: NDArray[np.float64]) -> float:
    """Of lines across or down, whichever show more."""
    return max(float(np.diff(grey.mean(axis), 2).var()) for axis in (0, 1)) / max(float(grey.var()), 1.0)


def flatness(grey: NDArray[np.float64]) -> float:
    least = 0.014 * float(grey.std())
    across, down = np.abs(np.diff(grey, axis=1))[:-1], np.abs(np.diff(grey, axis=0))[:, :-1]
    return float(((across < least) & (down < least)).mean())


def brightness_of_eyes(pixels: Pixels, box: Box, marks: Landmarks) -> float:
    """Of whatever colour the skin is, the eyes are darker than the cheeks, but in a negative."""
    face = crop(pixels, box)
    scale = max(face.shape) / max(1, min(box.bottom, pixels.shape[0]) - max(0, box.top))
    origin = np.array([max(0, box.left), max(0, box.top)])
    eyes, nose = (marks.eyes - origin) * scale, (marks.nose - origin) * scale
    radius = max(2.0, 0.1 * float(np.linalg.norm(eyes[1] - eyes[0])))
    cheeks = eyes + 0.8 * (nose - eyes.mean(axis=0))
    darker = [
        mean_around(face, eye, radius) - mean_around(face, cheek, radius)
        for eye, cheek in zip(eyes, cheeks, strict=True)
    ]
    return float(np.mean(darker)) / max(float(face.std()), 1.0)


def mean_around(grey: NDArray[np.float64], middle: NDArray[np.float64], radius: float) -> float:
    (left, top), (right, bottom) = (
        np.clip(middle + by, 0, np.array(grey.shape[::-1]) - 1).astype(int) for by in (-radius, radius)
    )
    return float(grey[top : bottom + 1, left : right + 1].mean())


def turn(marks: Landmarks) -> float:
    """0 where the nose lies between the eyes, seen along the line through them; independent of which way is up."""
    along = marks.eyes[1] - marks.eyes[0]
    apart = float(np.linalg.norm(along))
    return abs(float((marks.nose - marks.eyes.mean(axis=0)) @ along)) / apart**2 if apart else 1.0
