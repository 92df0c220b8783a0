"""Measure a face pack on labelled photos and write its calibration: numbers only, no photo and no name.

    python -m bench.calibrate PACK PHOTOS.csv OUT.json --how "…"

PHOTOS.csv has the columns file, identity and group; files are relative to it or to --root.
`identity` names the person of the largest face and may be empty. Faces count as different people when both
have identities and these differ, when they are in one photo, or when their photos are of different groups:
a group holds the photos in which somebody might appear twice without a label. A photo in a group that
starts with `collage` says nothing about its own faces.
"""

import argparse
import csv
import json
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv
from tqdm import tqdm

from matching import packs
from matching.packs import Pack
from matching.types import Embeddings
from matching.workers import read, workers

STEP = 0.001
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Photo:
    number: int
    file: Path
    identity: str
    group: str


@dataclass(frozen=True)
class LabelledFace:
    photo: Photo
    identity: str  # of the largest face of the photo; the others have none


def main() -> None:
    asked = arguments()
    pack = packs.named(asked.pack, Path(asked.packs_folder))
    faces, rows = measure(list(photos(asked.photos, asked.root or asked.photos.parent)), pack)
    genuine, impostor = pairs(faces, rows)
    asked.out.write_text(as_json(pack, asked.how, faces, genuine=genuine, impostor=impostor))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("pack")
    parser.add_argument("photos", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--how", required=True, help="where the photos are from and what was looked at by eye")
    parser.add_argument("--root", type=Path)
    parser.add_argument("--packs-folder", default="var/packs")
    return parser.parse_args()


def photos(table: Path, root: Path) -> Iterator[Photo]:
    with table.open(newline="") as rows:
        for number, row in enumerate(csv.DictReader(rows)):
            yield Photo(number, root / row["file"], row["identity"], row["group"])


def measure(given: list[Photo], pack: Pack) -> tuple[list[LabelledFace], Embeddings]:
    faces: list[LabelledFace] = []
    rows: list[Embeddings] = []
    with workers(len(given)) as pool:
        for photo, found in tqdm(read_all(given, pack, pool), total=len(given), unit="photo"):
            faces += [LabelledFace(photo, photo.identity if nth == 0 else "") for nth in range(len(found))]
            rows.append(found)
    return faces, np.concatenate(rows)


def read_all(given: list[Photo], pack: Pack, pool: Executor | None) -> Iterator[tuple[Photo, Embeddings]]:
    """Largest face first, as the engine gives them; unreadable photos have none."""
    contents = (photo.file.read_bytes() for photo in given)
    spread = map if pool is None else pool.map
    for photo, outcome in zip(given, spread(read, contents, [pack] * len(given)), strict=True):
        yield photo, np.zeros((0, pack.info.dim), np.float32) if isinstance(outcome, str) else outcome.rows


def pairs(faces: list[LabelledFace], rows: Embeddings) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Similarities of genuine and of impostor pairs, each pair once."""
    alike = rows @ rows.T
    same = np.array([[is_same(one, other) for other in faces] for one in faces])
    different = np.array([[is_different(one, other) for other in faces] for one in faces])
    once = np.tri(len(faces), k=-1, dtype=bool)
    return alike[same & once], alike[different & once]


def is_same(one: LabelledFace, other: LabelledFace) -> bool:
    return one.photo.number != other.photo.number and one.identity == other.identity != ""


def is_different(one: LabelledFace, other: LabelledFace) -> bool:
    if one.identity and other.identity:
        return one.identity != other.identity
    if one.photo.number == other.photo.number:
        return not one.photo.group.startswith("collage")
    return one.photo.group != other.photo.group


def as_json(
    pack: Pack,
    how: str,
    faces: list[LabelledFace],
    *,
    genuine: NDArray[np.float32],
    impostor: NDArray[np.float32],
) -> str:
    head = {
        "pack": pack.info.name,
        "recogniser_sha256": pack.recogniser_sha256,
        "how": how,
        "measured_on": datetime.now(UTC).date().isoformat(),
        "photos": len({face.photo.number for face in faces}),
        "faces": len(faces),
        "genuine_pairs": len(genuine),
        "impostor_pairs": len(impostor),
        "columns": ["similarity", "impostors at or above", "their rate at most (95 %)", "genuine below"],
    }
    points = ",\n  ".join(json.dumps(row) for row in table(genuine, impostor))
    return json.dumps(head, indent=1, ensure_ascii=False)[:-2] + f',\n "points": [\n  {points}\n ]\n}}\n'


def table(genuine: NDArray[np.float32], impostor: NDArray[np.float32]) -> Iterator[list[float]]:
    """From where half of the impostors are below to where half of the genuine pairs are, at each change."""
    before = -1, -1
    for step in range(int(np.median(impostor) / STEP), int(np.median(genuine) / STEP) + 1):
        similarity = round(step * STEP, 3)
        counts = int((impostor >= similarity).sum()), int((genuine < similarity).sum())
        if counts != before:
            yield [similarity, counts[0], rate_at_most(counts[0], len(impostor)), counts[1]]
        before = counts


def rate_at_most(seen: int, pairs: int) -> float:
    """Clopper and Pearson's upper bound, rounded up; 3/n where none was seen."""
    bound = float(betaincinv(seen + 1, pairs - seen, CONFIDENCE))
    return float(f"{bound * 1.005:.3g}")


if __name__ == "__main__":
    main()
