"""Model packs: what they are, whether their files are the ones expected, and loading them once."""

import importlib
import importlib.util
import json
import os
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_noop

from matching.calibration import calibration_for
from matching.errors import PackError
from matching.faces import liveness, model_files, onnx_sessions
from matching.faces.detect import THOROUGH, Detection, Detector, Effort, Hog, Scrfd
from matching.faces.embed import ArcFace, DlibResnet, Embedder
from matching.faces.liveness import SCALES, Liveness, Network
from matching.faces.model_files import ModelFile
from matching.types import Embeddings, PackInfo, Pixels


@dataclass(frozen=True)
class Pack:
    """Files found and checked; nothing loaded."""

    info: PackInfo
    recogniser: Path
    recogniser_sha256: str
    detector: Path
    detector_sha256: str
    manifest: str = ""  # InsightFace's, as it was read
    effort: Effort = THOROUGH  # of InsightFace's detectors
    liveness: tuple[ModelFile, ...] = ()  # none: what a face looks like says nothing about its being live

    @property
    def files(self) -> dict[str, ModelFile]:
        """By the names their loader looks for."""
        return {
            self.detector.name: ModelFile(self.detector, self.detector_sha256),
            self.recogniser.name: ModelFile(self.recogniser, self.recogniser_sha256),
        }


@dataclass(frozen=True)
class Found:
    detection: Detection
    embedding: Embeddings  # (dim,)


@dataclass(frozen=True)
class Engine:
    detector: Detector
    embedder: Embedder
    liveness: Liveness | None = None

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
    return named(
        str(settings.MATCHING["PACK"]),
        folder(),
        trusting=bool(settings.MATCHING.get("UNPINNED_PACKS")),
        pad=str(settings.MATCHING.get("PAD_FOLDER", "")),
    )


def folder() -> Path:
    return Path(str(settings.MATCHING["PACKS_FOLDER"]))


@cache
def named(name: str, folder: Path, *, trusting: bool = False, pad: str = "") -> Pack:
    """`trusting`: also with files that nobody vouched for, which is for a demo. `pad`: the folder of the models that
    detect presentation attacks. Errors: PackError."""
    pack = dlib_pack() if name == "dlib" else insightface_pack(name, folder, trusting=trusting)
    if not pad:
        return pack
    trusted = None if trusting else {*model_files.KNOWN, *pinned(folder)}
    return replace(pack, liveness=liveness.files(Path(pad).expanduser(), trusted))


@cache
def engine(pack: Pack) -> Engine:
    found = recognising(pack)
    return replace(found, liveness=detecting_attacks(pack)) if pack.liveness else found


def detecting_attacks(pack: Pack) -> Liveness:
    onnxruntime, onnx = imported("onnxruntime"), imported("onnx")
    networks = [
        Network(onnx_sessions.session(onnxruntime, onnx, file.content()), SCALES[file.path.name])
        for file in pack.liveness
    ]
    return Liveness(imported("cv2"), networks)


def recognising(pack: Pack) -> Engine:
    if pack.info.engine == "dlib":
        dlib = imported("dlib")
        with model_files.private_copies(pack.files) as copies:
            detector = Hog(dlib, copies / pack.detector.name)
            return Engine(detector, DlibResnet(dlib, copies / pack.recogniser.name))
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
    predictor, recogniser = (
        model_files.checked(folder / name, expected=expected) for name, expected in DLIB_FILES.items()
    )
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
        calibration=calibrated_as(recogniser.sha256),
    )
    return Pack(info, recogniser.path, recogniser.sha256, predictor.path, predictor.sha256)


def dlib_models() -> Path:
    """Found without importing the package, which needs pkg_resources and would name its 68-point file."""
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        raise PackError("The dlib pack needs the package face_recognition_models, which is not installed.")
    return Path(next(iter(spec.submodule_search_locations))) / "models"


def calibrated_as(recogniser_sha256: str) -> str:
    """The name of the calibration for exactly this model file; empty where nobody measured it."""
    found = calibration_for(recogniser_sha256)
    return found.pack if found else ""


def insightface_pack(name: str, folder: Path, *, trusting: bool = False) -> Pack:
    there = located(name, folder)
    if there is None:
        raise PackError(f"There is no face pack {name}: give a folder, or fetch it into {folder} first.")
    text, manifest = read_manifest(there)
    tasks = manifest.get("tasks", {}) or tasks_by_file_name(there)
    trusted = None if trusting else {*model_files.KNOWN, *pinned(folder)}
    detector, recogniser = (checked(there, tasks, task, trusted) for task in ("detection", "recognition"))
    stated = (there / "MODEL.LICENSE").is_file()
    info = PackInfo(
        name=str(manifest.get("model_id", there.name)),
        engine="insightface",
        dim=int(tasks["recognition"].get("embedding_dimension", 512)),
        licence="the MODEL.LICENSE in its folder" if stated else "InsightFace, non-commercial research only",
        commercial=False,
        limits=gettext_noop("Misses masked close-ups; embeddings of another file of the same name may not compare."),
        calibration=calibrated_as(recogniser.sha256),
    )
    return Pack(info, recogniser.path, recogniser.sha256, detector.path, detector.sha256, text if manifest else "")


