"""The block list at full length: how fast newly harvested faces pass it, what opening it costs, and what gets past.

`python -m bench.screen [--blocks N]`. Speed: random templates, in memory; beside it the bare product of the same
matrices, written to a buffer that was there before, in turn, five times. What gets past: the astronaut that ships with
scikit-image, blocked by a selfie, comes back as copies, crops and re-encodings under the pack in use.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import django
import numpy as np
import skimage.data
from PIL import Image, ImageOps

from bench.rows import Row, alone, beside, median
from bench.shared_photos import photos
from matching.errors import PhotoRejected
from matching.types import Embeddings

if TYPE_CHECKING:
    from matching.faces.packs import Pack

PROJECT = Path(__file__).resolve().parent.parent
BLOCKS = 100_000
FACES = 1024  # of one batch
DIMS = (512, 128)  # of InsightFace's packs, and of dlib's
TARGET = 0.8  # of the product alone
SLOWEST = 500.0  # faces/s against 100,000 blocks of 512 numbers
ROUNDS = 5
OPENED = 1_000  # sealed blocks whose opening is timed

SHARED = PROJECT.parent / "shared"
EXACT = "an exact copy"


def measure(blocks: int = BLOCKS) -> list[Row]:
    """In a process of its own, since Django is set up for the pack and key store of this run alone."""
    command = [sys.executable, "-m", "bench.screen", "--json", "--blocks", str(blocks)]
    done = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, check=True, text=True)  # noqa: S603  (ours)
    return [Row(**row) for row in json.loads(done.stdout.splitlines()[-1])]


def main() -> None:
    asked = argparse.ArgumentParser(description="The block list at full length.")
    asked.add_argument("--blocks", type=int, default=BLOCKS)
    asked.add_argument("--json", action="store_true", help="for the runner")
    given = asked.parse_args()
    with surroundings():
        rows = [*speed(given.blocks), *opening(given.blocks), *comes_back()]
    if given.json:
        sys.stdout.write(json.dumps([vars(row) for row in rows]) + "\n")
        return
    for row in rows:
        peer = "" if row.peer_value is None else f" · {row.peer} {row.peer_value:,.0f} · {row.ratio:.2f}"
        sys.stdout.write(f"{row.name}: {row.value:,.4g} {row.unit}{peer} {row.note}\n")


@contextmanager
def surroundings() -> Iterator[None]:
    """A key store of this run's own; no database is asked."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(
            {
                "DJANGO_SETTINGS_MODULE": "portal.settings",
                "SECRET_KEY": secrets.token_urlsafe(32),
                "KEY_STORE": f"{folder}/keys",
                "IMAGE_STORE": f"file://{folder}/images",
                "DEMO": "1",
            }
        )
        for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_REGULATOR_URL"):
            os.environ.setdefault(name, "postgresql://nobody@localhost:1/none")
        django.setup()
        yield


def speed(blocks: int) -> Iterator[Row]:
    for dim in DIMS:
        faces, templates = unit_rows(FACES, dim), unit_rows(blocks, dim)
        whole = np.empty((FACES, blocks), np.float32)
        ours, bare = in_turn(
            partial(screened, faces, templates),
            partial(np.matmul, faces, templates.T, out=whole),
        )
        yield beside(
            f"faces screened against {blocks:,} blocks of {dim} numbers",
            FACES / ours,
            "faces/s",
            peer="the product alone (GEMM, float32)",
            peer_value=FACES / bare,
            at_least=TARGET,
        )
        if dim == DIMS[0]:
            yield alone(f"the same, in a batch of {FACES}", FACES / ours, "faces/s", at_least=SLOWEST)
        one, bare = in_turn(
            partial(screened, faces[:4], templates),
            partial(np.matmul, faces[:4], templates.T, out=whole[:4]),
        )
        yield beside(
            f"one photo of four faces, {dim} numbers",
            one * 1000,
            "ms",
            peer="the product alone",
            peer_value=bare * 1000,
            less_is_better=True,
        )


def screened(faces: Embeddings, templates: Embeddings) -> int:
    from matching.blocklist import screening  # noqa: PLC0415

    return sum(1 for _ in screening.matching_pairs(faces, templates, 0.8))


def opening(blocks: int) -> Iterator[Row]:
    """From sealed bytes to templates: one key read and one AES-GCM a block."""
    from matching.blocklist import blocks as listed  # noqa: PLC0415
    from portal.blocks.sealer import Sealer  # noqa: PLC0415

    sealer, files = Sealer(), (bytes(32),) * 5
    sealed = {
        (block_id := uuid4()): sealer.seal(block_id, listed.to_bytes(listed.BlockContent(row[np.newaxis], files)))
        for row in unit_rows(OPENED, DIMS[0])
    }

    def open_all() -> None:
        for block_id, content in sealed.items():
            listed.from_bytes(sealer.unseal(block_id, content))

    seconds = median([timed(open_all) for _ in range(ROUNDS)])
    yield alone(
        f"opening {blocks:,} sealed blocks at the start of a harvest",
        seconds * blocks / OPENED,
        "s",
        note=f"from {OPENED:,}; the keys lie in a folder",
    )
    yield alone("a sealed block", len(next(iter(sealed.values()))), "bytes")


