"""Model packs: what they are, whether their files are the ones expected, and loading them once."""

import hashlib
import importlib
import importlib.util
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_noop

from matching import calibrate
from matching.detect import Detection, Detector, Hog, Scrfd
from matching.embed import ArcFace, DlibResnet, Embedder
from matching.types import Embeddings, PackError, PackInfo, Pixels


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
        detections = self.detect(pixels)
        return [Found(one, row) for one, row in zip(detections, self.embed(pixels, detections), strict=True)]

    def detect(self, pixels: Pixels) -> list[Detection]:
        """The largest first."""
        return sorted(self.detector.detect(pixels), key=lambda one: -one.box.area)

    def embed(self, pixels: Pixels, faces: list[Detection]) -> Embeddings:
        return self.embedder.embed(pixels, faces)


DLIB_FILES = {
    "shape_predictor_5_face_landmarks.dat": ("c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888"),
    "dlib_face_recognition_resnet_model_v1.dat": ("55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"),
}


def chosen() -> Pack:
    return named(str(settings.MATCHING["PACK"]), folder())


def folder() -> Path:
    return Path(str(settings.MATCHING["PACKS_FOLDER"]))


@cache
def named(name: str, folder: Path) -> Pack:
    return dlib_pack() if name == "dlib" else insightface_pack(name, folder)


@cache
def engine(pack: Pack) -> Engine:
    if pack.info.engine == "dlib":
        dlib = imported("dlib")
        return Engine(Hog(dlib, pack.detector), DlibResnet(dlib, pack.recogniser))
    return insightface_engine(pack)


def fetch(name: str, folder: Path, *, licence_accepted: bool) -> None:
    """Download a named InsightFace pack, only where someone accepted its licence. There already: nothing."""
    if name == "dlib" or located(name, folder) is not None:
        return
    if not licence_accepted:
        raise PackError(
            f"The pack {name} is not in {folder}. InsightFace licenses it for non-commercial research only;"
            " set ACCEPT_PACK_LICENCE=1 to accept that and download it, or put the folder there yourself."
        )
    try:
        imported("insightface.utils.storage").download("models", name, root=str(folder))
    except Exception as error:  # whatever its downloader raises, the operator needs one sentence
        raise PackError(f"The pack {name} could not be downloaded ({type(error).__name__}).") from error


def dlib_pack() -> Pack:
    folder = dlib_models()
    for name, expected in DLIB_FILES.items():
        if sha256(folder / name) != expected:
            raise PackError(f"The file {name} of the dlib pack is not the one this version was measured with.")
    predictor, recogniser = (folder / name for name in DLIB_FILES)
    info = PackInfo(
        name="dlib",
        engine="dlib",
        dim=128,
        licence="CC0-1.0",
        commercial=True,
        limits=gettext_noop(
            "Misses profiles, masked faces and faces under about 20 pixels;"
            " tells people apart less well than a modern pack."
        ),
        calibration=calibrated_as(DLIB_FILES[recogniser.name]),
    )
    return Pack(info, recogniser, DLIB_FILES[recogniser.name], predictor)


def dlib_models() -> Path:
    """Found without importing the package, which needs pkg_resources and would name its 68-point file."""
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        raise PackError("The dlib pack needs the package face_recognition_models, which is not installed.")
    return Path(next(iter(spec.submodule_search_locations))) / "models"


def calibrated_as(recogniser_sha256: str) -> str:
    """The name of the calibration for exactly this model file; empty where nobody measured it."""
    found = calibrate.for_recogniser(recogniser_sha256)
    return found.pack if found else ""


def sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        raise PackError(f"The model file {path.name} cannot be read.") from None


def insightface_pack(name: str, folder: Path) -> Pack:
    there = located(name, folder)
    if there is None:
        raise PackError(f"There is no face pack {name}: give a folder, or fetch it into {folder} first.")
    manifest = read_manifest(there)
    tasks = manifest.get("tasks", {}) or tasks_by_file_name(there)
    detector, recogniser = (checked(there, tasks, task) for task in ("detection", "recognition"))
    digest = sha256(recogniser)
    stated = (there / "MODEL.LICENSE").is_file()
    info = PackInfo(
        name=str(manifest.get("model_id", there.name)),
        engine="insightface",
        dim=int(tasks["recognition"].get("embedding_dimension", 512)),
        licence="the MODEL.LICENSE in its folder" if stated else "InsightFace, non-commercial research only",
        commercial=False,
        limits=gettext_noop("Misses masked close-ups; embeddings of another file of the same name may not compare."),
        calibration=calibrated_as(digest),
    )
    return Pack(info, recogniser, digest, detector)


def located(name: str, folder: Path) -> Path | None:
    """A folder given as such, or one of that name where packs are kept (`models/` is InsightFace's way)."""
    for candidate in (Path(name).expanduser(), folder / name, folder / "models" / name):
        for there in (candidate, candidate / candidate.name):  # some archives nest their folder
            if any(there.glob("*.onnx")):
                return there.resolve()
    return None


def read_manifest(folder: Path) -> dict[str, Any]:
    """InsightFace's V2 manifest; without one, the files speak by their names."""
    path = folder / "manifest.json"
    try:
        content = json.loads(path.read_text()) if path.is_file() else {}
    except (OSError, ValueError):
        raise PackError(f"The manifest of the pack {folder.name} cannot be read.") from None
    return content if content.get("manifest_version") == 2 else {}


def tasks_by_file_name(folder: Path) -> dict[str, dict[str, Any]]:
    names = sorted(path.name for path in folder.glob("*.onnx"))
    detectors = [name for name in names if name.startswith(("det_", "scrfd"))]
    others = ("genderage", "1k3d68", "2d106det")
    recognisers = [name for name in names if name not in detectors and not name.startswith(others)]
    if len(detectors) != 1 or len(recognisers) != 1:
        raise PackError(f"The pack {folder.name} needs one detector and one recogniser, or a manifest that names them.")
    return {"detection": {"file": detectors[0]}, "recognition": {"file": recognisers[0]}}


def checked(folder: Path, tasks: dict[str, Any], task: str) -> Path:
    try:
        path, expected = folder / str(tasks[task]["file"]), tasks[task].get("sha256")
    except (KeyError, TypeError, AttributeError):
        raise PackError(f"The manifest of the pack {folder.name} names no {task} model.") from None
    if expected is not None and sha256(path) != expected:
        raise PackError(f"The file {path.name} of the pack {folder.name} is not the one its manifest names.")
    return path


def insightface_engine(pack: Pack) -> Engine:
    analysis = imported("insightface.app").FaceAnalysis(
        name=str(pack.recogniser.parent),
        allowed_modules=["detection", "recognition"],
        providers=["CPUExecutionProvider"],
        static_shape_sessions=False,  # one session for every size we detect at
    )
    analysis.prepare(ctx_id=-1, det_thresh=Scrfd.threshold, det_size=(640, 640))
    recogniser = analysis.models["recognition"]
    if Path(recogniser.model_file).name != pack.recogniser.name:
        raise PackError(f"The pack {pack.info.name} loaded another recogniser than {pack.recogniser.name}.")
    return Engine(Scrfd(analysis.det_model), ArcFace(imported("cv2"), recogniser, pack.info.dim))


def imported(module: str) -> Any:
    """Heavy modules are loaded when an engine is, so that a web process that never sees a photo stays small."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise PackError(f"The chosen pack needs {module}, which cannot be loaded: {error}.") from error
