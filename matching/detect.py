"""Where the faces are: boxes and five points in the frame of the upright photo."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from matching import images
from matching.types import Box, Pixels

Points = NDArray[np.float32]  # (5, 2), x and y in pixels


@dataclass(frozen=True)
class Detection:
    box: Box
    points: Points
    score: float


class Detector(Protocol):
    def detect(self, pixels: Pixels) -> list[Detection]: ...


class Hog:
    """dlib's HOG detector with its 5-point predictor.

    It finds faces of 80 pixels and more, upright only; hence the working size, the border and the turns.
    """

    working_side = 1024
    largest_enlargement = 4.0
    border = 0.2  # of the long side: a face that fills the frame is missed without one
    threshold = 0.0

    def __init__(self, predictor: Path) -> None:
        import dlib  # noqa: PLC0415  # heavy, and needed by this engine alone

        self._dlib: Any = dlib
        self._hog = dlib.get_frontal_face_detector()
        self._predict = dlib.shape_predictor(str(predictor))

    def detect(self, pixels: Pixels) -> list[Detection]:
        for turn in (0, 1, 3, 2):
            found = self._upright(np.ascontiguousarray(np.rot90(pixels, turn)))
            if found:
                return [turn_back(one, turn, pixels) for one in found]
        return []

    def _upright(self, pixels: Pixels) -> list[Detection]:
        scale = min(self.largest_enlargement, self.working_side / max(pixels.shape[:2]))
        work = images.resize(pixels, scale)
        border = round(max(work.shape[:2]) * self.border)
        work = np.pad(work, ((border, border), (border, border), (0, 0)), mode="edge")
        boxes, scores, _ = self._hog.run(work, 0, self.threshold)
        return [
            self._detection(pixels, box, score, border, scale)
            for box, score in zip(boxes, scores, strict=True)
        ]

    def _detection(self, pixels: Pixels, box: Any, score: float, border: int, scale: float) -> Detection:
        left, top, right, bottom = (
            round((side - border) / scale)
            for side in (box.left(), box.top(), box.right() + 1, box.bottom() + 1)
        )
        shape = self._predict(pixels, self._dlib.rectangle(left, top, right - 1, bottom - 1))
        points = np.array([(point.x, point.y) for point in shape.parts()], np.float32)
        return Detection(Box(left, top, right, bottom), points, float(score))


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
