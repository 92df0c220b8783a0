"""The protocol of a face index. PgVector and Milvus follow it; an operator's own engine would too."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from matching.types import Box, Embeddings

ELSEWHERE = "/"  # in a residue's place, it says that this is no table of PostgreSQL


@dataclass(frozen=True)
class FaceRows:
    """Faces to be added, one row each; the faces of one image need not be together."""

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
    """Every method raises IndexAway, an OSError, if the index is on another machine that does not answer."""

    elsewhere: bool  # True: a rolled back transaction does not undo `add`; only `remove` does

    def add(self, faces: FaceRows) -> None:
        """Add faces. Only `matching.harvest.admission` calls this, in its transaction."""

    def search(self, probes: Embeddings, *, at_least: float) -> list[Hit]:
        """Every face at or above the similarity, hidden or not, most similar first: exact, never a sample."""

    def operator_search(self, probes: Embeddings, *, at_least: float, limit: int) -> list[Hit]:
        """As `search`, for the operator's clients: at most `limit` hits, and never a hidden image."""

    def sweep(self, groups: Sequence[Embeddings], *, at_least: Sequence[float]) -> list[list[Hit]]:
        """What `search` finds for each group of probes (n, dim) at its own threshold, in one pass over the index."""

    def searchable(self, image_ids: Sequence[UUID]) -> frozenset[UUID]:
        """Those of the images that `operator_search` could still return."""

    def faces_of(self, image_id: UUID) -> dict[int, Box]:
        """The faces of an image, by id, with their boxes."""

    def embeddings(self, face_ids: Sequence[int]) -> Embeddings:
        """(n, dim), ordered by face id, each face once; faces no longer in the index are left out."""

    def remove(self, image_ids: Sequence[UUID]) -> None:
        """Remove images with their faces, in its own transaction, and note their residue for the purge. Idempotent."""

    def present(self, image_ids: Sequence[UUID]) -> frozenset[UUID]:
        """Read back of `remove`: those of the images of which any row is left."""

    def size(self) -> int:
        """How many faces the index holds, including those of hidden images."""

    def rewrite(self, place: str) -> bool:
        """Rewrite a place, which the index named in a residue, without its deleted rows; False if that was not done."""
