"""Model packs: what they are, whether their files are the ones expected, and loading them once."""

import hashlib
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings

from matching.detect import Detection, Detector, Hog
from matching.embed import DlibResnet, Embedder
from matching.types import Embeddings, PackInfo, Pixels


class PackError(Exception):
    """The pack cannot be used; the message is one sentence an operator can act on."""


@dataclass(frozen=True)
class Pack:
    """Files found and checked; nothing loaded."""

    info: PackInfo
    recogniser: Path
    recogniser_sha256: str
    detector: Path


@dataclass(frozen=True)
class Found:
    detection: Detection
    embedding: Embeddings  # (dim,)


@dataclass(frozen=True)
class Engine:
    detector: Detector
    embedder: Embedder

    def faces(self, pixels: Pixels) -> list[Found]:
        """Every face with its embedding, the largest first."""
        detections = sorted(self.detector.detect(pixels), key=lambda one: -one.box.area)
        rows = self.embedder.embed(pixels, detections)
        return [Found(one, row) for one, row in zip(detections, rows, strict=True)]


DLIB_FILES = {
    "shape_predictor_5_face_landmarks.dat": (
        "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888"
    ),
    "dlib_face_recognition_resnet_model_v1.dat": (
        "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
    ),
}


def chosen() -> Pack:
    return named(str(settings.MATCHING["PACK"]), Path(settings.MATCHING["PACKS_FOLDER"]))


@cache
def named(name: str, folder: Path) -> Pack:
    return dlib_pack()


@cache
def engine(pack: Pack) -> Engine:
    return Engine(Hog(pack.detector), DlibResnet(pack.recogniser))


def dlib_pack() -> Pack:
    folder = dlib_models()
    for name, expected in DLIB_FILES.items():
        if sha256(folder / name) != expected:
            raise PackError(
                f"The file {name} of the dlib pack is not the one this version was measured with."
            )
    predictor, recogniser = (folder / name for name in DLIB_FILES)
    info = PackInfo(
        name="dlib",
        engine="dlib",
        dim=128,
        licence="CC0-1.0",
        commercial=True,
        limits=(
            "Misses profiles, masked faces and faces under about 20 pixels;"
            " tells people apart less well than a modern pack."
        ),
        calibration="dlib",
    )
    return Pack(info, recogniser, DLIB_FILES[recogniser.name], predictor)


def dlib_models() -> Path:
    """Found without importing the package, which needs pkg_resources and would name its 68-point file."""
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        raise PackError("The dlib pack needs the package face_recognition_models, which is not installed.")
    return Path(next(iter(spec.submodule_search_locations))) / "models"


def sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        raise PackError(f"The model file {path.name} cannot be read.") from None
