"""From a detected face to a vector of unit length."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from matching.faces.detect import Detection, Points
from matching.faces.vectors import unit
from matching.types import Embeddings, Pixels


class Embedder(Protocol):
    def embed(self, pixels: Pixels, faces: list[Detection]) -> Embeddings: ...

    def mirrored(self, pixels: Pixels, faces: list[Detection]) -> Embeddings:
        """As a mirror shows them, and as phones store selfies; none where an embedding is of both sides anyway."""


class DlibResnet:
    """128 numbers trained for Euclidean distance; of unit length they compare by cosine as well."""

    dim = 128

    def __init__(self, dlib: Any, recogniser: Path) -> None:
        self._dlib = dlib
        self._net = dlib.face_recognition_model_v1(str(recogniser))

    def embed(self, pixels: Pixels, faces: list[Detection]) -> Embeddings:
        if not faces:
            return np.zeros((0, self.dim), np.float32)
        chips = [self._chip(pixels, face) for face in faces]
        # Averaged with its mirror image: genuine pairs are then a little more similar, impostor pairs are not.
        both = [np.array(self._net.compute_face_descriptor(view), np.float32) for view in mirrored(chips)]
        rows = np.stack(both).reshape(len(faces), 2, self.dim).mean(axis=1)
        return unit(rows)

    def mirrored(self, pixels: Pixels, faces: list[Detection]) -> Embeddings:
        return np.zeros((0, self.dim), np.float32)

    def _chip(self, pixels: Pixels, face: Detection) -> Pixels:
        box = self._dlib.rectangle(face.box.left, face.box.top, face.box.right - 1, face.box.bottom - 1)
        points = [self._dlib.point(round(float(x)), round(float(y))) for x, y in face.points]
        chip: Pixels = self._dlib.get_face_chip(pixels, self._dlib.full_object_detection(box, points))
        return chip


class ArcFace:
    """InsightFace's recognisers, on the 112-pixel crop they were trained on."""

    template = np.array(  # where the five points lie in that crop
        [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]],
        np.float32,
    )

    def __init__(self, cv2: Any, model: Any, dim: int) -> None:
        self._cv2 = cv2
        self._model = model
        self._dim = dim

    def embed(self, pixels: Pixels, faces: list[Detection]) -> Embeddings:
        if not faces:
            return np.zeros((0, self._dim), np.float32)
        # One at a time: with quantised models an embedding depends on the batch it was computed in.
        # Without the mirror image, which separated the measured pairs no better here.
        return unit(np.stack([self._embed(self._crop(pixels, face)) for face in faces]))

    def mirrored(self, pixels: Pixels, faces: list[Detection]) -> Embeddings:
        if not faces:
            return np.zeros((0, self._dim), np.float32)
        return unit(np.stack([self._embed(self._crop(pixels, face)[:, ::-1]) for face in faces]))

    def _embed(self, crop: Pixels) -> Embeddings:
        row: Embeddings = self._model.get_feat(crop[:, :, ::-1])[0]
        return row

    def _crop(self, pixels: Pixels, face: Detection) -> Pixels:
        crop: Pixels = self._cv2.warpAffine(pixels, similarity(face.points, self.template), (112, 112))
        return crop


def similarity(points: Points, target: Points) -> NDArray[np.float64]:
    """The (2, 3) turn, scale and shift that best carries points onto target (Umeyama 1991)."""
    mean, target_mean = points.mean(axis=0), target.mean(axis=0)
    centred, target_centred = points - mean, target - target_mean
    u, strengths, v = np.linalg.svd(target_centred.T @ centred / len(points))
    sign = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(v))])
    rotation = u @ np.diag(sign) @ v
    scale = (strengths * sign).sum() / centred.var(axis=0).sum()
    return np.column_stack([scale * rotation, target_mean - scale * rotation @ mean])


def mirrored(chips: list[Pixels]) -> list[Pixels]:
    return [view for chip in chips for view in (chip, np.ascontiguousarray(chip[:, ::-1]))]
