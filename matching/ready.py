"""Embeddings that an engine made before, into the index through the door: no photo is held for such an image.

An image enters with all its faces or not at all, so a second run goes on where the first was stopped: what is
there already is passed over.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit
from uuid import uuid4

import numpy as np

from matching import admission
from matching.admission import Arrival
from matching.embedding_files import EmbeddingFile, Piece, day, file_digest
from matching.harvest import Progress, Skipped, Tally
from matching.index.base import FaceRows
from matching.packs import Pack
from matching.types import BadEmbeddings, HarvestReport

Same = tuple[object, object, object]


def harvest(
    file: EmbeddingFile, pack: Pack, recogniser: str, on_progress: Progress, on_skipped: Skipped
) -> HarvestReport:
    """Errors: BadEmbeddings, HarvestRunning, HarvestRefused."""
    check_recogniser(file.recogniser() or recogniser, pack)
    tally = Tally()
    with admission.only_one():
        admission.clear_leftovers()
        for batch in while_storing(map(prepared, file.pieces(pack.info.dim))):
            take_in(batch, tally, on_skipped)
            on_progress(tally.done)
    return tally.report()


def while_storing(batches: Iterator["Batch"]) -> Iterator["Batch"]:
    """The next batch is made ready in a thread while the database takes in the one before."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = thread.submit(next, batches, None)
            yield batch


def check_recogniser(stated: str, pack: Pack) -> None:
    if not stated:
        raise BadEmbeddings(
            "Say which model made the embeddings: --recogniser with the SHA-256 of its file,"
            " or recogniser_sha256 in the metadata of the Parquet file."
        )
    if stated.lower() != pack.recogniser_sha256:
        raise BadEmbeddings(
            f"The embeddings were made by another model than the pack {pack.info.name}: they cannot be compared."
        )


@dataclass(frozen=True)
class Batch:
    images: list[Arrival]
    faces: FaceRows
    skipped: list[tuple[str, str]]  # row, and why
    rows: int


def prepared(piece: Piece) -> Batch:
    lengths = np.linalg.norm(piece.rows, axis=1)
    usable = np.isfinite(lengths) & (lengths > 0)
    arrivals: dict[Same, Arrival | None] = {}
    owners, chosen, skipped = [], [], []
    for n in range(len(piece)):
        image = image_of(piece, n, arrivals)
        if image is None:
            skipped.append((f"row {piece.first + n}", "its page, date or image id cannot be used"))
        elif not usable[n]:
            skipped.append((f"row {piece.first + n}", "its embedding is no direction"))
        else:
            owners.append(image)
            chosen.append(n)
    ids = [image.image_id for image in owners]
    kept = slice(None) if len(chosen) == len(piece) else chosen  # a slice copies nothing
    faces = FaceRows(ids, piece.boxes[kept], piece.scores[kept], piece.rows[kept] / lengths[kept, None])
    images = list({id(image): image for image in owners}.values())
    return Batch(images, faces, skipped, len(piece))


def take_in(batch: Batch, tally: Tally, on_skipped: Skipped) -> None:
    for name, reason in batch.skipped:
        on_skipped(name, reason)
    if batch.images:
        tally.count(admission.admit(batch.images, batch.faces))
    tally.skipped += len(batch.skipped)
    tally.done += batch.rows


def image_of(piece: Piece, n: int, arrivals: dict[Same, Arrival | None]) -> Arrival | None:
    """The image of a row, which is that of the row before where both name the same."""
    columns = piece.columns
    same = (columns.get("image", EMPTY)[n], columns.get("file_digest", EMPTY)[n], columns["page"][n])
    if same not in arrivals:
        arrivals[same] = arrival(piece, n)
    return arrivals[same]


class Nothing:
    """A column that the file lacks."""

    def __getitem__(self, n: int) -> None:
        return None


EMPTY = Nothing()


def arrival(piece: Piece, n: int) -> Arrival | None:
    columns = piece.columns
    try:
        page = columns["page"][n]
        return known_by_page(
            Arrival(
                uuid4(),
                file_digest(columns, n),
                page=page,
                site=columns.get("site", EMPTY)[n] or host("/".join(page.split("/", 3)[:3])),
                harvested_on=day(columns["harvested_on"][n]),
                country=(columns.get("country", EMPTY)[n] or "").upper(),
                address=columns.get("address", EMPTY)[n] or "",
                width=max(0, int(piece.boxes[n, 2])),  # as far as is known: nothing is shown of it anyway
                height=max(0, int(piece.boxes[n, 3])),
            )
        )
    except (TypeError, ValueError):
        return None


def known_by_page(image: Arrival) -> Arrival | None:
    """None without a page. The digest is made now, ahead of the moment it is stored at."""
    if not image.page or len(image.country) not in (0, 2):
        return None
    return image if image.page_digest else None


@lru_cache
def host(origin: str) -> str:
    """Of an address up to its path; those of one site follow each other."""
    return urlsplit(origin).hostname or ""
