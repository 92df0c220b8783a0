"""Presentation attack detection: how much a face looks like a person before the camera, not a print or a screen.

Two small networks (Silent-Face-Anti-Spoofing, Apache-2.0) look at the face with more and less of what is around it.
Their score is evidence for people who decide. It is no proof, decides nothing alone, and is never told to the subject.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.errors import PackError
from matching.faces import model_files
from matching.faces.model_files import ModelFile
from matching.types import Box, Pixels

SCALES = {"MiniFASNetV2.onnx": 2.7, "MiniFASNetV1SE.onnx": 4.0}  # side of what each looks at, in sides of the face
SIDE = 80  # of what a network sees
LIVE = 1  # of the three classes


@dataclass(frozen=True)
class Network:
    session: Any  # of ONNX Runtime
    scale: float


class Liveness:
    def __init__(self, cv2: Any, networks: Sequence[Network]) -> None:
        self._cv2 = cv2
        self._networks = networks

    def score(self, pixels: Pixels, face: Box) -> float:
        """0 to 1, the mean of the networks' belief that the face is live."""
        return float(np.mean([self._belief(network, pixels, face) for network in self._networks]))

    def _belief(self, network: Network, pixels: Pixels, face: Box) -> float:
        around = surroundings(face, network.scale, pixels)
        crop = pixels[around.top : around.bottom, around.left : around.right, ::-1]  # blue first
        seen = self._cv2.resize(np.ascontiguousarray(crop), (SIDE, SIDE)).astype(np.float32)  # 0 to 255, as trained
        (entry,) = network.session.get_inputs()
        (beliefs,) = network.session.run(None, {entry.name: seen.transpose(2, 0, 1)[np.newaxis]})
        return float(softmax(beliefs[0])[LIVE])


def surroundings(face: Box, scale: float, pixels: Pixels) -> Box:
    """The face's box, `scale` times as large, but no larger than the photo, and moved until it lies within it."""
    height, width = pixels.shape[:2]
    scale = min(scale, (height - 1) / face.height, (width - 1) / face.width)
    left, right = within((face.left + face.right) / 2, face.width * scale, width)
    top, bottom = within((face.top + face.bottom) / 2, face.height * scale, height)
    return Box(left, top, right, bottom)


def within(middle: float, length: float, most: int) -> tuple[int, int]:
    start = min(max(0.0, middle - length / 2), most - 1 - length)
    return int(start), int(start + length) + 1


def softmax(values: NDArray[np.float32]) -> NDArray[np.float32]:
    powers: NDArray[np.float32] = np.exp(values - values.max())
    shares: NDArray[np.float32] = powers / powers.sum()
    return shares


def files(folder: Path, trusted: set[str] | None) -> tuple[ModelFile, ...]:
    """Both models, checked; `trusted` as for a pack. Errors: PackError."""
    found = tuple(model_files.checked(folder / name) for name in SCALES)
    for file in found:
        if trusted is not None and file.sha256 not in trusted:
            raise PackError(
                f"Nobody vouches for {file.path.name} in PAD_FOLDER. Compare its SHA-256 with its publisher's,"
                f" {file.sha256}, and note it as yours with: manage.py face_pack --pin"
            )
    return found
