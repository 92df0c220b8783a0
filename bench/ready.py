"""Ready embeddings by `manage.py harvest_embeddings`, beside a bare COPY of the very same rows already in binary."""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from bench.rows import Row, beside, median
from bench.search import database, faces

if TYPE_CHECKING:
    from matching.faces.packs import Pack

ROUNDS = 5
DIM = 512
FACES = 50_000
FACES_AN_IMAGE = 2
DAY = date(2026, 3, 14)


def measure(scale: int = FACES) -> list[Row]:
    with database(), tempfile.TemporaryDirectory() as folder:
        return compared(Path(folder) / "faces.parquet", min(scale, FACES))


def compared(file: Path, count: int) -> list[Row]:
    from matching.faces import packs  # noqa: PLC0415

    dlib = packs.chosen()
    pack = replace(dlib, info=replace(dlib.info, dim=DIM))
    write(file, count)
    blocks = bare(file, pack)
    rates: dict[str, list[float]] = {"ours": [], "bare": []}
    for _ in range(ROUNDS):
        rates["bare"].append(rate(count, lambda: copy(blocks)))
        rates["ours"].append(rate(count, lambda: take_in(file, pack)))
    note = f"{count:,} faces of {DIM} numbers, {FACES_AN_IMAGE} an image, into empty tables; {ROUNDS} rounds in turn"
    peer = "COPY of the same rows, binary beforehand"
    ours, theirs = median(rates["ours"]), median(rates["bare"])
    return [beside("ready embeddings", ours, "faces/s", peer=peer, peer_value=theirs, at_least=0.5, note=note)]


def write(file: Path, count: int) -> None:
    rows = faces(count, seed=3).astype(np.float32)
    images = [str(uuid4()) for _ in range(-(-count // FACES_AN_IMAGE))]
    owners = [images[n // FACES_AN_IMAGE] for n in range(count)]
    table = {
        "image": owners,
        "page": [f"https://photos.example/albums/{owner}.jpg" for owner in owners],
        "harvested_on": [DAY] * count,
        "box": [[n % 100, 10, n % 100 + 80, 90] for n in range(count)],
        "embedding": pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), DIM),
    }
    pyarrow.parquet.write_table(pa.table(table), file)


def bare(file: Path, pack: "Pack") -> list[tuple[str, bytes]]:
    """Statement and content of both tables' copies, as our own way sends them."""
    from django.db import connection  # noqa: PLC0415

    take_in(file, pack)
    sent = []
    with connection.cursor() as cursor:
        for table, columns in COLUMNS.items():
            select = f"SELECT {columns} FROM {table}"  # noqa: S608  (names of our own)
            with cursor.copy(f"COPY ({select}) TO STDOUT (FORMAT BINARY)") as out:
                sent.append((f"COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)", b"".join(map(bytes, out))))
    return sent


COLUMNS = {
    "matching_harvestedimage": (
        "id, file_digest, page, page_digest, address_digest, site, country, harvested_on, width, height"
    ),
    "matching_face": "image_id, box_left, box_top, box_right, box_bottom, score, embedding",
}


def copy(blocks: list[tuple[str, bytes]]) -> None:
    from django.db import connection, transaction  # noqa: PLC0415

    with transaction.atomic(), connection.cursor() as cursor:
        for statement, content in blocks:
            with cursor.copy(statement) as into:
                into.write(content)


def take_in(file: Path, pack: "Pack") -> None:
    from matching.harvest import ready_embeddings  # noqa: PLC0415
    from matching.harvest.embedding_files import EmbeddingFile  # noqa: PLC0415

    report = ready_embeddings.harvest(
        EmbeddingFile(file), pack, pack.recogniser_sha256, lambda done: None, lambda *why: None
    )
    if report.skipped or report.already:
        raise RuntimeError("Not every row was taken in.")


def rate(count: int, run: Callable[[], None]) -> float:
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE matching_harvestedimage, matching_face")
        cursor.execute("CHECKPOINT")
    begun = time.perf_counter()
    run()
    return count / (time.perf_counter() - begun)


if __name__ == "__main__":
    sys.stdout.write(json.dumps([asdict(row) for row in measure()], indent=1) + "\n")
