"""What any face index can do. The portal's own is pgvector; an operator's engine takes its place here."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from matching.types import Box, Embeddings

ELSEWHERE = "/"  # in the name of a residue's place: it is no table of PostgreSQL


@dataclass(frozen=True)
class FaceRows:
    """Faces on their way in, a row for each; those of one image may stand anywhere."""

    image_ids: Sequence[UUID]  # (n)
    boxes: NDArray[np.int32]  # (n, 4): left, top, right, bottom
    scores: NDArray[np.float32]  # (n,)
    rows: Embeddings  # (n, dim)

    def __len__(self) -> int:
        return len(self.image_ids)

    def of(self, image_ids: Collection[UUID]) -> "FaceRows":
        chosen = [n for n, image_id in enumerate(self.image_ids) if image_id in image_ids]
        if len(chosen) == len(self):
            return self
        kept = [self.image_ids[n] for n in chosen]
        return FaceRows(kept, self.boxes[chosen], self.scores[chosen], self.rows[chosen])


def face_rows(image_ids: Sequence[UUID], boxes: Sequence[Box], scores: Sequence[float], rows: Embeddings) -> FaceRows:
    sides = [(box.left, box.top, box.right, box.bottom) for box in boxes]
    return FaceRows(image_ids, np.array(sides, np.int32).reshape(-1, 4), np.array(scores, np.float32), rows)


@dataclass(frozen=True)
class Hit:
    face_id: int
    image_id: UUID
    similarity: float  # cosine, the best over all probes


class Index(Protocol):
    """Errors of each: IndexAway, an OSError, where it is on another machine that does not answer."""

    elsewhere: bool  # what `add` did is not undone with the caller's transaction, but by `remove` alone

    def add(self, faces: FaceRows) -> None:
        """Called by `matching.harvest.admission` alone, in its transaction."""

    def search(self, probes: Embeddings, *, at_least: float) -> list[Hit]:
        """Every face at or above the similarity, hidden or not, most similar first: exact, never a sample."""

    def operator_search(self, probes: Embeddings, *, at_least: float, limit: int) -> list[Hit]:
        """What the operator's clients may see: hidden images never appear."""

    def sweep(self, groups: Sequence[Embeddings], *, at_least: Sequence[float]) -> list[list[Hit]]:
        """What `search` finds for each group of probes at its own threshold, all in one pass over the index."""

    def searchable(self, image_ids: Sequence[UUID]) -> frozenset[UUID]:
        """Those of the images that `search_shown` could still return."""

    def faces_of(self, image_id: UUID) -> dict[int, Box]:
        """Where the faces of an image are, by their ids."""

    def embeddings(self, face_ids: Sequence[int]) -> Embeddings:
        """By rising id, each once; of those that are (still) there."""

    def remove(self, image_ids: Sequence[UUID]) -> None:
        """Idempotent, in a transaction of its own; remembers where dead rows lie now, for the purge."""

    def holds(self, image_ids: Sequence[UUID]) -> frozenset[UUID]:
        """Read back of `remove`: those of the images of which a row is left."""

    def size(self) -> int: ...

    def rewrite(self, place: str) -> bool:
        """Take dead rows off a place that this index named in a residue and that is no table; False: not done."""
