"""Where the faces are: boxes and five points in the frame of the upright photo."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from matching.photos import resize
from matching.types import Box, Pixels

Points = NDArray[np.float32]  # (5, 2), x and y in pixels


SAME_FACE = 0.4  # intersection over union
CHANCE = 0.55  # of certainty
STANDING = 60.0  # degrees between a face and the frame it was seen in; a head may lean as far


@dataclass(frozen=True)
class Detection:
    box: Box
    points: Points
    score: float


@dataclass(frozen=True)
class Landmarks:
    eyes: Points  # (2, 2)
    nose: NDArray[np.float32]  # (2,)


class Detector(Protocol):
    def detect(self, pixels: Pixels) -> list[Detection]: ...

    def landmarks(self, points: Points) -> Landmarks:
        """What the five points are: each detector has its own."""

    def certainty(self, pixels: Pixels, found: Detection) -> float:
        """How surely this is a face: 1 and more is sure; below CHANCE it may be anything a little like one."""


class Hog:
    """dlib's HOG detector with its 5-point predictor.

    It sees upright faces of about 80 pixels and more; hence the working sizes, the border and the turns.
    The thresholds come from 235 photos: upright, the best false face scored 0.04 and 236 of 237 true ones
    more than 0.1; in turned photos the best false one scored 0.22.
    """

    sides = (1024, 1600, 2400)  # long side of the working copy
    largest_enlargement = 4.0
    border = 0.2  # of the long side, at the first size: a face that fills the frame is missed without one
    threshold = 0.1
    threshold_turned = 0.4
    sure = 0.5  # with such a face upright, nobody lies on their side
    # A face is seen again by itself, mirrored and turned a little; what is none scored up to 1.2 at first, but at most
    # 0.6 on the mean of these four. Of 88 photos each with several faces had two that scored more.
    face_again, side_again, slant = 120, 264, 8  # pixels, pixels, degrees
    sure_again, nothing = 0.65, -1.0

    def __init__(self, dlib: Any, predictor: Path) -> None:
        self._dlib = dlib
        self._hog = dlib.get_frontal_face_detector()
        self._predict = dlib.shape_predictor(str(predictor))

    def detect(self, pixels: Pixels) -> list[Detection]:
        found = self._upright(pixels)
        if any(one.score >= self.sure for one in found):
            return found
        for turn in (1, 3, 2):
            turned = np.ascontiguousarray(np.rot90(pixels, turn))
            seen = self._at(turned, self.sides[0], self.border, self.threshold_turned)
            found += [turn_back(one, turn, pixels) for one in seen]
        return distinct(found)

    def landmarks(self, points: Points) -> Landmarks:
        """Outer and inner corner of either eye, then the nose."""
        return Landmarks(points[:4].reshape(2, 2, 2).mean(axis=1), points[4])

    def certainty(self, pixels: Pixels, found: Detection) -> float:
        work = around(pixels, found.box, self.side_again / self.face_again).resize((self.side_again,) * 2)
        slanted = (work.rotate(by, Image.Resampling.BICUBIC) for by in (self.slant, -self.slant))
        looks = (work, ImageOps.mirror(work), *slanted)
        return float(np.mean([self._score_again(np.asarray(look)) for look in looks])) / self.sure_again

    def _score_again(self, work: Pixels) -> float:
        margin = (self.side_again - self.face_again) // 2
        middle = Box(margin, margin, margin + self.face_again, margin + self.face_again)
        boxes, scores, _ = self._hog.run(work, 0, self.nothing)
        seen = (Box(box.left(), box.top(), box.right() + 1, box.bottom() + 1) for box in boxes)
        same = (score for box, score in zip(seen, scores, strict=True) if overlap(box, middle) >= SAME_FACE)
        return max(same, default=self.nothing)

    def _upright(self, pixels: Pixels) -> list[Detection]:
        long_side = max(pixels.shape[:2])
        first, finer, finest = self.sides
        found = self._at(pixels, first, self.border, self.threshold)
        if long_side * self.largest_enlargement > first:
            found += self._at(pixels, finer, 0.0, self.threshold)
        if long_side > finer:  # enlarging that far finds nothing more
            found += self._at(pixels, finest, 0.0, self.threshold)
        return distinct(found)

    def _at(self, pixels: Pixels, side: int, border: float, threshold: float) -> list[Detection]:
        scale = min(self.largest_enlargement, side / max(pixels.shape[:2]))
        work = resize(pixels, scale)
        margin = round(max(work.shape[:2]) * border)
        work = np.pad(work, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
        boxes, scores, _ = self._hog.run(work, 0, threshold)
        return [self._detection(pixels, box, score, margin, scale) for box, score in zip(boxes, scores, strict=True)]

    def _detection(self, pixels: Pixels, box: Any, score: float, margin: int, scale: float) -> Detection:
        left, top, right, bottom = (
            round((side - margin) / scale) for side in (box.left(), box.top(), box.right() + 1, box.bottom() + 1)
        )
        shape = self._predict(pixels, self._dlib.rectangle(left, top, right - 1, bottom - 1))
        points = np.array([(point.x, point.y) for point in shape.parts()], np.float32)
        return Detection(Box(left, top, right, bottom), points, float(score))


@dataclass(frozen=True)
class Effort:
    """How hard to look for faces."""

    sizes: tuple[int, ...]  # long side of the working copy; a larger one only for a photo larger than the one before
    border: float  # of the long side, at the smallest size only
    turns: bool  # whether a photo without a sure face is looked at lying and upside down too
    slack: int  # pixels of emptiness below or beside the photo; InsightFace fills up a square


# A face that fills the frame is missed at 640; small faces in a large photo are missed there too.
# With this slack 255 faces of 229 photos were all found as in a square; three gave embeddings at a cosine below 0.999.
THOROUGH = Effort((320, 640, 1280), 0.25, turns=True, slack=64)
# InsightFace's own way, to be compared with it on even ground; the product never uses it.
PLAIN = Effort((640,), 0.0, turns=False, slack=640)


class Scrfd:
    """InsightFace's detector, at several sizes because each misses what another finds.

    It also sees lying faces, less surely and with wrong points: such a photo is turned. Of a face upside down it says
    in seven of ten photos that it stands, and draws eyes where the mouth is; only the score tells. Of 8,330 photos as
    they should be, 35 scored more upside down, by 0.06 at most. Of 299 that were turned upside down, 287 came out
    upright; lying on either side, 298.
    """

    threshold = 0.5
    stride = 32  # both sides of what the network sees are a multiple of it
    sure = 0.76  # 85 of 100 upright faces; of 100 upside down one
    doubt = 0.06

    def __init__(self, cv2: Any, model: Any, effort: Effort) -> None:
        self._cv2 = cv2
        self._model = model
        self._effort = effort
        fixed = model.static_input_size  # of a model exported for one size only
        self._fixed: int = fixed[0] if fixed else 0

    def detect(self, pixels: Pixels) -> list[Detection]:
        found = self._upright(pixels)
        if not self._effort.turns:
            return found
        standing = [one for one in found if self._stands(one)]
        if len(standing) == len(found) and any(one.score >= self.sure for one in found):
            return found
        turned: list[Detection] = []
        for turn in (1, 3, 2):
            seen = self._upright(np.ascontiguousarray(np.rot90(pixels, turn)))
            turned += [turn_back(one, turn, pixels) for one in seen if self._stands(one)]
        return distinct(standing, turned, doubt=self.doubt)

    def _stands(self, found: Detection) -> bool:
        """In the frame it was seen in: neither lying nor with its mouth above its eyes."""
        eyes, mouth = found.points[:2].mean(axis=0), found.points[3:].mean(axis=0)
        right, down = mouth - eyes
        return bool(abs(np.degrees(np.arctan2(right, down))) < STANDING)

    def landmarks(self, points: Points) -> Landmarks:
        """The eyes, the nose, the corners of the mouth."""
        return Landmarks(points[:2], points[2])

    def certainty(self, pixels: Pixels, found: Detection) -> float:
        """By its score: clear faces have 0.65 and more, and nothing below `threshold` is reported."""
        return (found.score - 0.35) / 0.3

    def _upright(self, pixels: Pixels) -> list[Detection]:
        long_side = max(pixels.shape[:2])
        sizes = self._effort.sizes
        found = self._at(pixels, sizes[0], round(long_side * self._effort.border))
        for size, smaller in zip(sizes[1:], sizes, strict=False):
            if long_side > smaller:
                found += self._at(pixels, size, 0)
        return distinct(found)

    def _at(self, pixels: Pixels, size: int, border: int) -> list[Detection]:
        scale, margin, work = self._letterbox(pixels, size, border)
        scores, boxes, points = (np.vstack(levels) for levels in self._model.forward(work, self.threshold))
        order = np.argsort(-scores.ravel(), kind="stable")
        kept = order[self._model.nms(np.hstack([boxes, scores])[order])]
        boxes, points = (boxes - margin) / scale, (points - margin) / scale
        return [
            Detection(Box(*(round(float(side)) for side in boxes[n])), points[n], float(scores[n, 0])) for n in kept
        ]

    def _letterbox(self, pixels: Pixels, size: int, border: int) -> tuple[float, int, Pixels]:
        """Scale, margin and the photo in BGR on black: InsightFace's square, without most of its empty part."""
        height, width = (side + 2 * border for side in pixels.shape[:2])
        size = self._fixed or size
        to_height, to_width = int(size * min(1.0, height / width)), int(size * min(1.0, width / height))
        # InsightFace takes the scale from the height; of a strip so thin that nothing of its height is left, the width.
        scale = to_height / height or to_width / width
        margin = round(border * scale)
        seen_height, seen_width = (max(1, side - 2 * margin) for side in (to_height, to_width))
        seen = self._cv2.resize(pixels, (seen_width, seen_height))
        work = np.zeros((*(self._side(used, size) for used in (to_height, to_width)), 3), np.uint8)
        work[margin : margin + seen_height, margin : margin + seen_width] = self._cv2.cvtColor(
            seen, self._cv2.COLOR_RGB2BGR
        )
        return scale, margin, work

    def _side(self, used: int, size: int) -> int:
        wanted = size if self._fixed else min(size, used + self._effort.slack)
        return -(-wanted // self.stride) * self.stride


def around(pixels: Pixels, box: Box, times: float) -> Image.Image:
    """A square with the box in its middle, so many times as large; black beyond the photo."""
    half = max(box.width, box.height) * times / 2
    middle = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    left, top, right, bottom = (round(at + by) for by in (-half, half) for at in middle)
    return Image.fromarray(pixels).crop((left, top, right, bottom))


def distinct(found: list[Detection], turned: Sequence[Detection] = (), *, doubt: float = 0.0) -> list[Detection]:
    """Each face once: of overlapping boxes the one the detector was surest of.

    `turned`: seen in a turned photo. Most photos stand upright, so they must be surer than the others by `doubt`.
    """
    weighed = [*((one.score, one) for one in found), *((one.score - doubt, one) for one in turned)]
    kept: list[Detection] = []
    for _score, one in sorted(weighed, key=lambda each: -each[0]):
        if all(overlap(one.box, other.box) < SAME_FACE for other in kept):
            kept.append(one)
    return kept


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    both = Box(
        max(one.left, other.left),
        max(one.top, other.top),
        min(one.right, other.right),
        min(one.bottom, other.bottom),
    )
    shared = both.area if both.width > 0 and both.height > 0 else 0
    return shared / (one.area + other.area - shared)


def turn_back(found: Detection, turn: int, upright: Pixels) -> Detection:
    """From the frame of `np.rot90(upright, turn)` to that of `upright`."""
    corners = np.array([(found.box.left, found.box.top), (found.box.right, found.box.bottom)], np.float32)
    (x0, y0), (x1, y1) = turn_points(corners, turn, upright)
    box = Box(int(min(x0, x1)), int(min(y0, y1)), int(max(x0, x1)), int(max(y0, y1)))
    return Detection(box, turn_points(found.points, turn, upright), found.score)


def turn_points(points: Points, turn: int, upright: Pixels) -> Points:
    height, width = upright.shape[:2]
    x, y = points[:, 0], points[:, 1]
    back = [(x, y), (width - y, x), (width - x, height - y), (y, height - x)]
    return np.stack(back[turn % 4], axis=1).astype(np.float32)
