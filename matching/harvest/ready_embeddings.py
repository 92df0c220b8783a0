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
from functools import lru_cache
from urllib.parse import urlsplit
from uuid import UUID

import numpy as np

from matching.errors import BadEmbeddings
from matching.faces import Pack
from matching.harvest import admission
from matching.harvest.admission import Admitted, Arrival
from matching.harvest.embedding_files import EmbeddingFile, Piece, day, file_digest
from matching.harvest.photos import Progress, Skipped, Tally
from matching.index import FaceRows
from matching.types import HarvestReport

Same = tuple[object, object, object]


def harvest(
    file: EmbeddingFile, pack: Pack, recogniser: str, on_progress: Progress, on_skipped: Skipped
) -> HarvestReport:
    """Errors: BadEmbeddings, HarvestRunning, HarvestRefused."""
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
    numbers: list[int]  # of the rows that the faces are from
    skipped: list[tuple[int, str]]  # row, and why
    rows: int


def prepared(piece: Piece, own: OwnIds) -> Batch:
    lengths = np.linalg.norm(piece.rows, axis=1)
    usable = np.isfinite(lengths) & (lengths > 0)
    arrivals: dict[Same, Arrival | None] = {}
    owners, chosen, skipped = [], [], []
    for n in range(len(piece)):
        image = image_of(piece, n, arrivals, own)
        if image is None:
            skipped.append((piece.first + n, "its page, site, country, date or image id cannot be used"))
        elif not usable[n]:
            skipped.append((piece.first + n, "its embedding is no direction"))
        else:
            owners.append(image)
            chosen.append(n)
    ids = [image.image_id for image in owners]
    kept = slice(None) if len(chosen) == len(piece) else chosen  # a slice copies nothing
    faces = FaceRows(ids, piece.boxes[kept], piece.scores[kept], piece.rows[kept] / lengths[kept, None])
    images = list({id(image): image for image in owners}.values())
    return Batch(images, faces, [piece.first + n for n in chosen], skipped, len(piece))


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
        on_skipped(f"row {row}", reason)
    tally.skipped += len(skipped)
    tally.done += batch.rows


def of_images_begun(batch: Batch, admitted: Admitted, own: OwnIds) -> frozenset[UUID]:
    """Those that did not enter because this very run took rows of the same image in before."""
    left = [image for image in batch.images if image.image_id not in admitted.image_ids]
    there = admission.known([image.key for image in left])
    return frozenset(image.image_id for image in left if image.key in there and there[image.key] in own)


def rows_of(images: frozenset[UUID], batch: Batch) -> list[int]:
    return [n for n, image_id in zip(batch.numbers, batch.faces.image_ids, strict=True) if image_id in images]


def image_of(piece: Piece, n: int, arrivals: dict[Same, Arrival | None], own: OwnIds) -> Arrival | None:
    """The image of a row, which is that of the row before where both name the same."""
    columns = piece.columns
    same = (columns.get("image", EMPTY)[n], columns.get("file_digest", EMPTY)[n], columns["page"][n])
    try:
        if same not in arrivals:
            arrivals[same] = arrival(piece, n, own.new())
    except TypeError:  # a list where a text should be
        return None
    return arrivals[same]


class Nothing:
    """A column that the file lacks."""

    def __getitem__(self, n: int) -> None:
        return None


EMPTY = Nothing()


def arrival(piece: Piece, n: int, image_id: UUID) -> Arrival | None:
    columns = piece.columns
    try:
        page, address, site, country = (
            text(columns.get(name, EMPTY)[n]) for name in ("page", "address", "site", "country")
        )
        return known_by_page(
            Arrival(
                image_id,
                file_digest(columns, n),
                page=page,
                site=site or host("/".join(page.split("/", 3)[:3])),
                harvested_on=day(columns["harvested_on"][n]),
                country=country.upper(),
                address=address,
                width=max(0, int(piece.boxes[n, 2])),  # as far as is known: nothing is shown of it anyway
                height=max(0, int(piece.boxes[n, 3])),
            )
        )
    except (TypeError, ValueError):
        return None


def text(value: object) -> str:
    """Errors: TypeError, ValueError for what PostgreSQL cannot keep."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError
    if "\0" in value:
        raise ValueError
    return value


def known_by_page(image: Arrival) -> Arrival | None:
    """None without a page. The digest is made now, ahead of the moment it is stored at."""
    if not image.page or len(image.country) not in (0, 2):
        return None
    return image if image.page_digest else None


@lru_cache
def host(origin: str) -> str:
    """Of an address up to its path; those of one site follow each other."""
    return urlsplit(origin).hostname or ""