def comes_back() -> Iterator[Row]:
    """What is harvested again of people who are kept out, under the default pack and, with ../shared, a better one."""
    from matching.faces import packs  # noqa: PLC0415

    yield from kept_out(packs.dlib_pack(), {"astronaut": [jpeg(Image.fromarray(skimage.data.astronaut()))]})
    if SHARED.is_dir():
        better = packs.named(str(SHARED / "models" / "buffalo_sc"), packs.folder(), trusting=True)
        yield from kept_out(better, people(SHARED / "faces"))


def people(faces: Path) -> dict[str, list[bytes]]:
    """The photos of everyone who is labelled in two at least."""
    found: dict[str, list[bytes]] = {}
    for photo in photos(faces):
        if photo.identity:
            found.setdefault(photo.identity, []).append(photo.file.read_bytes())
    return {name: shown for name, shown in found.items() if len(shown) > 1}


def kept_out(pack: "Pack", shown: dict[str, list[bytes]]) -> Iterator[Row]:
    """Each person's first usable photo is their selfie; the threshold is that of a list of 100,000."""
    from matching.blocklist import screening  # noqa: PLC0415
    from matching.calibration import bands  # noqa: PLC0415
    from matching.faces import find_faces  # noqa: PLC0415

    limit = screening.block_threshold(bands.calibration_for(pack.recogniser_sha256), templates=BLOCKS)
    tally: dict[str, list[bool]] = {}
    everyone: list[tuple[str, Embeddings, Embeddings]] = []
    for name, contents in shown.items():
        try:
            template = find_faces.read_selfie(contents[0], pack).probes
        except PhotoRejected:
            continue
        again = [find_faces.read_harvested(content, pack).rows for content in contents[1:]]
        everyone.append((name, template, np.concatenate([template[:0], *again])))
        tally.setdefault("another photo of the same person", []).extend(
            any(screening.matching_pairs(rows, template, limit)) for rows in again
        )
        for variant, content in variants(contents[0], pack):
            rows = find_faces.read_harvested(content, pack).rows
            tally.setdefault(variant, []).append(any(screening.matching_pairs(rows, template, limit)))
    for variant, refused in tally.items():
        if refused:
            yield share(f"{pack.info.name}, kept out: {variant}", refused, exact=variant == EXACT)
    impostors = [
        any(screening.matching_pairs(face[np.newaxis], template, limit))
        for name, template, _ in everyone
        for other, _, rows in everyone
        if other != name
        for face in rows
    ]
    if impostors:
        yield share(f"{pack.info.name}, refused by mistake: a face of somebody else", impostors)


def share(name: str, refused: list[bool], *, exact: bool = False) -> Row:
    note = f"{sum(refused)} of {len(refused)}"
    return alone(name, 100 * sum(refused) / len(refused), "%", at_least=100.0 if exact else None, note=note)


def variants(content: bytes, pack: "Pack") -> Iterator[tuple[str, bytes]]:
    """The photo as it comes back; the exact copy is also stopped by its digest, whatever is seen in it."""
    from matching.faces import find_faces  # noqa: PLC0415

    photo = ImageOps.exif_transpose(Image.open(BytesIO(content))).convert("RGB")
    yield EXACT, content
    yield "encoded anew, quality 30", jpeg(photo, quality=30)
    yield "a half the size", jpeg(photo.resize((photo.width // 2, photo.height // 2)))
    yield "a quarter of the size", jpeg(photo.resize((photo.width // 4, photo.height // 4)))
    yield "mirrored", jpeg(ImageOps.mirror(photo))
    yield "turned by 8 degrees", jpeg(photo.rotate(8, Image.Resampling.BICUBIC))
    yield "half as bright", jpeg(photo.point(lambda value: value // 2))
    boxes = find_faces.read_harvested(content, pack).boxes
    if boxes:
        largest = max(boxes, key=lambda box: box.area)
        margin = largest.width // 4
        sides = (largest.left - margin, largest.top - margin, largest.right + margin, largest.bottom + margin)
        yield "cropped to the face", jpeg(photo.crop(sides))


def jpeg(photo: Image.Image, quality: int = 90) -> bytes:
    file = BytesIO()
    photo.save(file, "JPEG", quality=quality)
    return file.getvalue()


def in_turn(*methods: Callable[[], object]) -> list[float]:
    """The median seconds of each; they take turns, so that what else the machine does meets them alike."""
    for method in methods:
        method()
    taken = [[timed(method) for method in methods] for _ in range(ROUNDS)]
    return [median(one) for one in zip(*taken, strict=True)]


def timed(method: Callable[[], object]) -> float:
    before = time.perf_counter()
    method()
    return time.perf_counter() - before


def unit_rows(count: int, dim: int) -> Embeddings:
    rows = np.random.default_rng(dim).standard_normal((count, dim), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


if __name__ == "__main__":
    main()
