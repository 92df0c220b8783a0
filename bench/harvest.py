"""Photos into the index, beside a plain loop over InsightFace's own way on the same photos, pack and machine.

Both are warm: models are loaded and processes started before the clock is. Ours decodes in confined children, keeps
photo and upright copy, asks the block list and writes to the database; the loop reads, detects and embeds.
"""

import json
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import cv2
import numpy as np

from bench.rows import Row, alone, beside, median
from bench.search import database

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from matching.faces.find_faces import Reading
    from matching.faces.packs import Pack

ROUNDS = 5
EVERY = 2  # every second photo
PHOTOS = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
DAY = date(2026, 3, 14)
SAME_PLACE = 0.9  # intersection over union


def measure(shared: Path) -> list[Row]:
    with database():
        return compared(shared)


def compared(shared: Path) -> list[Row]:
    from matching.faces import detect, packs, workers  # noqa: PLC0415

    files = readable(sorted(file for file in (shared / "faces").rglob("*") if file.suffix.lower() in PHOTOS))[::EVERY]
    default = packs.named(str(shared / "models" / "buffalo_sc"), shared)
    plain, analysis = replace(default, effort=detect.PLAIN), loop(default)
    with workers.workers(len(files)) as pool:
        assert pool is not None
        readings = list(pool.map(workers.read, [file.read_bytes() for file in files], [plain] * len(files)))
        list(pool.map(workers.read, [files[0].read_bytes()] * 8, [default] * 8))
        agreement = agreeing([analysis.get(picture(file)) for file in files], readings)
        rates: dict[str, list[float]] = {"loop": [], "plain": [], "default": []}
        for _ in range(ROUNDS):
            rates["loop"].append(rate(files, lambda: [analysis.get(picture(file)) for file in files]))
            rates["plain"].append(rate(files, lambda: harvested(files, plain, pool)))
            rates["default"].append(rate(files, lambda: harvested(files, default, pool)))
    return [*figures({name: median(values) for name, values in rates.items()}, len(files)), *agreement]


def loop(pack: "Pack") -> Any:
    import onnxruntime  # noqa: PLC0415
    from insightface.app import FaceAnalysis  # noqa: PLC0415

    onnxruntime.set_default_logger_severity(3)
    warnings.simplefilter("ignore")
    folder = str(pack.recogniser.parent)
    analysis = FaceAnalysis(name=folder, allowed_modules=["detection", "recognition"])
    analysis.prepare(ctx_id=-1, det_size=(640, 640))
    return analysis


def picture(file: Path) -> Any:
    return cv2.imread(str(file))


def readable(files: Sequence[Path]) -> list[Path]:
    """Those that both ways take."""
    from matching.decoding.limits import HARVEST  # noqa: PLC0415
    from matching.errors import PhotoRejected  # noqa: PLC0415
    from matching.photos import images  # noqa: PLC0415

    taken = []
    for file in files:
        try:
            images.decode(file.read_bytes(), HARVEST)
        except PhotoRejected:
            continue
        if picture(file) is not None:
            taken.append(file)
    return taken


def harvested(files: Sequence[Path], pack: "Pack", pool: "Executor") -> None:
    """As `manage.py harvest` does it; on pages of its own, so that nothing is known already."""
    from matching.harvest import admission, photos  # noqa: PLC0415
    from matching.types import Harvestable  # noqa: PLC0415

    tally, pages = photos.Tally(), uuid4()
    entries = (Harvestable(file, f"https://{pages}.example/{n}", "a.example", DAY) for n, file in enumerate(files))
    with admission.one_harvest():
        for batch in photos.begun(entries, pack, pool):
            photos.take_in(batch, tally, lambda name, reason: None, lambda name: None)
    if tally.images < len({file.read_bytes() for file in files}):
        raise RuntimeError("Not every photo was taken in.")


def rate(files: Sequence[Path], run: Any) -> float:
    begun = time.perf_counter()
    run()
    return len(files) / (time.perf_counter() - begun)


def agreeing(theirs: Sequence[Any], ours: "Sequence[Reading | str]") -> list[Row]:
    pairs = [nearest(face, reading) for faces, reading in zip(theirs, ours, strict=True) for face in faces]
    found = sum(len(reading.boxes) for reading in ours if not isinstance(reading, str))
    at_place = [cosine for overlap, cosine in pairs if overlap >= SAME_PLACE]
    return [
        beside(
            "harvest: faces found at the same place, one pass at 640",
            len(at_place) if found == len(pairs) else 0,
            "faces",
            peer="FaceAnalysis",
            peer_value=len(pairs),
            at_least=1.0,
        ),
        alone("harvest: least alike embedding of the same face", min(at_place), "cosine", at_least=0.999),
    ]


def nearest(face: Any, reading: "Reading | str") -> tuple[float, float]:
    """How far the boxes overlap, and how alike the embeddings are."""
    if isinstance(reading, str):
        return 0.0, -1.0
    overlaps = [overlap(face.bbox, box) for box in reading.boxes]
    best = int(np.argmax(overlaps)) if overlaps else -1
    return (overlaps[best], float(face.normed_embedding @ reading.rows[best])) if overlaps else (0.0, -1.0)


def overlap(one: Any, box: Any) -> float:
    width = min(one[2], box.right) - max(one[0], box.left)
    height = min(one[3], box.bottom) - max(one[1], box.top)
    shared = max(0.0, width) * max(0.0, height)
    return float(shared / ((one[2] - one[0]) * (one[3] - one[1]) + box.area - shared))


def figures(rates: dict[str, float], photos: int) -> list[Row]:
    note, peer, loop = f"{photos} photos, {ROUNDS} rounds in turn", "loop over FaceAnalysis.get", rates["loop"]
    one_pass = beside(
        "harvest, one pass at 640 as in the loop",
        rates["plain"],
        "photos/s",
        peer=peer,
        peer_value=loop,
        at_least=2.0,
        note=note,
    )
    several = f"{note}; up to three sizes, and turned where no face is sure"
    default = beside(
        "harvest as it is by default", rates["default"], "photos/s", peer=peer, peer_value=loop, note=several
    )
    return [one_pass, default]


if __name__ == "__main__":
    sys.stdout.write(json.dumps([asdict(row) for row in measure(Path(sys.argv[1]))], indent=1) + "\n")
