"""What any face index can do. The portal's own is pgvector; an operator's engine takes its place here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from matching.types import Box, Embeddings


@dataclass(frozen=True)
class Hit:
    face_id: int
    image_id: UUID
    similarity: float  # cosine, the best over all probes


class Index(Protocol):
    def add(self, image_id: UUID, boxes: Sequence[Box], scores: Sequence[float], rows: Embeddings) -> None: ...

    def search(self, probes: Embeddings, *, at_least: float) -> list[Hit]:
        """Every face at or above the similarity, hidden or not, most similar first: exact, never a sample."""

    def search_shown(self, probes: Embeddings, *, at_least: float, limit: int) -> list[Hit]:
        """What the operator's clients may see: hidden images never appear."""

    def shown(self, image_ids: Sequence[UUID]) -> frozenset[UUID]:
        """Those of the images that `search_shown` could still return."""

    def embeddings(self, face_ids: Sequence[int]) -> Embeddings: ...

    def remove(self, image_id: UUID) -> None:
        """Idempotent, in a transaction of its own; remembers where dead rows lie now, for `matching.purging`."""

    def holds(self, image_id: UUID) -> bool: ...

    def size(self) -> int: ...
