"""From a detected face to a vector of unit length."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from matching.detect import Detection
from matching.types import Embeddings, Pixels


class Embedder(Protocol):
    def embed(self, pixels: Pixels, faces: list[Detection]) -> Embeddings: ...


class DlibResnet:
    """128 numbers trained for Euclidean distance; of unit length they compare by cosine as well."""

    dim = 128

    def __init__(self, recogniser: Path) -> None:
        import dlib  # noqa: PLC0415  # heavy, and needed by this engine alone

        self._dlib: Any = dlib
        self._net = dlib.face_recognition_model_v1(str(recogniser))

    def embed(self, pixels: Pixels, faces: list[Detection]) -> Embeddings:
        if not faces:
            return np.zeros((0, self.dim), np.float32)
        chips = [self._chip(pixels, face) for face in faces]
        # Averaged with its mirror image: the same person is then a little closer, strangers are not.
        both = [np.array(self._net.compute_face_descriptor(view), np.float32) for view in mirrored(chips)]
        rows = np.stack(both).reshape(len(faces), 2, self.dim).mean(axis=1)
        return unit(rows)

    def _chip(self, pixels: Pixels, face: Detection) -> Pixels:
        box = self._dlib.rectangle(face.box.left, face.box.top, face.box.right - 1, face.box.bottom - 1)
        points = [self._dlib.point(round(float(x)), round(float(y))) for x, y in face.points]
        chip: Pixels = self._dlib.get_face_chip(pixels, self._dlib.full_object_detection(box, points))
        return chip


def mirrored(chips: list[Pixels]) -> list[Pixels]:
    return [view for chip in chips for view in (chip, np.ascontiguousarray(chip[:, ::-1]))]


def unit(rows: Embeddings) -> Embeddings:
    normal: Embeddings = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return normal