def located(name: str, folder: Path) -> Path | None:
    """A folder given as such, or one of that name where packs are kept (`models/` is InsightFace's way)."""
    for candidate in (Path(name).expanduser(), folder / name, folder / "models" / name):
        for there in (candidate, candidate / candidate.name):  # some archives nest their folder
            if any(there.glob("*.onnx")):
                return there.resolve()
    return None


def read_manifest(folder: Path) -> tuple[str, dict[str, Any]]:
    """InsightFace's V2 manifest, as text and read; without one, the files speak by their names."""
    path = folder / "manifest.json"
    if not os.path.lexists(path):
        return "", {}
    try:
        text = model_files.read(path).decode()
        content = json.loads(text)
    except ValueError:
        raise PackError(f"The manifest of the pack {folder.name} cannot be read.") from None
    return text, content if isinstance(content, dict) and content.get("manifest_version") == 2 else {}


def tasks_by_file_name(folder: Path) -> dict[str, dict[str, Any]]:
    names = sorted(path.name for path in folder.glob("*.onnx"))
    detectors = [name for name in names if name.startswith(("det_", "scrfd"))]
    others = ("genderage", "1k3d68", "2d106det")
    recognisers = [name for name in names if name not in detectors and not name.startswith(others)]
    if len(detectors) != 1 or len(recognisers) != 1:
        raise PackError(f"The pack {folder.name} needs one detector and one recogniser, or a manifest that names them.")
    return {"detection": {"file": detectors[0]}, "recognition": {"file": recognisers[0]}}


def checked(folder: Path, tasks: dict[str, Any], task: str, trusted: set[str] | None) -> ModelFile:
    """The task's file if its manifest vouches for its SHA-256, or `trusted` does (None: no one has to)."""
    try:
        name, expected = str(tasks[task]["file"]), tasks[task].get("sha256")
    except (KeyError, TypeError, AttributeError):
        raise PackError(f"The manifest of the pack {folder.name} names no {task} model.") from None
    if Path(name).name != name:
        raise PackError(f"The manifest of the pack {folder.name} names a {task} model that does not lie beside it.")
    file = model_files.checked(folder / name, expected=str(expected or ""))
    if not expected and trusted is not None and file.sha256 not in trusted:
        raise PackError(
            f"Nobody vouches for {name} of the pack {folder.name}. Compare its SHA-256 with its publisher's,"
            f" {file.sha256}, and note it as yours with: manage.py face_pack --pin"
        )
    return file


PINS = "pins.json"  # where packs are kept, but not in any pack's folder: SHA-256 to pack and file


def pinned(folder: Path) -> dict[str, str]:
    try:
        pins = json.loads((folder / PINS).read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        raise PackError(f"The file {PINS} in {folder} cannot be read.") from None
    return {str(digest): str(what) for digest, what in pins.items()} if isinstance(pins, dict) else {}


def pin(name: str, folder: Path, *, pad: str = "") -> dict[str, str]:
    """Vouch for the files of this pack, and for those in `pad`, as they are now. Errors: PackError."""
    pack = named(name, folder, trusting=True, pad=pad)
    noted = {file.sha256: f"{pack.info.name}: {file.path.name}" for file in (*pack.files.values(), *pack.liveness)}
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{PINS}.new"
    partial.write_text(json.dumps({**pinned(folder), **noted}, indent=1) + "\n")
    partial.replace(folder / PINS)
    named.cache_clear()
    return noted


def insightface_engine(pack: Pack) -> Engine:
    onnxruntime, onnx = imported("onnxruntime"), imported("onnx")
    manifest = {"manifest.json": pack.manifest.encode()} if pack.manifest else {}
    with model_files.private_copies(pack.files, others=manifest) as copies:
        analysis = imported("insightface.app").FaceAnalysis(
            name=str(copies),
            allowed_modules=["detection", "recognition"],
            providers=["CPUExecutionProvider"],
            static_shape_sessions=False,  # one session for every size we detect at
            sess_options=onnx_sessions.options(onnxruntime),
        )
        analysis.prepare(ctx_id=-1, det_thresh=Scrfd.threshold, det_size=(640, 640))  # reads the files once more
        lighter = onnx_sessions.session(onnxruntime, onnx, (copies / pack.recogniser.name).read_bytes())
    recogniser = analysis.models["recognition"]
    if Path(recogniser.model_file).name != pack.recogniser.name:
        raise PackError(f"The pack {pack.info.name} loaded another recogniser than {pack.recogniser.name}.")
    recogniser.session = lighter
    cv2 = imported("cv2")
    return Engine(Scrfd(cv2, analysis.det_model, pack.effort), ArcFace(cv2, recogniser, pack.info.dim))


def imported(module: str) -> Any:
    """Heavy modules are loaded when an engine is, so that a web process that never sees a photo stays small."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise PackError(f"The chosen pack needs {module}, which cannot be loaded: {error}.") from error
