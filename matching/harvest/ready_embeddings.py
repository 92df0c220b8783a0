"""Embeddings that an engine made before, into the index through the door: no photo is held for such an image.

An image enters with all its faces or not at all, so a second run goes on where the first was stopped: what is
there already is passed over. Rows of one image that stand far apart are no image of which all faces are known when
it enters: the first of them enter, the others are named.
"""

import hashlib
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np

from matching.errors import BadEmbeddings
from matching.faces import Pack
from matching.harvest import admission
from matching.harvest.admission import Admitted, Arrival
from matching.harvest.embedding_files import OF_IMAGE, EmbeddingFile, Piece
from matching.harvest.photos import Progress, Skipped, Tally
from matching.index import FaceRows
from matching.provenance import site_of
from matching.tables import Batch as Rows
from matching.tables import Refused
from matching.types import HarvestReport


def harvest(
    file: EmbeddingFile, pack: Pack, recogniser: str, on_progress: Progress, on_skipped: Skipped
) -> HarvestReport:
    """Errors: BadTable, HarvestRunning, HarvestRefused."""
    check_recogniser(file.recogniser() or recogniser, pack)
    tally, own = Tally(), OwnIds()
    with admission.one_harvest():
        admission.clear_leftovers()
        for batch in while_storing(prepared(piece, own) for piece in file.pieces(pack.info.dim)):
            take_in(batch, tally, own, on_skipped)
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


class OwnIds:
    """Random ids that this run alone can tell for its own, so that no list of what it took in is needed."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(16)

    def new(self) -> UUID:
        drawn = secrets.token_bytes(12)
        return UUID(bytes=drawn + self._mark(drawn))

    def __contains__(self, image_id: UUID) -> bool:
        return self._mark(image_id.bytes[:12]) == image_id.bytes[12:]

    def _mark(self, drawn: bytes) -> bytes:
        return hashlib.blake2b(drawn, key=self._key, digest_size=4).digest()


@dataclass(frozen=True)
class Batch:
    images: list[Arrival]
    faces: FaceRows
    of_rows: list[int]  # of which rows the faces are
    skipped: list[tuple[int, str]]  # row, and why
    rows: Rows


def prepared(piece: Piece, own: OwnIds) -> Batch:
    with np.errstate(over="ignore"):
        lengths = np.linalg.norm(piece.rows, axis=1)
    usable = np.isfinite(lengths) & (lengths > 0)
    images = Images(piece, own)
    owners, chosen, skipped = [], [], []
    for n in range(len(piece)):
        image = images.of_row(n)
        if isinstance(image, str):
            skipped.append((n, image))
        elif n in piece.faults:
            skipped.append((n, piece.faults[n]))
        elif not usable[n]:
            skipped.append((n, "embedding is no direction: a number in it is none or too large, or all are zero"))
        else:
            owners.append(image)
            chosen.append(n)
    ids = [image.image_id for image in owners]
    kept = slice(None) if len(chosen) == len(piece) else chosen  # a slice copies nothing
    faces = FaceRows(ids, piece.boxes[kept], piece.scores[kept], piece.rows[kept] / lengths[kept, None])
    arrivals = list({id(image): image for image in owners}.values())
    return Batch(arrivals, faces, chosen, skipped, piece.batch)


def take_in(batch: Batch, tally: Tally, own: OwnIds, on_skipped: Skipped) -> None:
    skipped = batch.skipped
    if batch.images:
        admitted = admission.admit(batch.images, batch.faces)
        apart = of_images_begun(batch, admitted, own) if admitted.already else frozenset()
        late = rows_of(apart, batch) if apart else []
        skipped = sorted([*skipped, *((n, "it stands apart from the other rows of its image") for n in late)])
        tally.count(admitted)
        tally.already -= len(apart)
        tally.faces_passed_over += len(batch.faces) - admitted.faces - len(late)
    for row, reason in skipped:
        on_skipped(batch.rows.place(row), reason)
    tally.skipped += len(skipped)
    tally.done += len(batch.rows)


def of_images_begun(batch: Batch, admitted: Admitted, own: OwnIds) -> frozenset[UUID]:
    """Those that did not enter because this very run took rows of the same image in before."""
    left = [image for image in batch.images if image.image_id not in admitted.image_ids]
    there = admission.known([image.key for image in left])
    return frozenset(image.image_id for image in left if image.key in there and there[image.key] in own)


def rows_of(images: frozenset[UUID], batch: Batch) -> list[int]:
    return [n for n, image_id in zip(batch.of_rows, batch.faces.image_ids, strict=True) if image_id in images]


class Images:
    """Of the rows of a piece; made once for all rows that say the same, and why not where one cannot be made."""

    def __init__(self, piece: Piece, own: OwnIds) -> None:
        self._piece, self._own = piece, own
        self._boxes: list[list[int]] = piece.boxes.tolist()
        cells = piece.batch.cells
        self._said = list(zip(*(cells[column.name] for column in OF_IMAGE if column.name in cells), strict=True))
        self._made: dict[tuple[object, ...], Arrival | str] = {}
        self._known: dict[tuple[bytes, str], Arrival] = {}

    def of_row(self, n: int) -> Arrival | str:
        said = self._said[n]
        if said not in self._made:
            self._made[said] = self._of(n)
        return self._made[said]

    def _of(self, n: int) -> Arrival | str:
        try:
            row = self._piece.batch.row(n, OF_IMAGE)
        except Refused as why:
            return str(why)
        if row["image"] is None and row["file_digest"] is None:
            return "it names no image: fill in image or file_digest"
        made = arrival(row, self._boxes[n], self._own)
        # Rows of one image that differ in the rest: what the first of them says holds.
        return self._known.setdefault((made.file_digest, made.page), made)


def arrival(row: dict[str, Any], box: list[int], own: OwnIds) -> Arrival:
    image = Arrival(
        own.new(),
        row["file_digest"] or digest_of_id(row["image"]),
        page=row["page"],
        site=row["site"] or site_of(row["page"]),
        harvested_on=row["harvested_on"],
        country=row["country"],
        address=row["address"],
        width=max(0, box[2]),  # as far as is known: nothing is shown of it anyway
        height=max(0, box[3]),
    )
    _ = image.page_digest  # made now, ahead of the moment it is stored at
    return image


def digest_of_id(image: str) -> bytes:
    """What an image is known by where only the engine's own id of it is."""
    return hashlib.sha256(b"image id\0" + image.encode()).digest()
